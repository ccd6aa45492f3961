"""The event loop's beat and its last look at itself, for other threads to read.

The loop writes down four times a second that it runs; its lag is how late a beat was. A loop
that something holds up writes nothing, and another thread sees that.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from elfgate.errors import ElfgateError

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.25
LOOK_SECONDS = 3.0
STUCK_SECONDS = 10.0  # without a beat: longer than anything that is done between two turns

Look = Callable[[], Awaitable[list[str]]]
"""Says what is not ready, a line each."""


class Heart:
    """Beats on the event loop; the rest may be called from any thread.

    Args:
        look: Says what is not ready.
        lagged: Takes the seconds by which a beat was late.
    """

    def __init__(self, look: Look, lagged: Callable[[float], None]) -> None:
        self._look = look
        self._lagged = lagged
        self._beat = time.monotonic()
        self._looked = 0.0
        self._missing = ["it has not looked yet"]
        self._draining = False

    def dying(self) -> list[str]:
        """The reasons why the process can never answer again, a line each; none if it lives."""
        silent = time.monotonic() - self._beat
        return [f"the event loop has not run for {silent:.0f} s"] if silent > STUCK_SECONDS else []

    def missing(self) -> list[str]:
        """The parts that are not ready, as of the last look; an old look counts for nothing."""
        age = time.monotonic() - self._looked
        if self._draining or age < STUCK_SECONDS + LOOK_SECONDS:
            return ["it is shutting down"] if self._draining else self._missing
        return (
            [*self.dying(), f"it has not looked for {age:.0f} s"] if self._looked else self._missing
        )

    def drain(self) -> None:
        """Be not ready from now on."""
        self._draining = True

    @asynccontextmanager
    async def beating(self, *, looks: bool) -> AsyncIterator[None]:
        """Beat while the context lasts, and look whether all is ready if somebody wants to know."""
        tasks = [asyncio.create_task(self._beats())]
        if looks:
            tasks.append(asyncio.create_task(self._looks()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _beats(self) -> None:
        while True:
            due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._beat = time.monotonic()
            self._lagged(max(0.0, self._beat - due))

    async def _looks(self) -> None:
        while True:
            try:
                self._missing = await self._look()
            except ElfgateError as error:
                self._missing = [str(error)]
            self._looked = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
