"""A line of a terminal that tells what is done, what is read, and what is waited for."""

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

_QUIET = 0.5  # seconds before the first line: what takes no longer needs none
_EVERY = 0.2  # seconds
_CLEAR = "\r\x1b[K"


class Progress:
    """Counts what is done and what threads read, and shows it on a terminal; a context manager.

    Its thread begins with the first thing that is told, when processes have been forked.

    Args:
        stream: Where it is shown, if that is a terminal.
        wanted: Whether it is to be shown at all.
    """

    def __init__(self, stream: TextIO | None = None, *, wanted: bool = True) -> None:
        self._stream = stream or sys.stderr
        self._is_visible = wanted and self._stream.isatty()
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_over = False
        self._is_shown = False
        self._bytes = self._expected = 0
        self._done = self._total = 0
        self._things = self._what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()
            self._clear()

    def expect(self, what: str, size: int) -> None:
        """Count bytes that are asked for, of a thing of this name."""
        with self._changed:
            self._what = what
            self._expected += size
            self._begin()

    def add(self, count: int) -> None:
        """Count bytes that have come."""
        with self._changed:
            self._bytes += count

    def count(self, total: int, things: str) -> None:
        """Begin to count things that are done, of so many."""
        with self._changed:
            self._done, self._total, self._things = 0, total, things

    def done(self, count: int, what: str) -> None:
        """Note that so many are done, and the name of what is waited for."""
        with self._changed:
            self._done, self._what = count, what
            self._begin()

    def clear(self) -> None:
        """Take the line away, as something else is to be written; it comes again."""
        with self._changed:
            self._clear()

    def line(self) -> str:
        """The line to show now; empty if nothing is waited for."""
        counted = self._done < self._total
        read = self._bytes < self._expected
        if not (counted or read):
            return ""
        told = []
        if counted:
            told.append(f"{self._done:,} of {self._total:,} {self._things}")
        if self._expected:
            told.append(rate(self._bytes, self._expected, time.monotonic() - self._began))
        line = ", ".join(told)
        return f"{line}: {self._what}" if self._what else line

    def _begin(self) -> None:
        if self._is_visible and self._thread is None and not self._is_over:
            self._thread = threading.Thread(target=self._draw, daemon=True)
            self._thread.start()

    def _draw(self) -> None:
        with self._changed:
            self._changed.wait(_QUIET)
            while not self._is_over:
                self._show(self.line())
                self._changed.wait(_EVERY)

    def _show(self, line: str) -> None:
        self._clear()
        if line:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(line[:width])
            self._stream.flush()
            self._is_shown = True

    def _clear(self) -> None:
        if self._is_shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._is_shown = False


def rate(count: int, total: int, seconds: float) -> str:
    """Bytes that have come of those asked for, and their rate, in MB (10⁶ bytes)."""
    speed = count / seconds / 1e6 if seconds > 0 else 0.0
    return f"{count / 1e6:.1f} of {total / 1e6:.1f} MB read, {speed:.1f} MB/s"
