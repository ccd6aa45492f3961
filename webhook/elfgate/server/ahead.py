"""Images that are read before a pod names them.

Told by push notifications, within bounds, and after all else.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from elfgate.errors import ElfgateError

log = logging.getLogger(__name__)

MOST_WAITING = 256
_AT_ONCE = 2
_SECONDS = 900.0  # of one image on all platforms


class Ahead:
    """Reads images, in the order in which they were told of. Belongs to one event loop.

    Args:
        read: Reads one for all platforms that the cluster has.
    """

    def __init__(self, read: Callable[[str], Awaitable[None]]) -> None:
        self._read = read
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        self._told: set[str] = set()

    def tell(self, image: str) -> bool:
        """Tell of an image; whether it will be read, or waits already."""
        if image in self._told:
            return True
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(image)
            self._told.add(image)
            return True
        return False

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Read while the context lasts."""
        tasks = [asyncio.create_task(self._work()) for _ in range(_AT_ONCE)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            image = await self._waiting.get()
            self._told.discard(image)  # told of once more, it is read once more
            try:
                async with asyncio.timeout(_SECONDS):
                    await self._read(image)
            except (ElfgateError, TimeoutError) as error:
                log.info("not read ahead", extra={"image": image, "why": str(error)})
