"""How much has been read, and how fast, on one line of a terminal."""

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
                self._stream.write(_CLEAR + line(self._bytes, now - self._began))
                self._stream.flush()

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
    """Progress on a stream within the block; None where it is not wanted, or the stream is no terminal."""
    if not wanted or not stream.isatty():
        yield None
        return
    shown = Progress(stream)
    try:
        yield shown
    finally:
        shown.end()
