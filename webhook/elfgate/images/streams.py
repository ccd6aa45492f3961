"""Packed streams, as the runtimes unpack them.

Source: containerd, which goes by a stream's first bytes, not by its media type, to decompress it.
"""

import gzip
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import IO, Any, cast

import zstandard

from elfgate.images.digests import Reader


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
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # behind a byte 0x50..0x5f
_ZSTD_LARGEST_WINDOW = (
    128 << 20
)  # what the zstd tool itself accepts without being told to take more


def is_compressed(magic: bytes) -> bool:
    """Whether a stream is compressed in a way that runtimes take.

    Its first four bytes tell.
    """
    return magic.startswith(GZIP_MAGIC) or _is_zstd(magic)


def _is_zstd(magic: bytes) -> bool:
    return magic == ZSTD_MAGIC or (magic[1:] == _ZSTD_SKIPPABLE and magic[0] >> 4 == 5)


def is_empty_zstd(packed: bytes) -> bool:
    """Whether some bytes are whole frames of zstd that hold nothing."""
    while packed:
        frame = zstandard.ZstdDecompressor().decompressobj()
        if frame.decompress(packed) or not frame.eof:
            return False
        packed = frame.unused_data
    return True


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
