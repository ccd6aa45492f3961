"""One flight for whoever asks for the same thing of the same source at the same time."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

Awaited = Callable[[], bool]
"""Tells whether somebody still waits for what a flight is a part of."""

PATIENCE = 1.0  # seconds that other sources' flights are waited for before one's own begins


@dataclass(eq=False, slots=True)
class _Flight:
    task: "asyncio.Task[Any]"
    waiting: list[Awaited] = field(default_factory=list)


class Flights:
    """Reads each thing once at a time for each source. Belongs to one event loop.

    One who gives up waiting does not end a flight: what was begun is finished in the background,
    for the next to ask; unless there is too much else to do.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, dict[str, _Flight]] = {}  # by thing, then by source
        self._shedding = False

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """End what nobody waits for (any longer), or no more.

        Threads finish what they have begun.
        """
        self._shedding = shedding
        if shedding:
            for thing, flights in list(self._under_way.items()):
                for source, flight in list(flights.items()):
                    self._end_if_alone(thing, source, flight)

    async def join(
        self,
        thing: str,
        begin: Callable[[], Coroutine[Any, Any, T]],
        *,
        source: str = "",
        awaited: Awaited = lambda: True,
    ) -> T:
        """Wait for a thing from its source; its flight begins if it is not under way."""
        flight = self._board(thing, source, begin)
        try:
            with _waiting([flight], awaited):
                result: T = await asyncio.shield(flight.task)
            return result
        finally:
            if self._shedding:
                self._end_if_alone(thing, source, flight)

    def begin(
        self, thing: str, begin: Callable[[], Coroutine[Any, Any, object]], *, source: str = ""
    ) -> None:
        """Begin a flight that nobody waits for yet, unless there is too much else to do."""
        if not self._shedding:
            self._board(thing, source, begin)

    async def first(
        self,
        thing: str,
        begin: Callable[[], Coroutine[Any, Any, T]],
        *,
        source: str,
        awaited: Awaited = lambda: True,
    ) -> T:
        """Wait for a thing that is the same everywhere, from whichever source brings it first.

        A failure belongs to its source, and ends the wait for that one only. So does silence, after
        ``PATIENCE`` seconds: then one's own source is asked too.

        Raises:
            Exception: as ``begin`` does, if no other source brings the thing before.
        """
        flights = self._under_way.get(thing, {})
        others = [flight for name, flight in flights.items() if name != source]
        if source not in flights and others:
            with _waiting(others, awaited):
                brought = await _success([flight.task for flight in others], PATIENCE)
            if brought is not None:
                early: T = brought.result()
                return early
        own = self._board(thing, source, begin)
        with _waiting([own], awaited):
            result: T = await _race(own.task, [flight.task for flight in others])
        self._end_if_alone(thing, source, own)  # another source may have been quicker
        return result

    def awaited(self, thing: str, source: str) -> bool:
        """Whether somebody waits for a flight. Any thread may ask."""
        flight = self._under_way.get(thing, {}).get(source)
        return flight is not None and any(waits() for waits in list(flight.waiting))

    async def close(self) -> None:
        """End all flights."""
        flights = [flight for some in self._under_way.values() for flight in some.values()]
        for flight in flights:
            flight.task.cancel()
        await asyncio.gather(*(flight.task for flight in flights), return_exceptions=True)

    def _board(
        self, thing: str, source: str, begin: Callable[[], Coroutine[Any, Any, T]]
    ) -> _Flight:
        """The flight of a thing at a source, which begins if it is not under way."""
        under_way = self._under_way.get(thing, {}).get(source)
        if under_way is not None:
            return under_way
        task = asyncio.ensure_future(begin())
        flight = _Flight(task)
        self._under_way.setdefault(thing, {})[source] = flight
        task.add_done_callback(lambda _: self._landed(thing, source, flight))
        return flight

    def _end_if_alone(self, thing: str, source: str, flight: _Flight) -> None:
        if not flight.waiting and not flight.task.done():
            self._remove(thing, source, flight)  # at once: nobody may board it any more
            flight.task.cancel()

    def _landed(self, thing: str, source: str, flight: _Flight) -> None:
        self._remove(thing, source, flight)
        if not flight.task.cancelled():
            flight.task.exception()  # seen: it may be that nobody waits for it any longer

    def _remove(self, thing: str, source: str, flight: _Flight) -> None:
        flights = self._under_way.get(thing, {})
        if flights.get(source) is flight:
            del flights[source]
            if not flights:
                del self._under_way[thing]


@contextmanager
def _waiting(flights: Iterable[_Flight], waits: Awaited) -> Iterator[None]:
    """While this lasts, somebody waits for these flights."""
    awaited = list(flights)
    for flight in awaited:
        flight.waiting.append(waits)
    try:
        yield
    finally:
        for flight in awaited:
            flight.waiting.remove(waits)


async def _success(
    tasks: "Sequence[asyncio.Task[Any]]", seconds: float
) -> "asyncio.Task[Any] | None":
    """The first of some tasks that comes to something within so many seconds, if one does."""
    until, pending = time.monotonic() + seconds, set(tasks)
    while pending and (left := until - time.monotonic()) > 0:
        done, pending = await asyncio.wait(
            pending, timeout=left, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            if _succeeded(task):
                return task
    return None


async def _race(own: "asyncio.Task[Any]", others: "Sequence[asyncio.Task[Any]]") -> Any:
    """Wait for one's own task, or for another that comes to something before."""
    pending: set[asyncio.Task[Any]] = {own, *others}
    while not own.done():
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {own}:
            if _succeeded(task):
                return task.result()
    return own.result()


def _succeeded(task: "asyncio.Task[Any]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
