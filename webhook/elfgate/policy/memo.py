"""Verdicts remembered: a verdict is a pure function of the document and the bundle's revision."""

import hashlib
from collections.abc import Set as AbstractSet
from sys import getsizeof
from typing import Generic, TypeVar

from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.policy.document import Document
from elfgate.policy.engine import Engine
from elfgate.policy.verdict import Verdict, Violation

VERDICTS = declare("verdicts", "verdicts, by document and revision", max_bytes=8 << 20)

Live = TypeVar("Live", bound=Engine)


class MemoisedEngine(Generic[Live]):
    """An engine that answers at once what it has answered before.

    Failures are not remembered, nor is a verdict that is without a rule.

    Args:
        engine: Who answers what is new.
        max_bytes: How much to remember; the verdict longest unused is dropped first.
        nameless: Revisions by which the name of what is judged does not matter (``names.matter``).
    """

    def __init__(
        self,
        engine: Live,
        *,
        max_bytes: int | None = None,
        nameless: AbstractSet[str] = frozenset(),
    ) -> None:
        self._live = engine
        self._nameless = nameless
        self._verdicts: Recent[tuple[str, bytes], Verdict] = Recent(
            VERDICTS, _weigh, max_bytes=max_bytes
        )

    @property
    def revision(self) -> str:
        """The live engine's revision."""
        return self._live.revision

    @property
    def live(self) -> Live:
        """The engine behind, for whoever must not be answered from memory (readiness)."""
        return self._live

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document.

        Raises:
            EngineError: if there is no verdict that can be trusted.
        """
        revision = self.revision
        asked = (
            document.json_without_name() if revision in self._nameless else document.json_bytes()
        )
        key = (revision, hashlib.sha256(asked).digest())
        remembered = self._verdicts.get(key)
        if remembered is not None:
            return remembered
        verdict = await self._live.evaluate(document)
        if not verdict.failed and verdict.revision == revision:
            self._verdicts.put(key, verdict)
        return verdict

    async def close(self) -> None:
        """Close the live engine, and forget."""
        self._verdicts.clear()
        await self._live.close()


def _weigh(_key: tuple[str, bytes], verdict: Verdict) -> int:
    violations = (*verdict.denials, *verdict.warnings, *verdict.dryrun)
    return 1500 + sum(map(_weight_of, violations))


def _weight_of(violation: Violation) -> int:
    texts = (violation.headline, violation.remedy, *violation.lines, *violation.platforms)
    return 800 + sum(map(getsizeof, texts))
