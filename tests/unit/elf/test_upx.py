"""What is told of a program that UPX has packed. The truth lab packs real ones, by every method."""

import random

import pytest

from elfgate.elf.layout import layout_of
from elfgate.elf.upx import needs_no_loader
from support import upx_block
from support.elf_file import elf_file
from support.upx_block import upx_block as block

STATIC = elf_file(type=2, text=b"\x90" * 16)
DYNAMIC = elf_file(interp="/lib64/ld-linux-x86-64.so.2", needed=("libc.so.6",))
METHODS = [upx_block.LZMA, upx_block.NRV2B_32, upx_block.NRV2D_32, upx_block.NRV2E_32]
METHODS += [upx_block.NRV2B_8, upx_block.NRV2D_8, upx_block.NRV2E_8]


def headers(program: bytes) -> bytes:
    return program[: 64 + 56 * int.from_bytes(program[56:58], "little")]


def told(start: bytes) -> bool:
    return needs_no_loader(start, layout_of(STATIC[:64]))


@pytest.mark.parametrize("method", METHODS)
def test_the_headers_that_were_packed_tell_whether_a_loader_is_needed(method: int) -> None:
    assert told(STATIC + block(headers(STATIC), method))
    assert not told(STATIC + block(headers(DYNAMIC), method))


def test_a_match_is_copied_from_what_was_unpacked() -> None:
    head, packer = headers(STATIC), upx_block.Nrv2b()
    at = 0
    while at < len(head):
        packer.literal(head[at])
        at += 1
        if head[at - 1 : at + 4] == bytes([head[at - 1]]) * 5:
            packer.last_byte_four_times_more()
            at += 4
    assert len(packer.stream) < len(head)
    assert told(STATIC + block(head, upx_block.NRV2B_8, stream=bytes(packer.stream)))


@pytest.mark.parametrize("method", [0, 1, 11, 15, 255])
def test_a_method_that_is_not_known_tells_nothing(method: int) -> None:
    data = bytearray(STATIC + block(headers(STATIC)))
    data[len(STATIC) + 24 + 8] = method
    assert not told(bytes(data))


def test_a_block_that_is_cut_off_or_claims_too_much_tells_nothing() -> None:
    whole = STATIC + block(headers(STATIC))
    assert not any(told(whole[:size]) for size in range(len(STATIC), len(whole)))
    assert not told(STATIC + block(headers(STATIC), claimed=1 << 20))
    assert not told(STATIC + block(headers(STATIC)[:64]))


@pytest.mark.parametrize("method", METHODS)
def test_no_stream_is_too_hostile(method: int) -> None:
    whole, chance = STATIC + block(headers(DYNAMIC), method), random.Random(method)  # noqa: S311 (no secret)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(4):
            data[chance.randrange(len(STATIC) + 24, len(data))] = chance.randrange(256)
        told(bytes(data))
