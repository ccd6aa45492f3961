"""The engine of the bundle in force, and its replacement while reviews are judged."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from elfgate.policy.document import Document
from elfgate.policy.engine import Engine
from elfgate.policy.granted import Granted
from elfgate.policy.verdict import Verdict

if TYPE_CHECKING:
    from elfgate.policy.sight import Sight

Result = Literal["activated", "restored", "refused", "unreachable"]
Told = Callable[[Result, str], None]
"""Is told what came of a bundle: with its revision, or with why it is not in force."""


class ActiveEngine:
    """The engine of the bundle in force.

    Args:
        engine: Of the first bundle, which has proved itself.

    Attributes:
        sights: By revision: what the policies that were in force so far look at.
        granted: Their exemptions, and which of them spared something.
    """

    def __init__(self, engine: Engine) -> None:
        self.sights: dict[str, Sight] = {}
        self.granted = Granted()
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
            verdict = await engine.evaluate(document)
            self.granted.note(verdict.revision, verdict.spared)
            return verdict
        finally:
            self._asked[engine] -= 1
            await self._close_if_done(engine)

    async def replace(self, engine: Engine) -> None:
        """Put another bundle into force.

        What is being judged by the old one is judged to its end.
        """
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
