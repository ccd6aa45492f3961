"""Follows the ConfigMaps of one name in every namespace: lists them, then watches from there on.

The waiting is done on a thread, and every change is told on the event loop. What is known stays
known while the API server is out of reach.

Sources: the Kubernetes API concepts ("efficient detection of changes", 410 Gone, bookmarks).
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from elfgate.cluster.api import Api
from elfgate.cluster.following import Following
from elfgate.cluster.part import Part
from elfgate.cluster.told import mapping, text
from elfgate.errors import InputError

FIRST_SECONDS = 5.0  # to wait for the first list: what it would have said is not known without it


class Keeper(Protocol):
    """Keeps what the ConfigMaps say, by namespace. Each method is called on the event loop."""

    def put(self, namespace: str, data: Mapping[str, str]) -> None:
        """Take a namespace's ConfigMap."""

    def remove(self, namespace: str) -> None:
        """Forget a namespace's ConfigMap."""

    def keep_only(self, namespaces: set[str]) -> None:
        """Forget the ConfigMaps of all other namespaces."""


class ConfigMapWatch:
    """Tells a keeper of each ConfigMap of one name.

    Args:
        api: The cluster; nothing else may watch with it.
        name: The ConfigMaps' name.
        keeper: Is told of them.
    """

    def __init__(self, api: Api, name: str, keeper: Keeper) -> None:
        self._api = api
        self._name = name
        self._keeper = keeper
        self._loop = asyncio.get_running_loop()
        self._tried = threading.Event()
        self._version = ""
        self._following = Following(api, name, self._list_and_watch, self._failed)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the ConfigMaps while the context lasts.

        The first list is waited for, but no longer than ``FIRST_SECONDS``.
        """
        async with self._following.running():
            await asyncio.to_thread(self._tried.wait, FIRST_SECONDS)
            yield

    def _failed(self, _: Exception) -> None:
        self._version = ""
        self._tried.set()

    def _list_and_watch(self) -> None:
        """Follow until the API server ends the watch.

        Raises:
            InputError: if the API server refuses or does not answer.
        """
        if not self._version:
            self._list()
        events = self._api.watch_config_maps(self._name, self._version, opened=self._opened)
        for event in events:
            self._apply(event)

    def _list(self) -> None:
        namespaces: set[str] = set()
        version = ""
        for page in self._api.config_maps(self._name):
            for item in page.get("items").items():
                namespaces.add(_namespace(item))
                self._put(item)
            version = page.get("metadata", "resourceVersion").text()
        self._tell(self._keeper.keep_only, namespaces)
        self._version = version
        self._tried.set()

    def _opened(self) -> None:
        """Do nothing: the API server sends first what was missed."""

    def _apply(self, event: Part) -> None:
        obj = event.get("object")
        kind = event.get("type").text()
        if kind == "ERROR":
            raise InputError(f"the watch ends: {obj.get('message').text()}")
        self._following.heard()
        self._version = obj.get("metadata", "resourceVersion").text() or self._version
        if kind == "BOOKMARK":
            return
        if kind == "DELETED":
            self._tell(self._keeper.remove, _namespace(obj))
            return
        self._put(obj)

    def _put(self, obj: Part) -> None:
        data = mapping(mapping(obj.value).get("data"))
        texts = {key: text(value) for key, value in data.items()}
        self._tell(self._keeper.put, _namespace(obj), texts)

    def _tell(self, change: Callable[..., None], *what: object) -> None:
        self._loop.call_soon_threadsafe(change, *what)


def _namespace(obj: Part) -> str:
    return obj.get("metadata", "namespace").text()
