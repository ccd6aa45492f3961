"""Writes to stores while nobody waits for them: a file may be locked, a server slow."""

import asyncio
from collections.abc import Callable

from elfgate.scan.threads import Threads

_MOST_BYTES = 64 << 20  # that wait to be written, before reading waits as well
_LAST_SECONDS = 2.0  # that the rest may take when everything ends


class Writes:
    """Writes in the background. Belongs to one event loop.

    Args:
        threads: Where they run.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._bytes = 0
        self._last: dict[str, asyncio.Task[None]] = {}

    def later(self, write: Callable[[], None], *, after: str, weight: int = 0) -> None:
        """Write soon; what has the same ``after`` is written one after the other.

        Args:
            write: Writes; blocks, and raises nothing.
            after: What it is about.
            weight: Bytes that it holds until then.
        """
        self._bytes += weight
        task = asyncio.ensure_future(self._write(write, self._last.get(after), weight))
        self._last[after] = task
        task.add_done_callback(lambda done: self._done(after, done))

    async def room(self, size: int) -> None:
        """Wait while too much is waiting to be written."""
        while self._bytes and self._bytes + size > _MOST_BYTES:
            await asyncio.wait(list(self._last.values()), return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Finish, for as long as that may take at the end."""
        if self._last:
            await asyncio.wait(list(self._last.values()), timeout=_LAST_SECONDS)

    async def _write(
        self, write: Callable[[], None], before: "asyncio.Task[None] | None", weight: int
    ) -> None:
        try:
            if before is not None:
                await asyncio.wait([before])
            await self._threads.ask_store(write)
        finally:
            self._bytes -= weight

    def _done(self, after: str, task: "asyncio.Task[None]") -> None:
        if self._last.get(after) is task:
            del self._last[after]
        if not task.cancelled():
            task.exception()
