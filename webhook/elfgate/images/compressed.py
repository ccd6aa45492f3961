"""A file that may be compressed, as a file that is not.

So that any part of it can be had at any time.
"""

import bz2
import errno
import lzma
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from sys import stdin
from typing import BinaryIO, Protocol

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.source import Limits
from elfgate.images.streams import DECOMPRESSION_ERRORS, is_compressed, opened

STANDARD_INPUT = "-"
DAMAGE: tuple[type[Exception], ...] = (*DECOMPRESSION_ERRORS, lzma.LZMAError, ValueError)
_BZIP2 = b"BZh"
_XZ = b"\xfd7zXZ\0"
_XZ_MEMORY = 256 << 20  # bytes; xz -9 takes 65 MiB to unpack
_PIECE = 1 << 20


class _Decompressor(Protocol):
    """One stream's: bz2 and lzma have the same."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether it has unpacked all that it was given."""

    @property
    def unused_data(self) -> bytes:
        """The bytes behind its end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack more of it."""


def open_plain(path: str, limits: Limits) -> BinaryIO:
    """Open a file for reading by position.

    What is compressed, or is no file, goes to an unnamed temporary one.

    Args:
        path: The file; ``-`` for standard input.
        limits: How much it may unpack to.

    Raises:
        OSError: if it cannot be read.
        UnreadableError: LIMIT_EXCEEDED if it unpacks to more than that.
        one of DAMAGE: if it is compressed and damaged.
    """
    with ExitStack() as on_failure:
        file = on_failure.enter_context(_opened(path, limits))
        magic = file.read(len(_XZ))
        file.seek(0)
        if is_compressed(magic[:4]) or magic.startswith((_BZIP2, _XZ)):
            plain = _copied(_pieces(file, magic), limits)
            file.close()
            file = plain
        on_failure.pop_all()
        return file


def _opened(path: str, limits: Limits) -> BinaryIO:
    if path == STANDARD_INPUT:
        return _copied(iter(lambda: stdin.buffer.read(_PIECE), b""), limits)
    return open_regular(path)


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file: a FIFO would be waited for without end.

    Raises:
        OSError: if it is none, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def _copied(pieces: Iterable[bytes], limits: Limits) -> BinaryIO:
    """Write to a file that nobody else sees."""
    with ExitStack() as on_failure:
        plain = on_failure.enter_context(tempfile.TemporaryFile())
        for piece in pieces:
            plain.write(piece)
            if plain.tell() > limits.layer_bytes:
                message = f"the archive unpacks to more than {limits.layer_bytes} bytes"
                raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)
        plain.seek(0)
        on_failure.pop_all()
        return plain


def _pieces(file: BinaryIO, magic: bytes) -> Iterator[bytes]:
    if magic.startswith(_XZ):
        yield from _unpacked(file, lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY))
    elif magic.startswith(_BZIP2):
        yield from _unpacked(file, bz2.BZ2Decompressor)
    else:
        plain = opened(file, magic[:4])
        while piece := plain.read(_PIECE):
            yield piece


def _unpacked(file: BinaryIO, begin: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """Unpack one stream after the other; zeros between and behind them are padding."""
    data = file.read(_PIECE)
    while data:
        unpacking = begin()
        while True:
            yield unpacking.decompress(data, _PIECE)
            if unpacking.eof:
                break
            data = file.read(_PIECE) if unpacking.needs_input else b""
            if unpacking.needs_input and not data:
                raise EOFError("it ends within a compressed stream")
        data = unpacking.unused_data.lstrip(b"\0") or file.read(_PIECE).lstrip(b"\0")
