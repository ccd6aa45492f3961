"""How much has been read, and how fast, on one line of a terminal."""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_EVERY = 0.2  # seconds
_CLEAR = "\r\x1b[K"


class Progress:
    """Counts bytes that threads read, and shows them now and then.

    Args:
        stream: A terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._shown = 0.0
        self._bytes = 0

    def add(self, count: int) -> None:
        """Count bytes."""
        with self._lock:
            self._bytes += count
            now = time.monotonic()
            if now - self._shown >= _EVERY:
                self._shown = now
                self._stream.write(_CLEAR + self._line(now - self._began))
                self._stream.flush()

    def _line(self, seconds: float) -> str:
        return line(self._bytes, seconds)

    def end(self) -> None:
        """Leave the terminal as it was."""
        with self._lock:
            if self._shown:
                self._stream.write(_CLEAR)
                self._stream.flush()


def line(count: int, seconds: float) -> str:
    """Bytes and their rate, in MB (10⁶ bytes)."""
    rate = count / seconds / 1e6 if seconds > 0 else 0.0
    return f"{count / 1e6:.1f} MB read, {rate:.1f} MB/s"


@contextmanager
def progress(stream: TextIO, *, wanted: bool) -> Iterator[Progress | None]:
    """Progress on a stream within the block.

    None where it is not wanted, or the stream is no terminal.
    """
    if not wanted or not stream.isatty():
        yield None
        return
    shown = Progress(stream)
    try:
        yield shown
    finally:
        shown.end()


class Counted(Progress):
    """Counts things that are done, of so many, beside the bytes that are read for them.

    Args:
        stream: A terminal; None to show nothing.
        total: How many there are.
        things: Their name.
    """

    def __init__(self, stream: TextIO | None, total: int, things: str) -> None:
        super().__init__(stream or sys.stderr)
        self._visible = stream is not None
        self._total, self._things = total, things
        self._done, self._what = 0, ""

    def done(self, count: int, what: str) -> None:
        """Note that so many are done, and the name of what is waited for."""
        self._done, self._what = count, what
        self.add(0)

    def add(self, count: int) -> None:
        """Count bytes."""
        if self._visible:
            super().add(count)

    def _line(self, seconds: float) -> str:
        read = f", {line(self._bytes, seconds)}" if self._bytes else ""
        waited = f": {self._what}" if self._what else ""
        told = f"{self._done:,} of {self._total:,} {self._things}{read}{waited}"
        return told[: shutil.get_terminal_size().columns - 1]


@contextmanager
def counted(stream: TextIO, total: int, things: str) -> Iterator[Counted]:
    """A count on a stream within the block, which shows nothing where the stream is no terminal."""
    shown = Counted(stream if stream.isatty() else None, total, things)
    try:
        yield shown
    finally:
        shown.end()
