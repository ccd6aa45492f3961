"""Places for processes that work at a time; one that needs much memory works alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """Lets so many threads in at a time, or one alone. Thread-safe.

    Args:
        size: How many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._inside = 0
        self._want_all = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, seconds: float, *, alone: bool = False) -> Iterator[None]:
        """Wait for a place, and hold it within the block.

        Args:
            seconds: How long to wait at most.
            alone: Hold all of them.

        Raises:
            TimeoutError: if none becomes free in time.
        """
        width = self._size if alone else 1
        self._enter(width, seconds, alone=alone)
        try:
            yield
        finally:
            with self._changed:
                self._inside -= width
                self._changed.notify_all()

    def _enter(self, width: int, seconds: float, *, alone: bool) -> None:
        def fits() -> bool:
            room = self._inside + width <= self._size
            return room and (alone or not self._want_all)

        with self._changed:
            self._want_all += alone
            try:
                if not self._changed.wait_for(fits, seconds):
                    raise TimeoutError
                self._inside += width
            finally:
                self._want_all -= alone
                self._changed.notify_all()
