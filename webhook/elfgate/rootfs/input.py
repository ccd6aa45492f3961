"""A buffered, bounded, forward-only view of a layer's bytes."""

import mmap
from typing import Protocol

from elfgate.errors import UnknownReason, UnreadableError

_READ_BYTES = 1 << 20  # most files fit whole, and need no copy
_SCRATCH_BYTES = 64 << 20  # of addresses: memory is taken for the largest file there is


class Readable(Protocol):
    """The input of a layer's reader: decompressed bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


class Input:
    """Reads a stream in large pieces and hands out small ones.

    Args:
        stream: What to read.
        max_bytes: How much of it at most; more raises ``UnreadableError``.
    """

    def __init__(self, stream: Readable, max_bytes: int) -> None:
        self._stream = stream
        self._bytes_left = max_bytes
        self._buffer = b""
        self._at = 0
        self._before = 0
        self._scratch = _memory(_SCRATCH_BYTES)

    @property
    def position(self) -> int:
        """How many bytes have been taken or skipped."""
        return self._before + self._at

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer at the end of the stream, without passing them."""
        end = self._at + size
        if end <= len(self._buffer):
            return self._buffer[self._at : end]
        while len(self._buffer) - self._at < size and self._read():
            pass
        return self._buffer[self._at : self._at + size]

    def take(self, size: int) -> memoryview:
        """The next ``size`` bytes. The view is good until the next call.

        Raises:
            ValueError: if the stream ends before.
        """
        start = self._at
        if start + size <= len(self._buffer):
            self._at += size
            return memoryview(self._buffer)[start : start + size]
        if len(self._scratch) < size:
            self._scratch = _memory(
                4 * size
            )  # used for one file after the other: taken anew, it must be cleared anew
        taken = memoryview(self._scratch)[:size]
        filled = 0
        while filled < size:
            piece = memoryview(self._buffer)[self._at : self._at + size - filled]
            taken[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._pass(len(piece), wanted=filled < size)
        return taken

    def skip(self, size: int) -> None:
        """Pass the next ``size`` bytes.

        Raises:
            ValueError: if the stream ends before.
        """
        while size > (there := len(self._buffer) - self._at):
            size -= there
            self._pass(there, wanted=True)
        self._at += size

    def skip_padding(self, block: int) -> None:
        """Pass what is left of a block; the end of the stream may come before."""
        there = len(self.peek(-self.position % block))
        self._at += there

    def _pass(self, size: int, *, wanted: bool) -> None:
        self._at += size
        if wanted and not self._read():
            raise ValueError("the tar is cut short in an entry's data")

    def _read(self) -> bool:
        """Drop what was passed and read on; False at the end."""
        # Asks for what realigns a stream that reads short, so that headers do not straddle two
        # pieces.
        ahead = self._before + len(self._buffer)
        piece = self._stream.read(_READ_BYTES - ahead % 512)
        self._bytes_left -= len(piece)
        if self._bytes_left < 0:
            raise UnreadableError(
                "the layer unpacks to more bytes than allowed", reason=UnknownReason.LIMIT_EXCEEDED
            )
        self._before += self._at
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)


def _memory(size: int) -> mmap.mmap:
    """Memory that is taken only as it is written to, whatever size a header claims.

    In large pages where there are any: in small ones, the first touch costs a third of inflating
    what goes there.
    """
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory
