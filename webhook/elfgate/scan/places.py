"""Places for what is read at the same time, shared out so that nobody takes them all.

Whoever waits is let in by turns of the namespaces, not in the order of asking. A namespace, a host,
and a namespace at a host have so many places each: the rest stays free for others, also while
nobody else asks, as what has a place may keep it for minutes.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import TypeVar

from elfgate.errors import UnknownReason, UnreadableError

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Shares:
    """How many places there are.

    Attributes:
        total: In all.
        namespace: Of one namespace at most.
        host: At one host at most.
        both: Of one namespace at one host at most.
        bytes: What all that is inside may weigh; one is let in whatever it weighs.
        waiting: How many of one namespace may wait.
        spare: Whether a namespace has no more places than are free, so that some are, however many
            namespaces ask.
    """

    total: int
    namespace: int
    host: int
    both: int
    bytes: int
    waiting: int = 1024
    spare: bool = False


@dataclass(eq=False, slots=True)
class Turn:
    """A place, or the wait for one."""

    namespace: str
    host: str
    weight: int
    granted: "asyncio.Future[None]"


class Places:
    """Lets in what fits the shares. Belongs to one event loop."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._queues: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._inside: set[Turn] = set()
        self._of_namespace: Counter[str] = Counter()
        self._at_host: Counter[str] = Counter()
        self._of_both: Counter[tuple[str, str]] = Counter()
        self._bytes = 0

    @property
    def contended(self) -> bool:
        """Whether anybody waits for a place."""
        return bool(self._queues)

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return len(self._inside)

    async def take(self, namespace: str, host: str, weight: int = 0) -> "Turn":
        """Wait for a place; whoever has one must ``give`` it back.

        Raises:
            UnreadableError: NOT_SCANNED if too many of the namespace wait already.
        """
        turn = Turn(namespace, host, weight, asyncio.get_running_loop().create_future())
        self._queue(turn)
        self._admit()
        try:
            await turn.granted
        except asyncio.CancelledError:
            self.give(turn)
            raise
        return turn

    def give(self, turn: "Turn") -> None:
        """Give a place back, or the wait for one up."""
        self._leave(turn)
        self._admit()

    def _queue(self, turn: Turn) -> None:
        queue = self._queues.setdefault(turn.namespace, deque())
        if len(queue) >= self._shares.waiting:
            raise UnreadableError(
                "too many images of this namespace wait to be read",
                reason=UnknownReason.NOT_SCANNED,
            )
        queue.append(turn)

    def _admit(self) -> None:
        """Let in all that may come in, a turn of each namespace after the other."""
        admitted = True
        while admitted and len(self._inside) < self._shares.total:
            admitted = False
            for namespace in list(self._queues):
                turn = self._next(namespace)
                if turn is not None:
                    self._let_in(turn)
                    admitted = True

    def _next(self, namespace: str) -> Turn | None:
        """The first of a namespace that may come in now."""
        free = self._shares.total - len(self._inside)
        most = min(self._shares.namespace, free) if self._shares.spare else self._shares.namespace
        if not free or self._of_namespace[namespace] >= most:
            return None
        return next((turn for turn in self._queues[namespace] if self._fits(turn)), None)

    def _fits(self, turn: Turn) -> bool:
        shares = self._shares
        return (
            self._at_host[turn.host] < shares.host
            and self._of_both[turn.namespace, turn.host] < shares.both
            and (not self._inside or self._bytes + turn.weight <= shares.bytes)
        )

    def _let_in(self, turn: Turn) -> None:
        self._unqueue(turn)
        if turn.namespace in self._queues:
            self._queues.move_to_end(turn.namespace)
        self._inside.add(turn)
        self._count(turn, 1)
        turn.granted.set_result(None)

    def _leave(self, turn: Turn) -> None:
        if turn in self._inside:
            self._inside.remove(turn)
            self._count(turn, -1)
        else:
            self._unqueue(turn)

    def _unqueue(self, turn: Turn) -> None:
        queue = self._queues[turn.namespace]
        queue.remove(turn)
        if not queue:
            del self._queues[turn.namespace]  # pods may name any number of registries

    def _count(self, turn: Turn, by: int) -> None:
        self._bytes += by * turn.weight
        _add(self._of_namespace, turn.namespace, by)
        _add(self._at_host, turn.host, by)
        _add(self._of_both, (turn.namespace, turn.host), by)


def _add(counts: Counter[K], key: K, by: int) -> None:
    counts[key] += by
    if not counts[key]:
        del counts[key]
