"""Follows a bundle or a folder of rules.

A new one comes into force only if it loads and proves itself.

Whatever is wrong with a new bundle, the old one stays in force.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from elfgate.errors import ElfgateError, InputError
from elfgate.policy.active import ActiveEngine, Told
from elfgate.policy.engine import Engine

_LONGEST_WAIT = 3600.0  # seconds between two tries of a bundle that may yet load


@dataclass(frozen=True, slots=True)
class Failure:
    """A bundle that could not be put into force.

    Attributes:
        digest: SHA-256 of its file.
        tries: How often it was tried.
        again: When to try it again, in monotonic seconds; None for a fault of its content.
    """

    digest: bytes
    tries: int = 0
    again: float | None = None


_NONE = Failure(b"")


class Follower:
    """Looks for a new bundle now and then, and puts it into force.

    A bundle whose content is at fault is tried once. One that fails for another reason (the process
    for its rules does not start, OPA is slow) is tried again, after a time that doubles with each
    failure.

    Args:
        active: Whose bundle is replaced.
        fetch: Gets the bundle's file, or any bytes that differ when the bundle does.
        prepare: Verifies and loads it, and lets it prove itself.
        told: Receives each result.
        seconds: From one look to the next.
        activated: Receives the file that has come into force, or is in force already.
        reached: Called at each look that found a file.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        active: ActiveEngine,
        *,
        fetch: Callable[[], Awaitable[bytes]],
        prepare: Callable[[bytes], Awaitable[Engine]],
        told: Told,
        seconds: float,
        activated: Callable[[bytes], None] = lambda _: None,
        reached: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._active = active
        self._fetch = fetch
        self._prepare = prepare
        self._told = told
        self._seconds = seconds
        self._activated = activated
        self._reached = reached
        self._clock = clock
        self._current = b""
        self._failure = _NONE

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look at once, and then now and then for as long as the block lasts."""
        await self.look()
        looking = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await self.look()

    async def look(self) -> None:
        """Look once, and put a new bundle into force."""
        try:
            packed = await self._fetch()
        except ElfgateError as error:
            self._told("unreachable", str(error))
            return
        self._reached()
        digest = hashlib.sha256(packed).digest()
        if digest == self._current or self._is_waiting(digest):
            return
        try:
            engine = await self._prepare(packed)
        except ElfgateError as error:
            self._failure = self._failed(digest, error)
            self._told("refused", str(error))
            return
        self._current, self._failure = digest, _NONE
        await self._put(engine, packed)

    def _is_waiting(self, digest: bytes) -> bool:
        failure = self._failure
        if failure.digest != digest:
            return False
        return failure.again is None or self._clock() < failure.again

    def _failed(self, digest: bytes, error: ElfgateError) -> Failure:
        if isinstance(error, InputError):
            return Failure(digest)
        tries = self._failure.tries + 1 if self._failure.digest == digest else 1
        wait = min(self._seconds * 2**tries, _LONGEST_WAIT)
        return Failure(digest, tries, self._clock() + wait)

    async def _put(self, engine: Engine, packed: bytes) -> None:
        if engine.revision == self._active.revision:
            await engine.close()
        else:
            await self._active.replace(engine)
            self._told("activated", engine.revision)
        self._activated(packed)
