"""How fast a peer must send: what comes slower is given up, so that it frees its place for others.

Only the time that is spent waiting for bytes counts, not what is done with them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SECONDS = 10.0  # over which a rate is taken


class Pace:
    """Bytes and the seconds that were waited for them. Belongs to one thread.

    Args:
        least: Bytes a second that are enough, asked anew each time.
    """

    def __init__(self, least: Callable[[], float]) -> None:
        self._least = least
        self._bytes = 0
        self._seconds = 0.0

    def keeps(self, size: int, seconds: float) -> bool:
        """Whether the peer is fast enough, once so many bytes more took so many seconds."""
        self._bytes += size
        self._seconds += seconds
        if self._seconds < SECONDS:
            return True
        enough = self._bytes >= self._least() * self._seconds
        self._bytes, self._seconds = 0, 0.0
        return enough


_pace: ContextVar[Pace | None] = ContextVar("pace", default=None)


@contextmanager
def least_rate(least: Callable[[], float]) -> Iterator[None]:
    """Demand so many bytes a second at least of whatever this thread reads within the block."""
    token = _pace.set(Pace(least))
    try:
        yield
    finally:
        _pace.reset(token)


def paced(read: Callable[[], bytes]) -> tuple[bytes, bool]:
    """Read, and tell whether the peer is fast enough."""
    pace = _pace.get()
    if pace is None:
        return read(), True
    begun = time.monotonic()
    data = read()
    return data, pace.keeps(len(data), time.monotonic() - begun)


def unpaced(call: Callable[..., bytes], *arguments: object) -> bytes:
    """Call what reads for another thread, whose own waiting is what counts."""
    token = _pace.set(None)
    try:
        return call(*arguments)
    finally:
        _pace.reset(token)
