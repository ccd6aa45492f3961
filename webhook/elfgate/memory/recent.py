"""A bounded map that forgets what was used longest ago."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from elfgate.memory.declared import Memory, Usage
from elfgate.memory.weight import OVERHEAD, weight

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_FOREVER = float("inf")


class Recent(Generic[K, V]):
    """Values by key, within a number of bytes. Thread-safe.

    An entry that alone exceeds the bound is not kept, so that a single one cannot empty the memory.

    Args:
        memory: Its declaration: name, bound and time.
        weigh: Bytes that a key and its value hold, as far as nothing else holds them anyway. The
            default walks both, which takes tens of microseconds; give a cheaper one where entries
            come with every review.
        max_bytes: The bound where a setting has one; None for the declared one.
    """

    def __init__(
        self,
        memory: Memory,
        weigh: Callable[[K, V], int] = lambda key, value: weight((key, value)),
        *,
        max_bytes: int | None = None,
    ) -> None:
        self._max_bytes = memory.max_bytes if max_bytes is None else max_bytes
        self._seconds = _FOREVER if memory.seconds is None else memory.seconds
        self._weigh = weigh
        self._entries: OrderedDict[K, tuple[V, int, float]] = OrderedDict()
        self._bytes = self._evictions = 0
        self._lock = threading.Lock()
        memory.enter(self)

    def get(self, key: K) -> V | None:
        """The value, which thereby becomes the most recent.

        None if there is none that still holds.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry[2] != _FOREVER and entry[2] <= time.monotonic():
                self._drop(key)
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: K, value: V, *, until: float = _FOREVER) -> None:
        """Keep a value, and drop the oldest beyond the bound.

        Args:
            key: Its name.
            value: What to keep.
            until: When it ceases to hold, in monotonic seconds, if that is before the memory's own
                time is up. A moment that is past keeps nothing.
        """
        if self._seconds != _FOREVER or until != _FOREVER:
            now = time.monotonic()
            until = min(until, now + self._seconds)
            if until <= now:
                return
        weighs = self._weigh(key, value) + OVERHEAD
        with self._lock:
            self._drop(key)
            if weighs > self._max_bytes:
                self._evictions += 1
                return
            self._entries[key] = value, weighs, until
            self._bytes += weighs
            self._make_room()

    def pop(self, key: K) -> None:
        """Forget a value; nothing happens if there is none."""
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def usage(self) -> Usage:
        """How full it is."""
        with self._lock:
            return Usage(self._bytes, len(self._entries), self._evictions)

    def __len__(self) -> int:
        return len(self._entries)

    def _drop(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry[1]

    def _make_room(self) -> None:
        while self._bytes > self._max_bytes:
            _, (_, weighs, _) = self._entries.popitem(last=False)
            self._bytes -= weighs
            self._evictions += 1
