"""What keeps reading cheap: one flight for whoever asks for the same thing, and a bounded memory of what came of it."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class Recent(Generic[K, V]):
    """A bounded map that forgets what was used longest ago. Belongs to one thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, which thereby becomes the most recent."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value, and drop the oldest beyond the size."""
        self._items[key] = value
        self._items.move_to_end(key)
        while len(self._items) > self._size:
            self._items.popitem(last=False)


@dataclass(slots=True)
class _Flight:
    task: "asyncio.Task[Any]"
    waiting: int = 0


class Lanes:
    """Lets so many in at a time, lane by lane: a registry that hangs holds up its own images only. For one event loop.

    Args:
        width: How many.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._lanes: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def enter(self, name: str) -> AsyncIterator[None]:
        """Wait for a place in a lane, and hold it within the block."""
        places, inside = self._lanes.get(name) or (asyncio.Semaphore(self._width), 0)
        self._lanes[name] = places, inside + 1
        try:
            async with places:
                yield
        finally:
            inside = self._lanes[name][1] - 1
            if inside:
                self._lanes[name] = places, inside
            else:
                del self._lanes[name]  # pods may name any number of registries


class Flights:
    """Runs each thing once at a time. Belongs to one event loop.

    Whoever asks for a key that is under way waits for the same flight, and one who gives up waiting does not end it:
    what was begun is finished in the background, for the next to ask; unless there is too much else to do.
    """

    def __init__(self, threads: Executor, lanes: "Lanes") -> None:
        self._threads = threads
        self._lanes = lanes
        self._under_way: dict[str, _Flight] = {}
        self._shedding = False

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """Whether to end what nobody waits for (any longer). What a thread has begun, it still finishes."""
        self._shedding = shedding
        if shedding:
            for key, flight in list(self._under_way.items()):
                self._end_if_alone(key, flight)

    async def join(self, key: str, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the flight named ``key``, which is begun if it is not under way."""
        flight = self._under_way.get(key)
        if flight is None:
            task = asyncio.ensure_future(begin())
            flight = self._under_way[key] = _Flight(task)
            task.add_done_callback(lambda done: self._landed(key, done))
        flight.waiting += 1
        try:
            result: T = await asyncio.shield(flight.task)
            return result
        finally:
            flight.waiting -= 1
            if self._shedding:
                self._end_if_alone(key, flight)

    async def on_thread(self, key: str, read: Callable[[], T], *, lane: str = "") -> T:
        """The result of a blocking call, run on a thread once for all who ask meanwhile, when its lane is free."""

        async def flight() -> T:
            async with self._lanes.enter(lane):
                return await _result(
                    asyncio.get_running_loop().run_in_executor(self._threads, read)
                )

        return await self.join(key, flight)

    async def close(self) -> None:
        """End all flights."""
        tasks = [flight.task for flight in self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end_if_alone(self, key: str, flight: _Flight) -> None:
        if not flight.waiting and not flight.task.done():
            self._under_way.pop(key, None)  # at once: nobody may board it any more
            flight.task.cancel()

    def _landed(self, key: str, task: "asyncio.Task[Any]") -> None:
        flight = self._under_way.get(key)
        if flight is not None and flight.task is task:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # seen: it may be that nobody waits for it any longer


async def _result(future: Awaitable[T]) -> T:
    return await future
