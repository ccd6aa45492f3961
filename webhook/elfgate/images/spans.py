"""A large blob by several ranges at a time.

Some registries and stores send each connection no faster than so.

It comes in order, a few megabytes ahead. Source: RFC 9110, 14, "Range Requests".
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from elfgate.errors import UnansweredError, UnknownReason
from elfgate.images.connections import BrokenOffError
from elfgate.images.digests import Reader
from elfgate.images.pace import paced, unpaced

LARGE = 32 << 20
SPAN = 4 << 20
AHEAD = 3  # spans, beside the one that is being read

Fetch = Callable[[int, int], bytes]
"""Fetches the bytes from one offset up to another, all of them."""


class Spans:
    """Reads a blob (a ``Reader``).

    Belongs to one thread, and has some of its own until it is closed.

    Args:
        first: The first ``SPAN`` bytes, as they come.
        size: Bytes of the blob.
        fetch: Fetches further ones; from any thread.
    """

    def __init__(self, first: Reader, size: int, fetch: Fetch) -> None:
        self._first = first
        self._size = size
        self._fetch = fetch
        self._came, self._asked = 0, SPAN
        self._ready = memoryview(b"")
        self._coming: deque[Future[bytes]] = deque()
        self._threads = ThreadPoolExecutor(AHEAD, thread_name_prefix="span")
        self._ask()

    def read(self, size: int = -1, /) -> bytes:
        """Read on.

        Raises:
            UnreadableError: if a span cannot be had, or comes too slowly.
        """
        if not self._ready:
            self._ready = memoryview(self._more())
            self._came += len(self._ready)
        size = len(self._ready) if size < 0 else size
        data, self._ready = self._ready[:size], self._ready[size:]
        return bytes(data)

    def close(self) -> None:
        """Ask for no more, and wait for what is being fetched to end."""
        self._threads.shutdown(cancel_futures=True)

    def _more(self) -> bytes:
        if self._came < SPAN:
            return self._beginning() or self._fetch(self._came, SPAN)
        if not self._coming:
            return b""
        data, is_fast = paced(self._coming.popleft().result)
        if not is_fast:
            message = "the registry sends too slowly"
            raise UnansweredError(message, reason=UnknownReason.REGISTRY_UNREACHABLE)
        self._ask()
        return data

    def _beginning(self) -> bytes:
        """Some of the first bytes; none if they break off."""
        try:
            return self._first.read()
        except BrokenOffError:
            return b""

    def _ask(self) -> None:
        """Have the next spans fetched, within this thread's deadline."""
        while len(self._coming) < AHEAD and self._asked < self._size:
            start, self._asked = self._asked, min(self._asked + SPAN, self._size)
            fetch = copy_context().run
            self._coming.append(
                self._threads.submit(fetch, unpaced, self._fetch, start, self._asked)
            )
