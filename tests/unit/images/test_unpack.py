"""Blobs that are not what they should be end as unknowns with a reason, within their limits."""

import bz2
import gzip
import hashlib
import io
import lzma
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import streams
from elfgate.images.source import Descriptor, Limits
from elfgate.images.unpack import index_layer
from elfgate.rootfs.layer import Layer
from support.elf_file import elf_file
from support.oci import OCI_LAYER, sha256
from support.tarball import program, tarball

TAR = tarball({"bin/sh": program(elf_file("amd64")), "data": b"0123456789" * 5000})
SKIPPABLE = b"\x5a\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"meta"


def read(
    data: bytes, *, digest: str = "", size: int | None = None, limits: Limits | None = None
) -> Layer:
    descriptor = Descriptor(OCI_LAYER, digest or sha256(data), len(data) if size is None else size)
    return index_layer(io.BytesIO(data), descriptor, limits or Limits())


def failure(
    data: bytes, *, digest: str = "", size: int | None = None, limits: Limits | None = None
) -> UnreadableError:
    with pytest.raises(UnreadableError) as raised:
        read(data, digest=digest, size=size, limits=limits)
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    "data",
    [
        TAR,
        gzip.compress(TAR),
        gzip.compress(TAR[:777]) + gzip.compress(TAR[777:]),
        gzip.compress(TAR) + bytes(512),
        zstandard.compress(TAR),
        zstandard.compress(TAR[:777]) + zstandard.compress(TAR[777:]),
        SKIPPABLE + zstandard.compress(TAR) + SKIPPABLE,
        TAR + bytes(10_000),
        gzip.compress(TAR + b"what runtimes read and ignore"),
    ],
    ids=[
        "plain",
        "gzip",
        "gzip members",
        "padded gzip",
        "zstd",
        "zstd frames",
        "zstd:chunked",
        "padded",
        "trailing",
    ],
)
def test_a_layer_is_read_in_every_form_that_runtimes_take(data: bytes) -> None:
    assert set(read(data).entries("/bin")) == {"sh"}
    assert set(read(data, size=0).entries("/bin")) == {"sh"}


def test_the_standard_librarys_gzip_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_open_gzip", gzip.GzipFile)
    assert read(gzip.compress(TAR)).encode() == read(TAR).encode()
    assert failure(gzip.compress(TAR)[:-9]).reason is UnknownReason.IMAGE_INVALID


def test_an_empty_layer_is_a_layer() -> None:
    assert read(gzip.compress(bytes(1024))).entries("/") == {}
    assert read(b"").entries("/") == {}


def test_another_digest_is_invalid_though_the_archive_is_sound() -> None:
    error = failure(gzip.compress(TAR), digest="sha256:" + "0" * 64)
    assert error.reason is UnknownReason.IMAGE_INVALID
    assert "does not match its digest" in str(error)


def test_bytes_changed_behind_the_archives_end_are_noticed() -> None:
    data = TAR + bytes(100_000)
    error = failure(data[:-1] + b"x", digest=sha256(data))
    assert "does not match its digest" in str(error)


def test_sha512_is_verified_too() -> None:
    data = gzip.compress(TAR)
    assert len(read(data, digest=f"sha512:{hashlib.sha512(data).hexdigest()}")) > 0
    assert failure(data, digest="sha512:" + "0" * 128).reason is UnknownReason.IMAGE_INVALID


SKIPPED = b"\x50\x2a\x4d\x18\x05\0\0\0hello"  # a frame of zstd that holds nothing, whatever it says
NOTHING = zstandard.compress(b"")


@pytest.mark.parametrize("data", [NOTHING, SKIPPED, SKIPPED + NOTHING, NOTHING + SKIPPED])
def test_a_layer_without_a_byte_is_empty_when_packed_by_zstd(data: bytes) -> None:
    """As containerd has it, which starts images with such a layer."""
    assert not read(data).entries("/")


@pytest.mark.parametrize("data", [NOTHING[:-1], SKIPPED[:-1], NOTHING + SKIPPED[:-1], SKIPPED[:6]])
def test_a_frame_that_is_cut_short_is_no_empty_layer(data: bytes) -> None:
    assert failure(data).reason is UnknownReason.IMAGE_INVALID


@pytest.mark.parametrize(("difference", "words"), [(-1, "longer than"), (1, "ends after")])
def test_another_size_is_invalid(difference: int, words: str) -> None:
    data = gzip.compress(TAR)
    error = failure(data, size=len(data) + difference)
    assert error.reason is UnknownReason.IMAGE_INVALID
    assert words in str(error)


@pytest.mark.parametrize(
    "compress", [gzip.compress, zstandard.compress, bytes], ids=["gzip", "zstd", "plain"]
)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_blob_cut_short_is_invalid_though_its_digest_matches(compress: type, part: float) -> None:
    whole = compress(TAR.rstrip(b"\0"))
    error = failure(whole[: int(len(whole) * part)])
    assert error.reason is UnknownReason.IMAGE_INVALID


@pytest.mark.parametrize(
    "data",
    [
        b"\x1f\x8b\x08\x00" + b"x" * 100,
        b"\x28\xb5\x2f\xfd" + b"x" * 100,
        gzip.compress(TAR) + b"garbage",
        gzip.compress(b"no tar" * 200),
        b"\x28\xb5\x2f\xfd\x04",
    ],
    ids=["gzip", "zstd", "behind gzip", "no tar", "cut zstd"],
)
def test_garbage_is_invalid(data: bytes) -> None:
    assert failure(data).reason is UnknownReason.IMAGE_INVALID


@pytest.mark.parametrize(("pack", "name"), [(lzma.compress, "xz"), (bz2.compress, "bzip2")])
def test_a_compression_that_containerd_does_not_unpack_is_named(
    pack: Callable[[bytes], bytes], name: str
) -> None:
    error = failure(pack(TAR))
    assert error.reason is UnknownReason.IMAGE_UNSUPPORTED
    assert f"is compressed with {name}, which containerd does not unpack" in error.message


def test_a_tar_may_begin_with_letters_of_a_compression() -> None:
    assert set(read(tarball({"BZhang": ""})).entries("/")) == {"BZhang"}


def _bomb(megabytes: int) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    sound = tarball({"zeros": b""})[:512]
    size = megabytes << 20
    field = f"{size:011o}\0".encode()
    header = bytearray(sound[:124] + field + sound[136:])
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    parts = [packer.compress(bytes(header))]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(megabytes)]
    return b"".join([*parts, packer.compress(bytes(1024)), packer.flush()])


def test_a_bomb_ends_at_the_ratio_in_little_memory() -> None:
    data = _bomb(200)
    tracemalloc.start()
    error = failure(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.reason is UnknownReason.LIMIT_EXCEEDED
    assert "200 times its packed size" in str(error)
    assert peak < 20 << 20


def test_a_small_layer_may_compress_as_well_as_it_likes() -> None:
    assert set(read(_bomb(20)).entries("/")) == {"zeros"}


def test_a_layer_over_its_bytes_exceeds_the_limit() -> None:
    error = failure(gzip.compress(TAR), limits=Limits(layer_bytes=10_000))
    assert error.reason is UnknownReason.LIMIT_EXCEEDED


def test_what_follows_the_archive_counts_as_well() -> None:
    error = failure(gzip.compress(TAR + bytes(1_000_000)), limits=Limits(layer_bytes=500_000))
    assert error.reason is UnknownReason.LIMIT_EXCEEDED


def test_a_layer_that_takes_too_long_exceeds_the_limit() -> None:
    error = failure(gzip.compress(TAR), limits=Limits(seconds=0.0))
    assert error.reason is UnknownReason.LIMIT_EXCEEDED
    assert "within 0 s" in str(error)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_is_an_unknown_and_never_a_traceback(data: st.DataObject) -> None:
    blob = bytearray(data.draw(st.sampled_from([gzip.compress(TAR), zstandard.compress(TAR), TAR])))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnreadableError):
        assert isinstance(read(bytes(blob)), Layer)
