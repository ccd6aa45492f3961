"""Levels at which a part of an image is looked for: the near store, the shared store, its source.

What a store has is held against its digest or checksums before it is believed. What is damaged is
no fact: it is read anew, and replaced.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.scan.flights import Flights
from elfgate.scan.located import Located
from elfgate.scan.origins import Origins, record
from elfgate.scan.threads import Threads
from elfgate.scan.writes import Writes
from elfgate.store.content import ORIGIN
from elfgate.store.protocol import Kind, SharedStore, Store

T = TypeVar("T")
log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds between two looks for what a replica is reading
_LEASE_SECONDS, _LEASE_LONGEST = 1.5, 30.0
_DOCUMENT_BYTES = 4 << 20  # of one that does not tell its size
_BYTES_A_SECOND = 8 << 20  # that reading a layer usually makes, for how long a lease is waited for


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A document or a layer, as somebody asks for it.

    Attributes:
        located: The image, and who asks.
        kind: What it is.
        digest: By what its facts are kept.
        size: Bytes at its source; 0 if that is not known.
        open: Makes a value of its stored bytes; None if they are damaged. Raises nothing.
        read: Reads it from its source, as it is stored; blocks.
        awaited: Tells whether somebody still waits for it.
    """

    located: Located
    kind: Kind
    digest: str
    size: int
    open: Callable[[bytes], T | None]
    read: Callable[[], bytes]
    awaited: Callable[[], bool] = lambda: True


class Near:
    """The store that answers at once.

    Args:
        store: The store.
        origins: Who may be told of what.
        on_damage: Told of each fact that is damaged.
    """

    def __init__(
        self, store: Store, origins: Origins, on_damage: Callable[[], None] = lambda: None
    ) -> None:
        self._store = store
        self._origins = origins
        self._on_damage = on_damage
        self._unwritten: dict[tuple[Kind, str], bytes] = {}

    def find(self, part: Part[T]) -> T | None:
        """The part's value, if it is there, sound, and for the asker to know."""
        if not self.admits(part):
            return None
        key = part.kind, part.digest
        value = self._unwritten.get(key) or self._store.get(*key)
        opened = part.open(value) if value else None
        if value and opened is None:
            self._on_damage()
            log.warning("store: %s %s is damaged: it is read anew", part.kind, part.digest)
        return opened

    def admits(self, part: Part[T]) -> bool:
        """Whether the part, if it is there, is for the asker to know."""
        return self._origins.admit(part.located, part.kind, part.digest)

    def take(self, part: Part[T], value: bytes) -> None:
        """Have what a source has delivered at hand, until ``keep`` has written it."""
        self._unwritten[part.kind, part.digest] = value

    def keep(self, part: Part[T], value: bytes) -> None:
        """Write what a source has delivered; blocks."""
        self._store.put(part.kind, part.digest, value)
        self._unwritten.pop((part.kind, part.digest), None)
        if part.located.repository:
            self._store.put(Kind.ORIGIN, record(part.located, part.digest), ORIGIN)

    def share(self, layer: str, image: str) -> None:
        """Note that a layer is part of an image; blocks."""
        self._store.share(layer, image)


class Shared:
    """The store that replicas share. Its methods block for as long as a server may take.

    Args:
        store: The store.
        near: Where what is found is kept.
    """

    def __init__(self, store: SharedStore, near: Store) -> None:
        self.store = store
        self._near = near

    def find(self, part: Part[T]) -> T | None:
        """The part's value, if it is there, sound, and for the asker to know."""
        if part.located.asker is not None and not self._has_origin(part):
            return None
        value = self.store.get(part.kind, part.digest)
        opened = part.open(value) if value else None
        if value and opened is not None:
            self._near.put(part.kind, part.digest, value)
        return opened

    def keep(self, part: Part[T], value: bytes) -> None:
        """Share what a source has delivered."""
        self.store.put(part.kind, part.digest, value)
        if part.located.repository:
            self.store.put(Kind.ORIGIN, record(part.located, part.digest), ORIGIN)

    def _has_origin(self, part: Part[T]) -> bool:
        key = record(part.located, part.digest)
        if self._near.get(Kind.ORIGIN, key) == ORIGIN:
            return True
        if self.store.get(Kind.ORIGIN, key) != ORIGIN:
            return False
        self._near.put(Kind.ORIGIN, key, ORIGIN)
        return True


class Levels:
    """All of them, asked in order. Belongs to one event loop.

    Args:
        near: Facts of this machine.
        shared: Facts that replicas share, if they do.
        origins: Who may be told of what.
        threads: Where blocking calls run.
        flights: What is being read.
        writes: What is kept meanwhile.
    """

    def __init__(
        self,
        *,
        near: Near,
        shared: Shared | None,
        origins: Origins,
        threads: Threads,
        flights: Flights,
        writes: Writes,
    ) -> None:
        self.near = near
        self.shared = shared
        self._origins = origins
        self._threads = threads
        self._flights = flights
        self._writes = writes

    async def document(self, part: Part[T]) -> T:
        """A document's value, from its own source if nobody nearer may tell it.

        Raises:
            UnreadableError: if its source does not have it, or has something else.
        """

        async def flight() -> T:
            found = await self._stored(part)
            if found is not None:
                return found
            size = part.size or _DOCUMENT_BYTES
            value = await self._threads.look_up(part.located, part.read, weight=size)
            return await self._deliver(part, value)

        found = self.near.find(part)
        if found is not None:
            return found
        return await self._flights.join(part.digest, flight, source=part.located.origin)

    async def layer(self, part: Part[T]) -> T:
        """A layer's value: a reading of the same bytes at another source serves as well.

        Raises:
            UnreadableError: if its source does not have it, or has something else.
        """
        found = self.near.find(part)
        if found is not None:
            return found
        begin = partial(self._layer, part)
        return await self._flights.first(
            _thing(part), begin, source=part.located.origin, awaited=part.awaited
        )

    async def stored(self, part: Part[T]) -> T | None:
        """Look for a part in the stores, near and shared; no source is asked."""
        found = self.near.find(part)
        if found is None:
            found = await self._stored(part)
        return found

    def share(self, layer: str, image: str) -> None:
        """Note soon that a layer is part of an image, once the layer itself is written."""

        def note() -> None:
            self.near.share(layer, image)
            if self.shared is not None:
                self.shared.store.share(layer, image)

        self._writes.later(note, after=layer)

    async def _stored(self, part: Part[T]) -> T | None:
        if self.shared is None:
            return None
        found = await self._threads.ask_store(partial(self.shared.find, part))
        if found is not None:
            self._origins.note(part.located, part.kind, part.digest)
        return found

    async def _layer(self, part: Part[T]) -> T:
        found = await self._stored(part)
        if found is not None:
            return found
        if self.shared is None or part.located.asker is not None:
            return await self._read_layer(part)
        return await self._leased(part, self.shared.store)

    async def _leased(self, part: Part[T], store: SharedStore) -> T:
        """A layer that a replica reads for all, unless that takes longer than reading it here."""
        until, pause = time.monotonic() + _patience(part.size), _FIRST_PAUSE
        while not await self._threads.ask_store(partial(store.claim, part.digest)):
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            found = await self._stored(part)
            if found is not None:
                return found
            if time.monotonic() > until:
                return await self._read_layer(part)
        try:
            found = await self._stored(part)  # it may have come before the lease did
            return await self._read_layer(part) if found is None else found
        finally:
            self._writes.later(partial(store.release, part.digest), after=part.digest)

    async def _read_layer(self, part: Part[T]) -> T:
        awaited = partial(self._flights.awaited, _thing(part), part.located.origin)
        value = await self._threads.read_layer(part.located, part.read, awaited=awaited)
        return await self._deliver(part, value)

    async def _deliver(self, part: Part[T], value: bytes) -> T:
        """Tell what a source has delivered; it is kept meanwhile."""
        opened = part.open(value)
        if opened is None:
            raise UnreadableError(
                f"{part.kind} {part.digest} cannot be kept", reason=UnknownReason.IMAGE_INVALID
            )
        self._origins.note(part.located, part.kind, part.digest)
        self.near.take(part, value)
        await self._writes.room(len(value))
        self._writes.later(partial(self._keep, part, value), after=part.digest, weight=len(value))
        return opened

    def _keep(self, part: Part[T], value: bytes) -> None:
        self.near.keep(part, value)
        if self.shared is not None:
            self.shared.keep(part, value)


def _thing(part: Part[T]) -> str:
    """Names what a layer's reading brings, among those who may be told of it."""
    located = part.located
    if located.asker is None:
        return part.digest
    return f"{part.digest} {located.asker} {located.repository}"


def _patience(size: int) -> float:
    """Seconds that another replica's reading is waited for: about what reading takes."""
    return min(_LEASE_SECONDS + size / _BYTES_A_SECOND, _LEASE_LONGEST)
