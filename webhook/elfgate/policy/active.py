"""The bundle in force, and how another one takes its place: only if it is signed, loads, and proves itself.

Whatever is wrong with a new bundle, the old one stays in force.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

from elfgate.errors import ElfgateError
from elfgate.policy.document import Document
from elfgate.policy.engine import Engine
from elfgate.policy.verdict import Verdict

Result = Literal["activated", "refused", "unreachable"]
Told = Callable[[Result, str], None]
"""Is told what came of a bundle: with its revision, or with why it is not in force."""


class ActiveEngine:
    """The engine of the bundle in force.

    Args:
        engine: Of the first bundle, which has proved itself.

    Attributes:
        nameless: The revisions, so far, by which the name of what is judged does not matter.
    """

    def __init__(self, engine: Engine) -> None:
        self.nameless: set[str] = set()
        self._engine = engine
        self._asked: dict[Engine, int] = {}

    @property
    def revision(self) -> str:
        """The revision of the bundle in force."""
        return self._engine.revision

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document by the bundle that is in force now.

        Raises:
            EngineError: if there is no verdict that can be trusted.
        """
        engine = self._engine
        self._asked[engine] = self._asked.get(engine, 0) + 1
        try:
            return await engine.evaluate(document)
        finally:
            self._asked[engine] -= 1
            await self._close_if_done(engine)

    async def replace(self, engine: Engine) -> None:
        """Put another bundle into force. What is being judged by the old one is judged to its end."""
        old, self._engine = self._engine, engine
        self._asked.setdefault(old, 0)
        await self._close_if_done(old)

    async def close(self) -> None:
        """Close the engine in force."""
        await self._engine.close()

    async def _close_if_done(self, engine: Engine) -> None:
        if engine is not self._engine and self._asked.get(engine) == 0:
            del self._asked[engine]
            await engine.close()


class Follower:
    """Looks for a new bundle now and then, and puts it into force.

    Args:
        active: Whose bundle is replaced.
        fetch: Gets the bundle's file, or whatever differs when the bundle does.
        prepare: Verifies and loads it, and lets it prove itself.
        told: Who is told what came of it.
        seconds: From one look to the next.
    """

    def __init__(
        self,
        active: ActiveEngine,
        *,
        fetch: Callable[[], Awaitable[bytes]],
        prepare: Callable[[bytes], Awaitable[Engine]],
        told: Told,
        seconds: float,
    ) -> None:
        self._active = active
        self._fetch = fetch
        self._prepare = prepare
        self._told = told
        self._seconds = seconds
        self._seen = b""

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
        """Look once. A file that has been looked at before is not looked at again."""
        try:
            packed = await self._fetch()
        except ElfgateError as error:
            self._told("unreachable", str(error))
            return
        digest = hashlib.sha256(packed).digest()
        if digest == self._seen:
            return
        self._seen = digest
        try:
            engine = await self._prepare(packed)
        except ElfgateError as error:
            self._told("refused", str(error))
            return
        if engine.revision == self._active.revision:
            await engine.close()  # it is in force already
            return
        await self._active.replace(engine)
        self._told("activated", engine.revision)
