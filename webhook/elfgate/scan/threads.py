"""Blocking calls on threads: each kind on its own, so that one that hangs holds up no other.

Look-ups (where a tag points, manifests, configs) are short and many, layers long and few. A blocked
thread costs little; what keeps them for all is that each call needs a place (``places``).
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from elfgate.errors import UnansweredError
from elfgate.images.names import asking_for
from elfgate.images.pace import least_rate
from elfgate.scan.backoff import Backoff
from elfgate.scan.located import Located
from elfgate.scan.places import Places, Shares, Turn

T = TypeVar("T")

_LOOK_UPS = 8  # of one namespace at one registry
LAYERS = 4  # read at a time for several tenants: each may take 256 MiB while it is indexed
_UNBOUNDED = 1 << 62
_LOOK_UP_BYTES = 64 << 20  # of documents under way
_NEAR = 4  # threads for stores: a file that another process locks, a server across a network
_SLOWEST = 4 << 10  # bytes a second: what comes slower is given up
_SLOWEST_UNAWAITED = 256 << 10  # the same while nobody waits for it, and others wait for its place


class Threads:
    """Runs blocking calls. Belongs to one event loop.

    Args:
        concurrency: How many things of one registry are read at a time for one namespace: look-ups
            and, beside them, layers. If None, eight look-ups and a layer more than there are cores.
        tenants: Several namespaces ask: none of them has more than half of the layers' places,
            which are as few as there is memory for (``LAYERS``).
    """

    def __init__(self, concurrency: int | None = None, *, tenants: bool = False) -> None:
        look_ups = concurrency or _LOOK_UPS
        layers = concurrency or (os.cpu_count() or 1) + 1
        self.look_ups = Places(
            Shares(8 * look_ups, 2 * look_ups, 4 * look_ups, look_ups, _LOOK_UP_BYTES, spare=True)
        )
        self.layers = Places(_shares_of_layers(layers, tenants=tenants))
        self._backoff = Backoff()
        self._look_up_threads = _pool("look-up", 8 * look_ups)
        self._layer_threads = _pool("layer", 8 * layers if not tenants else LAYERS)
        self._store_threads = _pool("store", _NEAR)

    async def look_up(self, located: Located, call: Callable[[], T], *, weight: int = 0) -> T:
        """Ask a source, within the asker's share.

        Raises:
            UnreadableError: as ``call`` does, or if the source is left alone for now.
        """
        turn = await self.look_ups.take(located.namespace, located.host, weight)
        return await self._run(_Desk(self.look_ups, self._look_up_threads), turn, call)

    async def read_layer(
        self, located: Located, call: Callable[[], T], *, awaited: Callable[[], bool]
    ) -> T:
        """Read a layer likewise; ``awaited`` tells whether anybody (still) waits for it."""

        def slowest() -> float:
            spare = awaited() or not self.layers.contended
            return _SLOWEST if spare else _SLOWEST_UNAWAITED

        def paced() -> T:
            with least_rate(slowest):
                return call()

        turn = await self.layers.take(located.namespace, located.host)
        return await self._run(_Desk(self.layers, self._layer_threads), turn, paced)

    async def ask_store(self, call: Callable[[], T]) -> T:
        """Ask a store that may make its caller wait."""
        return await asyncio.get_running_loop().run_in_executor(self._store_threads, call)

    def close(self) -> None:
        """Let go of the threads."""
        for pool in (self._look_up_threads, self._layer_threads, self._store_threads):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, desk: "_Desk", turn: Turn, call: Callable[[], T]) -> T:
        """Run a call that has its place; it keeps that for as long as its thread is busy."""
        try:
            self._backoff.check(turn.namespace, turn.host)
            future = desk.threads.submit(_asking, turn.namespace, call)
        except BaseException:
            desk.places.give(turn)
            raise
        future.add_done_callback(_giving(desk.places, turn))
        try:
            result = await asyncio.wrap_future(future)
        except UnansweredError:
            self._backoff.failed(turn.namespace, turn.host)
            raise
        self._backoff.answered(turn.namespace, turn.host)
        return result


@dataclass(frozen=True, slots=True)
class _Desk:
    """Places, and the threads that work there."""

    places: Places
    threads: ThreadPoolExecutor


def _asking(namespace: str, call: Callable[[], T]) -> T:
    with asking_for(namespace):
        return call()


def _giving(places: Places, turn: Turn) -> Callable[[Future[T]], None]:
    """Gives a place back from whichever thread is done."""
    loop = asyncio.get_running_loop()

    def give(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(places.give, turn)

    return give


def _shares_of_layers(at_once: int, *, tenants: bool) -> Shares:
    """Places of layers: several tenants leave one another some, as a layer may take minutes."""
    if not tenants:
        return Shares(8 * at_once, 8 * at_once, at_once, at_once, _UNBOUNDED)
    half = LAYERS // 2
    return Shares(LAYERS, half, LAYERS, min(at_once, half), _UNBOUNDED)


def _pool(name: str, size: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(size, thread_name_prefix=name)
