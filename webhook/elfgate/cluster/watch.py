"""Follows a cluster's nodes.

List, then watch from there on, and list anew where the API server has forgotten.

The waiting is done on a thread; the inventory is changed on the event loop only, in steps so short
that reviews do not notice. Sources: the Kubernetes API concepts ("efficient detection of changes",
410 Gone, bookmarks).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from elfgate.cluster.api import Api
from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.following import Following
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, read_node
from elfgate.cluster.part import Part
from elfgate.errors import InputError

log = logging.getLogger(__name__)

# No answer, or a busy server's: a watch may go on where it was. After anything else the nodes are
# listed anew.
_PASSING = frozenset((0, 429, 500, 502, 503, 504))
_Answer = TypeVar("_Answer")
_Item = TypeVar("_Item")

_STEP = 32  # nodes put into the inventory in one go, which takes less than a millisecond


class NodeWatch:
    """Keeps an inventory as the cluster has it.

    Args:
        api: The cluster; the watch has a client of its own, as its connection is taken up for
            minutes.
        inventory: What is to be kept. Nothing else may change it.
        stale_seconds: How long the nodes may not be followed before the inventory is said to be
            stale.

    Attributes:
        inventory: What is kept.
        synced: Whether all nodes have been listed once. It stays so while the API server is out of
            reach: the nodes that there were a minute ago say more than none.
        heard: When the API server last told something of them, in monotonic seconds; a bookmark
            says that there is nothing to tell.
    """

    def __init__(self, api: Api, inventory: Inventory, *, stale_seconds: float = 5.0) -> None:
        self.inventory = inventory
        self.synced = False
        self.heard = time.monotonic()
        self._stale_seconds = stale_seconds
        self._staling: asyncio.TimerHandle | None = None
        self._api = api
        self._loop = asyncio.get_running_loop()
        self._version = ""
        self._following = Following(api, "nodes", self._list_and_watch, self._failed)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the nodes while the context lasts."""
        async with self._following.running():
            yield

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            self._version = ""
        self._loop.call_soon_threadsafe(self._lost)

    def _list_and_watch(self) -> None:
        """Until the API server ends the watch.

        The next one goes on where it was, unless that is forgotten (410 Gone).

        Raises:
            InputError: if the API server refuses or does not answer.
        """
        if not self._version or self.inventory.stale_since is not None:
            self._version = self._list()
        try:
            for event in self._api.watch_nodes(self._version, opened=self._opened):
                self._apply(event)
                self.heard = time.monotonic()
        except InputError as error:
            if not (isinstance(error, ApiError) and error.status in _PASSING):
                self._version = ""
            raise

    def _list(self) -> str:
        """List all nodes, and bring the inventory to the same state.

        The first list is put in as a whole: a review that saw half of the nodes would refuse pods
        that only the other half can run. After that the inventory is changed step by step, and is
        never without the nodes that stay.
        """
        first = None if self.synced else Inventory()
        names: set[str] = set()
        version = ""
        for page in self._api.nodes():
            self.heard = time.monotonic()
            nodes = [node for node in map(_read, page.items) if node]
            names.update(node.name for node in nodes)
            if first is not None:
                for node in nodes:
                    first.upsert(node)
            else:
                self._in_steps(self._upsert, nodes)
            version = page.version
        if first is not None:
            self._on_loop(partial(self.inventory.take, first))
            self.synced = True
        else:
            there_were = self._on_loop(lambda: list(self.inventory.names()))
            self._in_steps(self._remove, [name for name in there_were if name not in names])
        self._on_loop(self._followed)
        log.info("nodes listed", extra={"nodes": len(names)})
        return version

    def _in_steps(self, change: Callable[[Sequence[_Item]], None], items: Sequence[_Item]) -> None:
        for start in range(0, len(items), _STEP):
            self._on_loop(partial(change, items[start : start + _STEP]))

    def _apply(self, event: Part) -> None:
        obj = event.get("object")
        kind = event.get("type").text()
        if kind == "ERROR":
            message = f"the watch of nodes ends: {obj.get('message').text()}"
            raise ApiError(message, obj.get("code").integer() or 500)
        self._following.heard()
        self._version = obj.get("metadata", "resourceVersion").text() or self._version
        if kind == "BOOKMARK":
            return
        name = obj.get("metadata", "name").text()
        node = _read(obj.value) if kind != "DELETED" else None
        change = partial(self._upsert, [node]) if node else partial(self._remove, [name])
        self._on_loop(change)

    def _opened(self) -> None:
        """A watch goes on where the last one was.

        Raises:
            ApiError: if the inventory has become stale meanwhile: what was missed would come only
                after it is trusted.
        """
        self.heard = time.monotonic()
        self._on_loop(self._resumed)
        if self.inventory.stale_since is not None:
            self._following.heard()
            raise ApiError("the list of nodes is stale")

    def _lost(self) -> None:
        """Nobody follows the nodes.

        What is known of them holds for a while, and then is stale (on the event loop).
        """
        if self._staling is None and self.inventory.stale_since is None:
            self._staling = self._loop.call_later(self._stale_seconds, self._doubt)

    def _doubt(self) -> None:
        self._staling = None
        self.inventory.doubt(self.heard)
        log.warning(
            "the list of nodes is stale", extra={"seconds": round(time.monotonic() - self.heard, 1)}
        )

    def _resumed(self) -> None:
        """The nodes are followed again, and soon enough if they are not stale yet.

        This runs on the event loop.
        """
        if self._staling is not None:
            self._staling.cancel()
            self._staling = None

    def _followed(self) -> None:
        """The nodes are those of the cluster (on the event loop)."""
        self._resumed()
        self.inventory.trust()

    def _upsert(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self.inventory.upsert(node)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            self.inventory.remove(name)

    def _on_loop(self, change: Callable[[], _Answer]) -> _Answer:
        """Run something on the event loop and wait for it.

        No more than one change is so ever waiting there.
        """
        done: Future[_Answer] = Future()

        def run() -> None:
            try:
                done.set_result(change())
            except Exception as error:  # noqa: BLE001 - it is the waiting thread's
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result()


def _read(obj: object) -> Node | None:
    """Read a node; None if it has not the shape of one.

    One such node is no reason to lose sight of the others.
    """
    try:
        return read_node(obj)
    except InputError as error:
        log.warning("a node is left out: %s", error)
        return None
