"""One step of judging at a time: between two of them the event loop looks at what has come.

Judging a review takes as long as answering ten known ones. If each review were judged as soon as it
came, those that came meanwhile would wait until all are judged, known or not, and nobody would see
that they do. So whoever judges takes a turn, and takes another after each wait, and the line of
those without one is seen (``line``).
"""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from elfgate.server.line import Line, Place

T = TypeVar("T")


class NoTimeError(Exception):
    """A review that cannot be judged within its own deadline."""


class Turns:
    """Hands out turns. Belongs to one event loop.

    Args:
        line: Those that wait for their first turn.
        most: How many reviews may have begun and wait for something else, such as a registry.

    Attributes:
        begun: How many have.
    """

    def __init__(self, line: Line, most: int) -> None:
        self.line = line
        self._most = most
        self._again: deque[asyncio.Future[None]] = deque()
        self._taken = False
        self.begun = 0

    @property
    def free(self) -> bool:
        """Whether a turn is to be had without waiting."""
        return not self._taken

    def full(self, peer: str, namespace: str) -> bool:
        """Whether there is no use in waiting for one."""
        if self.begun >= self._most:
            return True
        return self._taken and self.line.full(time.monotonic(), peer, namespace)

    async def judge(self, place: Place, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work``, each of its steps in a turn.

        Raises:
            NoTimeError: if there is no time for it; it has not begun then.
        """
        try:
            await self._first(place)
            self.begun += 1
            try:
                return await self._steps(work)
            finally:
                self.begun -= 1
        finally:
            work.close()

    async def _first(self, place: Place) -> None:
        if not self._taken:
            self._taken = True
            return
        self.line.join(place, time.monotonic())
        try:
            in_time = await place.turn
        except asyncio.CancelledError:
            self.line.leave(place)
            if place.turn.done() and not place.turn.cancelled() and place.turn.result():
                self._done()
            raise
        if not in_time:
            raise NoTimeError
        if self.begun >= self._most:
            self._done()
            raise NoTimeError

    @coroutine
    def _steps(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Go on with ``work``, whose first turn is taken; a wait of its own gives the turn back."""
        step = work.send
        value: Any = None
        while True:
            try:
                waits_for = step(value)
            except StopIteration as done:
                result: T = done.value
                return result
            finally:
                self._done()
            try:
                value, step = (yield waits_for), work.send
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001  (a cancellation is for the work to take)
                value, step = error, work.throw
            yield from self._another()

    @coroutine
    def _another(self) -> Generator[Any, Any, None]:
        """A turn for one that has begun, before all that have not."""
        if not self._taken:
            self._taken = True
            return
        turn = asyncio.get_running_loop().create_future()
        self._again.append(turn)
        try:
            yield from turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._done()
            raise

    def _done(self) -> None:
        """Give the turn back; the event loop looks at what has come before it is given away."""
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        while self._again:
            turn = self._again.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        place = self.line.next(time.monotonic())
        if place is None:
            self._taken = False
        else:
            place.turn.set_result(True)
