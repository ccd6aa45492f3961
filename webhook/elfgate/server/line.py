"""The reviews that wait to be judged, one at a time: whose turn is next, and who waits in vain.

Clients share what can be judged, and so do the namespaces that one client asks about: each in turn,
so that a flood of one is in the way of that one only. Within a namespace the oldest is next. When
the line has stood for long, the newest is: its client still waits, and what the oldest waited for
is given up soon anyway; and it is kept short, as most of those in it would never be next. A review
that could not be judged within its own deadline even if nothing more came is let go at once. One
that comes while its lane has all the room that there is for it is not even read, if few of that
lane could be answered from memory.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

STANDS_SECONDS = 0.5  # a line that was not empty for so long does not come from a burst
STANDING_SECONDS = 0.03  # is no longer than what can be judged in so long: enough not to run dry
GIVEN_UP_SECONDS = 0.5  # after which a review in a line that stands would never be next
FEWEST = 8
AT_A_TIME = 4  # reviews that are let go at one turn, so that their answers do not come all at once
FEW_KNOWN = 1 / 8  # of a lane's reviews: less than reading all of them costs
READ_ONE_IN = (
    32  # of those, to notice when more are known: reading one costs as much as turning five away
)
_FIRST_PACE = 0.001  # seconds, before there is a mean
_WEIGHT = 0.05  # of the newest in the mean of the pace


@dataclass(slots=True, eq=False)
class Place:
    """A review's place in the line.

    Attributes:
        peer: The client's address.
        namespace: The review's namespace.
        size: Bytes of the review.
        latest: When judging it must have ended, in monotonic seconds.
        since: When it joined the line.
        turn: Done when the waiting ends: true if it is to be judged, false if there is no time for
            that.
    """

    peer: str
    namespace: str
    size: int
    latest: float
    since: float = 0.0
    turn: "asyncio.Future[bool]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Lane:
    """The places of one namespace, as one client asks about it, the oldest first.

    Attributes:
        bytes: Bytes of their reviews.
    """

    def __init__(self) -> None:
        self._places: deque[Place] = deque()
        self._known = 0.5
        self._unread = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, place: Place) -> None:
        """Add one at the end."""
        self._places.append(place)
        self.bytes += place.size

    def note(self, *, known: bool) -> None:
        """Take whether the answer to a review that was read was at hand."""
        self._known += (known - self._known) / READ_ONE_IN

    def is_worth_reading(self) -> bool:
        """Whether the next review may well be known, or is read to find out how many are."""
        self._unread += 1
        if self._known < FEW_KNOWN and self._unread < READ_ONE_IN:
            return False
        self._unread = 0
        return True

    def end(self, *, newest: bool) -> Place:
        """The newest one, or the oldest."""
        return self._places[-1 if newest else 0]

    def pop(self, *, newest: bool) -> Place:
        """Remove the newest one, or the oldest."""
        place = self._places.pop() if newest else self._places.popleft()
        self.bytes -= place.size
        return place

    def remove(self, place: Place) -> bool:
        """Remove this one; false if it is not here."""
        if place not in self._places:
            return False
        self._places.remove(place)
        self.bytes -= place.size
        return True


class Line:
    """The reviews that wait, in lanes. Belongs to one event loop.

    Args:
        most: How many reviews may wait: over HTTP/1.1 each holds a connection.
        most_bytes: How many bytes of reviews may wait.

    Attributes:
        bytes: Bytes of the reviews that wait.
        pace: Seconds from one turn to the next while others wait, in the mean.
        pressing: The clients of whom more come than can be let in: a line that one of them stands
            in counts as one that has stood for long.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lanes: dict[str, dict[str, Lane]] = {}
        self._length = 0
        self._let_in = 0  # since the last turn; most of them have yet to join
        self._since = 0.0
        self._last_turn = 0.0
        self.bytes = 0
        self.pace = _FIRST_PACE
        self.pressing = frozenset[str]()

    def __len__(self) -> int:
        return self._length

    def lets_in(self, now: float) -> bool:
        """Whether to read one more review, which is then counted.

        Others only if they may well be known.
        """
        if not self.stands(now):
            return True
        if self._length + self._let_in >= self._room(now):
            return False
        self._let_in += 1
        return True

    def turns_away(self, peer: str, namespace: str, now: float) -> bool:
        """Whether one more of a lane would be read in vain.

        It has its share of the room, and few of it are known.
        """
        lane = self.lane(peer, namespace)
        if lane is None or len(lane) + self._let_in < self._share(now):
            return False
        return not lane.is_worth_reading()

    def full(self, now: float, peer: str, namespace: str) -> bool:
        """Whether one more of a lane could not be judged.

        Or only instead of another of that lane.
        """
        if not self._is_crowded(now):
            return False
        lane = self.lane(peer, namespace)
        if lane is not None and len(lane) >= self._share(now):
            return True
        longest = max(self._each_lane(), key=len)
        if len(longest) <= 1 + len(lane or ()):
            return True
        self._let_go(longest, now)
        return False

    def lane(self, peer: str, namespace: str) -> Lane | None:
        """The reviews of a namespace that wait, as one client asks about it; None if none do."""
        return self._lanes.get(peer, {}).get(namespace)

    def join(self, place: Place, now: float) -> None:
        """Add a review; one that waits in vain because of it is let go, which may be itself."""
        if not self._length:
            self._since = self._last_turn = now
        place.since = now
        lane = self._lanes.setdefault(place.peer, {}).setdefault(place.namespace, Lane())
        lane.add(place)
        self._length += 1
        self.bytes += place.size
        while self.bytes > self._most_bytes:
            self._let_go(max(self._each_lane(), key=lambda each: each.bytes), now)
        while self._length > self._most:
            self._let_go(max(self._each_lane(), key=len), now)
        while lane and now + self._wait(place.peer, lane) > self._last(lane, now).latest:
            self._let_go(lane, now)

    def leave(self, place: Place) -> None:
        """Remove a review whose client waits no longer."""
        lane = self.lane(place.peer, place.namespace)
        if lane is not None and lane.remove(place):
            self._count_out(place)

    def next(self, now: float) -> Place | None:
        """The place whose turn it is; None if nobody waits."""
        self._let_in = 0
        if self._is_crowded(now):
            self._give_up(now)
        while self._length:
            place = self._of_next_lane(now)
            if place.turn.done():
                continue
            if now + self.pace <= place.latest:
                self._keep_pace(now)
                return place
            place.turn.set_result(False)
        return None

    def stands(self, now: float) -> bool:
        """Whether the line has not been empty for long."""
        if not self._length:
            return False
        return now - self._since > STANDS_SECONDS or not self.pressing.isdisjoint(self._lanes)

    def _give_up(self, now: float) -> None:
        """Let some go for whom the newer ones have left no turn."""
        lane = max(self._each_lane(), key=len)
        for _ in range(min(AT_A_TIME, len(lane) - 1)):
            if now - lane.end(newest=False).since < GIVEN_UP_SECONDS:
                return
            self._let_go(lane, now)

    def _room(self, now: float) -> int:
        """How many reviews may wait."""
        if not self.stands(now):
            return self._most
        return min(max(FEWEST, int(STANDING_SECONDS / self.pace)), self._most)

    def _is_crowded(self, now: float) -> bool:
        return self.stands(now) and self._length >= self._room(now)

    def _share(self, now: float) -> int:
        """How much of the room a lane may take."""
        return max(1, self._room(now) // max(1, sum(map(len, self._lanes.values()))))

    def _of_next_lane(self, now: float) -> Place:
        """Remove one; its namespace is then last of its client's, and its client last of all."""
        peer, lanes = next(iter(self._lanes.items()))
        namespace, lane = next(iter(lanes.items()))
        lanes[namespace] = lanes.pop(namespace)
        self._lanes[peer] = self._lanes.pop(peer)
        place = lane.pop(newest=self.stands(now))
        self._count_out(place)
        return place

    def _wait(self, peer: str, lane: Lane) -> float:
        """How long the last of a lane waits at least, if nobody comes any more."""
        turns = len(lane) * len(self._lanes.get(peer, ())) * len(self._lanes)
        return self.pace * min(turns, self._length)

    def _last(self, lane: Lane, now: float) -> Place:
        return lane.end(newest=not self.stands(now))

    def _let_go(self, lane: Lane, now: float) -> None:
        place = lane.pop(newest=not self.stands(now))
        self._count_out(place)
        if not place.turn.done():
            place.turn.set_result(False)

    def _count_out(self, place: Place) -> None:
        self._length -= 1
        self.bytes -= place.size
        lanes = self._lanes[place.peer]
        if not lanes[place.namespace]:
            del lanes[place.namespace]
        if not lanes:
            del self._lanes[place.peer]

    def _each_lane(self) -> Iterator[Lane]:
        return (lane for lanes in self._lanes.values() for lane in lanes.values())

    def _keep_pace(self, now: float) -> None:
        took = now - self._last_turn
        self.pace += _WEIGHT * (took - self.pace)
        self._last_turn = now
