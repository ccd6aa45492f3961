"""Files that are broken or made to harm: always facts, never an error, and bounded."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.elf.excerpt import excerpt
from elfgate.elf.read import read
from elfgate.errors import UnreadableError
from support.elf_file import elf_file, glibc_loader

FULL = {
    "interp": "/lib/ld.so",
    "soname": "libx.so",
    "needed": ("liba.so", "libb.so"),
    "runpath": "$ORIGIN",
    "relr": True,
    "version_needs": {"liba.so": ["A_1", "A_2"], "libb.so": ["B_1"]},
    "version_definitions": ("X_1",),
    "undefined": ("one", ("two", "lazy")),
    "defined": ("three", "four", "five"),
    "hash_style": "both",
    "abi_tag": (3, 2, 0),
    "isa_needed": 1,
    "text": b"\x90" * 8,
}
SEEDS = [elf_file(name, **FULL) for name in ("amd64", "arm", "s390x", "mips64le")] + [
    glibc_loader("ppc64le")
]
LIMIT = 1 << 20


@pytest.mark.parametrize("data", SEEDS[1:3])
def test_a_file_cut_off_anywhere_is_malformed_or_truncated(data: bytes) -> None:
    assert not read(excerpt(data)).truncated
    for size in range(len(data)):
        found = read(excerpt(data[:size]))
        assert found.malformed or found.interp_malformed or found.truncated
        assert found.file_size == size


@pytest.mark.parametrize(
    "data", [b"", b"\x7f", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF" + b"\xff" * 5000, bytes(100)]
)
def test_what_is_no_elf_file_is_malformed(data: bytes) -> None:
    assert read(excerpt(data)).malformed


@settings(deadline=None, max_examples=150)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(
        st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=9)), min_size=1, max_size=8
    ),
)
def test_no_change_of_bytes_raises_an_error(seed: bytes, changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(seed)
    for place, value in changes:
        start = place % len(data)
        data[start : start + len(value)] = value[: len(data) - start]
    kept = excerpt(data)
    assert len(kept) <= LIMIT
    found = read(kept)
    assert found.exports("three") in {True, False}
    assert isinstance(found.malformed, str)


def dynamic_file(tags: list[tuple[int, int]], body: bytes) -> bytes:
    """A 64-bit file of one PT_LOAD whose dynamic section, then ``body``, follow the headers, at offset 176."""
    entries = b"".join(struct.pack("<QQ", *tag) for tag in (*tags, (0, 0)))
    size = 176 + len(entries) + len(body)
    header = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    )
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, size, size, 0x1000)
    dynamic = struct.pack("<IIQQQQQQ", 2, 4, 176, 176, 176, len(entries), len(entries), 8)
    return header + load + dynamic + entries + body


def test_versions_that_share_one_long_chain_are_read_once_in_all() -> None:
    # Every need refers to the same chain of auxiliary entries: their product would be two million.
    needs = b"".join(
        struct.pack("<HHIII", 1, 1, 0, (1500 - index) * 16, 16) for index in range(1500)
    )
    chain = b"".join(struct.pack("<IHHII", 0, 0, 0, 0, 16) for _ in range(1500))
    found = read(excerpt(dynamic_file([(0x6FFFFFFE, 176 + 48), (5, 176)], needs + chain)))
    assert found.incomplete
    assert len(found.version_needs) < 5000
    assert found.exports("anything")


def test_a_name_that_many_symbols_share_does_not_multiply() -> None:
    count, entries = 20000, 7 * 16
    strings = 176 + entries
    symbols = strings + 4096
    relocations = symbols + 24 * (count + 1)
    tags = [
        (5, strings),
        (10, 4096),
        (6, symbols),
        (7, relocations),
        (8, 24 * count),
        (0x6FFFFEF5, 0),
    ]
    body = (
        b"\0"
        + b"n" * 4094
        + b"\0"
        + bytes(24)
        + struct.pack("<IBBHQQ", 1, 0x10, 0, 0, 0, 0) * count
    )
    body += b"".join(struct.pack("<QQQ", 0, (index + 1) << 32 | 6, 0) for index in range(count))
    kept = excerpt(dynamic_file(tags, body))
    assert len(kept) <= LIMIT
    assert read(kept).incomplete


def test_more_relocations_than_any_file_has_make_the_facts_incomplete() -> None:
    size = 9 << 20
    found = read(excerpt(dynamic_file([(7, 176), (8, size), (5, 176), (6, 176)], bytes(size))))
    assert found.incomplete
    assert found.undefined == ()


def test_a_hash_table_of_impossible_size_may_export_anything() -> None:
    table = struct.pack("<IIIIQI", 1 << 31, 1, 1, 6, 0, 1)
    found = read(excerpt(dynamic_file([(0x6FFFFEF5, 176 + 48), (6, 176)], table)))
    assert found.exports("anything")


@pytest.mark.parametrize("buckets", [0, 5])
def test_a_hash_table_without_the_buckets_that_it_claims_may_export_anything(buckets: int) -> None:
    table = struct.pack("<IIIII", buckets, 1, 0, 6, 1)
    found = read(excerpt(dynamic_file([(0x6FFFFEF5, 176 + 48), (6, 176)], table)))
    assert found.exports("anything")


def test_a_dynamic_section_without_an_end_makes_the_facts_incomplete() -> None:
    data = dynamic_file([(1, 1)] * 5000, b"")
    assert read(excerpt(data)).incomplete


def test_a_string_longer_than_a_path_is_left_out() -> None:
    found = read(excerpt(dynamic_file([(1, 0), (5, 176 + 48)], b"x" * 5000)))
    assert found.needed == ()
    assert found.incomplete


def test_an_address_in_the_page_of_a_segment_but_before_the_file_is_in_no_file() -> None:
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x10100, 0, 0x100, 0x100, 0x1000)
    dynamic = struct.pack("<IIQQQQQQ", 2, 6, 0, 0x10010, 0, 0x40, 0x40, 8)
    assert not read(excerpt(header + load + dynamic + bytes(0x100))).needed


def test_notes_of_absurd_sizes_are_passed_over() -> None:
    data = bytearray(elf_file(abi_tag=(3, 2, 0), isa_needed=1, text=b"\x90"))
    for marker in (struct.pack("<III", 4, 16, 1), struct.pack("<III", 4, 16, 5)):
        place = data.find(marker)
        data[place : place + 8] = b"\xff" * 8
    found = read(excerpt(data))
    assert (found.kernel_floor, found.isa_needed) == (None, 0)


@pytest.mark.parametrize(
    "blob", [b"", b"\x7fXELF\x01", b"\x7fXELF\x02" + bytes(40), excerpt(SEEDS[0])[:-1]]
)
def test_stored_bytes_of_another_form_are_unreadable_in_one_line(blob: bytes) -> None:
    with pytest.raises(UnreadableError, match="stored facts of an ELF file are of another form"):
        read(blob)
