"""The anteroom: connections that the kernel has accepted, and whose handshakes have yet to begin.

A handshake takes as long as several reviews. Where many clients come at once, or one with many
connections, they wait here, where each costs a descriptor and no more, and enter in turn: a client
with many keeps no other waiting.
"""

from collections import deque
from collections.abc import Callable

from elfgate.server.shares import Shares
from elfgate.server.visitor import Visitor


class Anteroom:
    """Connections that wait, by client. Belongs to one event loop.

    Args:
        most: How many may wait; one client gets half of that at most.
    """

    def __init__(self, most: int) -> None:
        self._room = Shares(most)
        self._waiting: dict[str, deque[Visitor]] = {}

    def __len__(self) -> int:
        return self._room.used

    def enter(self, visitor: Visitor) -> Visitor | None:
        """Let one wait; the one for which there is no room then, if there is one.

        That is the client's oldest: a request that wanted it goes over another one by now.
        """
        turned_away = None
        if not self._room.take(visitor.peer):
            waiting = self._waiting.get(visitor.peer)
            if not waiting:
                return visitor
            turned_away = waiting.popleft()
        self._waiting.setdefault(visitor.peer, deque()).append(visitor)
        return turned_away

    def next(self, admits: Callable[[str], bool]) -> Visitor | None:
        """The one that is next, of a client that is admitted; that client is then last.

        None if there is none.
        """
        for peer in list(self._waiting):
            if admits(peer):
                waiting = self._waiting.pop(peer)
                visitor = waiting.popleft()
                self._room.give(peer)
                if waiting:
                    self._waiting[peer] = waiting
                return visitor
        return None

    def more_than(self, number: int) -> frozenset[str]:
        """The clients of whom more than so many wait."""
        return frozenset(peer for peer, waiting in self._waiting.items() if len(waiting) > number)

    def since(self, accepted: float) -> list[Visitor]:
        """Remove those that were accepted before, and hand them out."""
        late: list[Visitor] = []
        for peer, waiting in list(self._waiting.items()):
            while waiting and waiting[0].accepted < accepted:
                late.append(waiting.popleft())
                self._room.give(peer)
            if not waiting:
                del self._waiting[peer]
        return late
