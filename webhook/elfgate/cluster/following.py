"""A thread that follows objects of a cluster: it tries again and again, until its context ends."""

import asyncio
import logging
import random
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from elfgate.cluster.api import Api
from elfgate.errors import InputError

log = logging.getLogger(__name__)

_LONGEST_WAIT = 30.0  # seconds between two tries


class Following:
    """Tries again and again to follow objects, on a thread.

    Args:
        api: The cluster; nothing else may watch with it.
        name: The objects' name, for the log and the thread.
        follow: Lists and watches, until the API server ends the watch.
        lost: Called on the thread with the error that ends a try.
    """

    def __init__(
        self, api: Api, name: str, follow: Callable[[], None], lost: Callable[[Exception], None]
    ) -> None:
        self._api = api
        self._name = name
        self._try = follow
        self._lost = lost
        self._stopping = threading.Event()
        self._vain = 0  # tries since the API server last told something

    def heard(self) -> None:
        """Note that the API server tells something: the next try need not wait."""
        self._vain = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow while the context lasts."""
        thread = threading.Thread(target=self._follow, name=self._name, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            while thread.is_alive():  # it may be just about to watch
                self._api.end_watch()
                await asyncio.to_thread(thread.join, 0.1)

    def _follow(self) -> None:
        while not self._stopping.wait(self._pause()):
            self._vain += 1
            try:
                self._try()
            except InputError as error:
                if not self._stopping.is_set():
                    log.warning("%s are not followed, trying again: %s", self._name, error)
                    self._lost(error)
            except Exception as error:  # the thread's end: nobody would ever hear of a change again
                log.exception("%s are not followed, listing anew", self._name)
                self._lost(error)

    def _pause(self) -> float:
        """Seconds until the next try.

        None at first, then longer and longer, and never in step with other replicas.
        """
        if self._vain == 0:
            return 0.0
        longest: float = min(_LONGEST_WAIT, 0.5 * 2 ** min(self._vain, 10))
        return longest * random.uniform(0.5, 1)  # noqa: S311 - no secret
