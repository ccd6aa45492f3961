"""A queue in which namespaces take turns: one that asks a lot waits behind itself."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Waiting work by namespace.

    Of one namespace no more may wait than there is still room for: one alone gets half of it, and
    whoever comes next always finds some.

    Args:
        most: How much may wait, of all namespaces together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._under_way: dict[str, int] = {}
        self.count = 0

    def put(self, namespace: str, work: T) -> bool:
        """Let work wait; return False if too much does already."""
        own = len(self._waiting.get(namespace, ()))
        if own >= self._most - self.count:
            return False
        self._waiting.setdefault(namespace, deque()).append(work)
        self.count += 1
        return True

    def take(self) -> tuple[str, T] | None:
        """The next piece of work with its namespace; whoever takes it says when it is ``done``.

        A namespace that has something under way comes after those that have nothing.
        """
        if not self._waiting:
            return None
        idle = (name for name in self._waiting if name not in self._under_way)
        namespace = next(idle, next(iter(self._waiting)))
        queue = self._waiting.pop(namespace)
        work = queue.popleft()
        if queue:
            self._waiting[namespace] = queue  # behind all others
        self.count -= 1
        self._under_way[namespace] = self._under_way.get(namespace, 0) + 1
        return namespace, work

    def done(self, namespace: str) -> None:
        """A piece of work of this namespace has ended."""
        left = self._under_way[namespace] - 1
        if left:
            self._under_way[namespace] = left
        else:
            del self._under_way[namespace]
