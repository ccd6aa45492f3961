"""Verdicts remembered.

A pure function of what policies see of a document, and of the bundle's revision.
"""

import hashlib
from collections.abc import Mapping
from sys import getsizeof
from types import MappingProxyType
from typing import Generic, TypeVar

from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.policy.document import Document
from elfgate.policy.engine import Engine
from elfgate.policy.mask import masked
from elfgate.policy.sight import EVERYTHING, Sight
from elfgate.policy.verdict import KINDS, Verdict, Violation

VERDICTS = declare("verdicts", "verdicts, by document and revision", max_bytes=8 << 20)

Live = TypeVar("Live", bound=Engine)


class MemoisedEngine(Generic[Live]):
    """An engine that answers at once what it has answered before.

    Failures are not remembered, nor is a verdict that is without a rule.

    Args:
        engine: Who answers what is new.
        max_bytes: How much to remember; the verdict longest unused is dropped first.
        sights: What the policies of a revision look at; a revision that is not there looks at
            everything.
    """

    def __init__(
        self,
        engine: Live,
        *,
        max_bytes: int | None = None,
        sights: Mapping[str, Sight] = MappingProxyType({}),
    ) -> None:
        self._live = engine
        self._sights = sights
        self._verdicts: Recent[tuple[str, bytes], Verdict] = Recent(
            VERDICTS, _weigh, max_bytes=max_bytes
        )

    @property
    def revision(self) -> str:
        """The live engine's revision."""
        return self._live.revision

    def looks(self) -> frozenset[str]:
        """The parts of a document that the policies in force look at."""
        return self._sights.get(self.revision, EVERYTHING).looks_at

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
        asked = masked(document, Sight(self.looks()))
        key = (revision, hashlib.sha256(asked.json).digest())
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = await self._live.evaluate(asked.document())
            if not verdict.failed and verdict.revision == revision:
                self._verdicts.put(key, verdict)
        return asked.unmasked(verdict)

    async def close(self) -> None:
        """Close the live engine, and forget."""
        self._verdicts.clear()
        await self._live.close()


def _weigh(_key: tuple[str, bytes], verdict: Verdict) -> int:
    return 1500 + sum(_weight_of(each) for kind in KINDS for each in getattr(verdict, kind))


def _weight_of(violation: Violation) -> int:
    texts = (violation.headline, violation.remedy, *violation.lines, *violation.platforms)
    return 800 + sum(map(getsizeof, texts))
