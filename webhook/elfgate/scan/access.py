"""Names of images: their sources say where they point, and who may have them; that is remembered.

While a registry does not answer, what it said last goes on for a while. A name may have moved
meanwhile, so that nothing is refused by such an answer (``is_old``).
"""

import asyncio
import math
import time
from dataclasses import dataclass, replace
from functools import partial

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import is_digest
from elfgate.images.source import Descriptor
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.scan.flights import Flights
from elfgate.scan.located import Located
from elfgate.scan.threads import Threads
from elfgate.store.protocol import Kind, Store

TAG_SECONDS = 30.0  # how long a tag is taken to point where it pointed
ACCESS_SECONDS = 60.0  # how long whoever may have a digest is taken to have it still
OLD_SECONDS = 600.0  # how long a tag's last answer goes on while its registry gives none
_PATIENCE = 0.5  # seconds that a new answer is waited for where there is an old one
_AGAIN = 5.0  # seconds from one fruitless look-up to the next
_BYTES = 64 << 10  # of an answer under way

NAMES = declare(
    "names", "where images' names point, by asker and name", max_bytes=2 << 20, seconds=3600.0
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A source's answer to a name.

    Attributes:
        descriptor: There.
        said: When its source said so, in monotonic seconds.
        until: How long that holds.
        old: Its source was asked since, and did not answer.
    """

    descriptor: Descriptor
    said: float
    until: float
    old: bool = False


class Access:
    """Asks sources. Belongs to one event loop.

    Args:
        store: A digest that it has points at itself, where one access is everybody's.
        flights: What is being asked.
        threads: Where blocking calls run.
    """

    def __init__(self, store: Store, flights: Flights, threads: Threads) -> None:
        self._store = store
        self._flights = flights
        self._threads = threads
        self._answers: Recent[tuple[str | None, str], _Answer] = Recent(NAMES, _weigh)

    async def resolve(self, located: Located) -> Descriptor:
        """Find the index or manifest that a name points at, if the asker may have it.

        Raises:
            UnreadableError: if its source does not say, or does not let the asker have it.
        """
        if _is_open(located) and self._store.get(Kind.DOCUMENT, located.name) is not None:
            return Descriptor("", located.name)  # a digest points at itself
        known, now = self._answers.get(_key(located)), time.monotonic()
        if known is not None and now <= known.until:
            return known.descriptor
        asked = self._flights.join(
            f"name {located.image}", partial(self._ask, located), source=located.origin
        )
        if known is None or not _goes_on(located, known, now):
            return await asked
        try:
            async with asyncio.timeout(_PATIENCE):
                return await asked
        except TimeoutError:
            return self._old(located, known)
        except UnreadableError as error:
            if error.reason is not UnknownReason.REGISTRY_UNREACHABLE:
                raise
            return self._old(located, known)

    def now(self, located: Located) -> Descriptor | None:
        """The answer that still holds; None if the source has to be asked."""
        known = self._answers.get(_key(located))
        return known.descriptor if known and time.monotonic() <= known.until else None

    def holds_until(self, located: Located) -> float:
        """When it must be asked anew where an image's name points; in monotonic seconds."""
        if _is_open(located):
            return math.inf
        known = self._answers.get(_key(located))
        return known.until if known else 0.0

    def is_old(self, located: Located) -> bool:
        """Whether a tag's answer goes on only as its registry gives none: it may have moved."""
        known = self._answers.get(_key(located))
        return known is not None and known.old and not is_digest(located.name)

    async def _ask(self, located: Located) -> Descriptor:
        resolve = partial(located.source.resolve, located.name)
        found = await self._threads.look_up(located, resolve, weight=_BYTES)
        found = Descriptor(found.media_type, found.digest, found.size)
        now = time.monotonic()
        seconds = ACCESS_SECONDS if is_digest(located.name) else TAG_SECONDS
        self._answers.put(_key(located), _Answer(found, now, now + seconds))
        return found

    def _old(self, located: Located, known: _Answer) -> Descriptor:
        until = time.monotonic() + _AGAIN
        self._answers.put(_key(located), replace(known, until=until, old=True))
        return known.descriptor


def _key(located: Located) -> tuple[str | None, str]:
    return located.asker, located.image


def _is_open(located: Located) -> bool:
    """Whether a name is a digest that everybody may have."""
    return located.asker is None and is_digest(located.name)


def _goes_on(located: Located, known: _Answer, now: float) -> bool:
    """Whether an answer goes on while there is no other: a digest's cannot become wrong."""
    return is_digest(located.name) or now - known.said <= OLD_SECONDS


def _weigh(key: tuple[str | None, str], answer: _Answer) -> int:
    texts = (key[0] or "", key[1], answer.descriptor.media_type, answer.descriptor.digest)
    return 400 + sum(map(len, texts))
