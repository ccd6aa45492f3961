"""A layer's blob → its index, in one streaming pass.

Verified, decompressed and walked while it is read.

Sources: OCI layer spec; containerd, which goes by a stream's first bytes, not by its media type, to
decompress it.
"""

import gzip
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, Protocol, cast

import zstandard

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import Reader, VerifiedReader, short
from elfgate.images.source import Descriptor, Limits
from elfgate.rootfs import tar
from elfgate.rootfs.layer import Layer


def _fastest_gzip() -> tuple[
    Callable[..., Reader], Callable[..., Any], tuple[type[Exception], ...]
]:
    """The readers of gzip streams and of whole members, and their own errors.

    isal is not on every architecture; the standard library does the same at half the speed.
    """
    try:
        from isal import igzip, isal_zlib  # noqa: PLC0415
    except ImportError:
        return gzip.GzipFile, zlib.decompressobj, ()
    return igzip.IGzipFile, isal_zlib.decompressobj, (cast("type[Exception]", isal_zlib.error),)


_open_gzip, _gzip_member, _GZIP_ERRORS = _fastest_gzip()
DECOMPRESSION_ERRORS: tuple[type[Exception], ...] = (
    *_GZIP_ERRORS,
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    zstandard.ZstdError,
)
GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # behind a byte 0x50..0x5f
_ZSTD_LARGEST_WINDOW = (
    128 << 20
)  # what the zstd tool itself accepts without being told to take more
FREE_OF_RATIO = 64 << 20  # small layers may compress as well as they like


def index_layer(stream: Reader, descriptor: Descriptor, limits: Limits) -> Layer:
    """Read a layer's blob to its end and index it.

    Args:
        stream: The blob's bytes, as stored.
        descriptor: What they must be.
        limits: How much is read before it counts as hostile.

    Returns:
        The layer's index; only once the whole blob has matched its digest.

    Raises:
        UnreadableError: IMAGE_INVALID if it is not what the descriptor says, or no layer;
            LIMIT_EXCEEDED.
    """
    what = f"layer {short(descriptor.digest)}"
    raw = VerifiedReader(
        stream, digest=descriptor.digest, size=descriptor.size, what=what, seconds=limits.seconds
    )  # fmt: skip
    layer = index_packed(raw, what, limits)
    raw.finish()
    return layer


class Packed(Reader, Protocol):
    """A layer's bytes as they are stored."""

    count: int
    """How many have been read."""

    def peek(self, size: int) -> bytes:
        """The first bytes without taking them."""


def index_packed(raw: Packed, what: str, limits: Limits) -> Layer:
    """Unpack a layer's bytes to their end and index them, whether they are the right ones or not.

    Args:
        raw: The bytes.
        what: What is read, for messages.
        limits: How much is read before it counts as hostile.

    Raises:
        UnreadableError: IMAGE_INVALID if it is no layer; LIMIT_EXCEEDED; as ``raw`` does.
    """
    unpacked = _Bounded(opened(raw, raw.peek(4)), raw, what, limits)
    try:
        layer = tar.index(unpacked, max_bytes=limits.layer_bytes, max_entries=limits.layer_entries)
        unpacked.drain()
    except UnreadableError as error:
        if what in error.message:
            raise
        raise UnreadableError(
            f"{what}: {error.message}", reason=error.reason, hint=error.hint
        ) from error
    except DECOMPRESSION_ERRORS as error:
        raise UnreadableError(
            f"{what} cannot be decompressed: {error}", reason=UnknownReason.IMAGE_INVALID
        ) from error  # fmt: skip
    except ValueError as error:
        raise UnreadableError(
            f"{what} is not a sound tar archive: {error}", reason=UnknownReason.IMAGE_INVALID
        ) from error
    return layer


def is_compressed(magic: bytes) -> bool:
    """Whether a stream that begins with these four bytes is compressed in a way that runtimes take."""
    return magic.startswith(GZIP_MAGIC) or _is_zstd(magic)


def _is_zstd(magic: bytes) -> bool:
    return magic == _ZSTD_MAGIC or (magic[1:] == _ZSTD_SKIPPABLE and magic[0] >> 4 == 5)


def unpack(packed: bytes, size: int) -> bytes:
    """The first ``size`` bytes of what was packed, fewer if there are no more.

    Of gzip, the first member.

    Raises:
        one of DECOMPRESSION_ERRORS: if it is damaged.
    """
    if packed.startswith(GZIP_MAGIC):
        data: bytes = _gzip_member(wbits=16 + zlib.MAX_WBITS).decompress(packed, size)
        return data
    stream, unpacked = opened(BytesIO(packed), packed[:4]), bytearray()
    while len(unpacked) < size and (piece := stream.read(size - len(unpacked))):
        unpacked += piece
    return bytes(unpacked)


def opened(stream: Reader, magic: bytes) -> Reader:
    """The stream unpacked, by its first four bytes.

    The stream itself, if runtimes do not unpack its kind.
    """
    if magic.startswith(GZIP_MAGIC):
        return _open_gzip(fileobj=stream, mode="rb")
    if _is_zstd(magic):
        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_LARGEST_WINDOW)
        return decompressor.stream_reader(cast("IO[bytes]", stream), read_across_frames=True)
    return stream


class _Bounded:
    """Unpacked bytes, counted: a bomb ends here."""

    def __init__(self, stream: Reader, raw: Packed, what: str, limits: Limits) -> None:
        self._stream = stream
        self._raw = raw
        self._what = what
        self._limits = limits
        self._count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._count += len(data)
        if self._count > self._limits.layer_bytes:
            raise self._exceeded(f"{self._limits.layer_bytes} bytes")
        if self._count > FREE_OF_RATIO and self._count > self._raw.count * self._limits.layer_ratio:
            raise self._exceeded(f"{self._limits.layer_ratio} times its packed size")
        return data

    def drain(self) -> None:
        """Read behind the archive's end, as the runtimes do.

        A stream that breaks there is broken.
        """
        while self.read(1 << 20):
            pass
        if isinstance(self._stream, zstandard.ZstdDecompressionReader) and not self._count:
            raise EOFError(
                "it ends before its first byte"
            )  # zstandard takes a frame cut short for an empty one

    def _exceeded(self, limit: str) -> UnreadableError:
        return UnreadableError(
            f"{self._what} unpacks to more than {limit}", reason=UnknownReason.LIMIT_EXCEEDED
        )
