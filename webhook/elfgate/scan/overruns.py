"""Questions that took a predictor more than it may.

They are not asked again, here, after a restart or by a replica.

A question is forgotten at the end of a week, and by another version of elfgate: machines and
programs get faster. An image of which three questions took too much in an hour is asked nothing
more in that hour.
"""

import asyncio
import hashlib
import time

from elfgate import __version__
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.store.protocol import Kind, Store

_WEEK, _HOUR = 7 * 86_400.0, 3_600.0
_MOST_OF_AN_IMAGE = 3

QUESTIONS = declare(
    "overruns", "questions that took a predictor too much, by image and question", max_bytes=1 << 20
)
IMAGES = declare(
    "overrun-images",
    "images with questions that took a predictor too much, by digest",
    max_bytes=256 << 10,
    seconds=_HOUR,
)


class Overruns:
    """Remembers them. Belongs to one event loop; what may block is done on threads.

    Args:
        near: Where they outlive this process.
        shared: Where replicas tell one another of them.
    """

    def __init__(self, near: Store | None = None, shared: Store | None = None) -> None:
        self._near = near
        self._stores = [store for store in (near, shared) if store is not None]
        self._questions: Recent[str, bool] = Recent(QUESTIONS, lambda name, _: len(name))
        self._images: Recent[str, frozenset[bytes]] = Recent(IMAGES)

    async def load(self) -> None:
        """Recall those of this week from the store beside this process."""
        if self._near is not None:
            for name in await asyncio.to_thread(_of_this_week, self._near):
                self._questions.put(name, True)  # noqa: FBT003 - a set with a bound

    def known(self, image: str, key: bytes) -> bool:
        """Whether a question is not to be asked.

        Args:
            image: The manifest's digest.
            key: Tells the question from others (``Inquiry.key``).
        """
        if len(self._images.get(image) or ()) >= _MOST_OF_AN_IMAGE:
            return True
        return self._questions.get(_name(key)) is not None

    def count(self, image: str, key: bytes) -> None:
        """A question took too much, and may be tried once more."""
        self._images.put(image, (self._images.get(image) or frozenset()) | {key})

    async def told(self, key: bytes) -> bool:
        """Whether a replica, or this one before its start, found that a question takes too much."""
        name = _name(key)
        found = await asyncio.to_thread(self._kept, name)
        if found:
            self._questions.put(name, True)  # noqa: FBT003
        return found

    async def note(self, key: bytes) -> None:
        """A question takes too much even where nobody waits."""
        name = _name(key)
        self._questions.put(name, True)  # noqa: FBT003
        await asyncio.to_thread(self._keep, name)

    def _kept(self, name: str) -> bool:
        return any(store.get(Kind.OVERRUN, name) is not None for store in self._stores)

    def _keep(self, name: str) -> None:
        for store in self._stores:
            store.put(Kind.OVERRUN, name, _week())


def _of_this_week(store: Store) -> list[str]:
    week = _week()
    return [name for name, value in store.facts(Kind.OVERRUN) if value == week]


def _week() -> bytes:
    return str(int(time.time() // _WEEK)).encode()


def _name(key: bytes) -> str:
    """Name a question for this week, by a digest."""
    return f"sha256:{hashlib.sha256(b' '.join((key, __version__.encode(), _week()))).hexdigest()}"
