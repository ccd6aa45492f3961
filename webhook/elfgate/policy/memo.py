"""Verdicts remembered: a verdict is a pure function of the document and the bundle's revision."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from elfgate.policy.document import Document
from elfgate.policy.engine import Engine
from elfgate.policy.verdict import Verdict

Live = TypeVar("Live", bound=Engine)


class MemoisedEngine(Generic[Live]):
    """An engine that answers at once what it has answered before.

    Failures are not remembered, nor is a verdict that is without a rule.

    Args:
        engine: Who answers what is new.
        entries: How many verdicts to remember; the one longest unused is dropped first.
        nameless: Revisions by which the name of what is judged does not matter (``names.matter``).
    """

    def __init__(
        self, engine: Live, *, entries: int = 1024, nameless: AbstractSet[str] = frozenset()
    ) -> None:
        self._live = engine
        self._entries = entries
        self._nameless = nameless
        self._verdicts: OrderedDict[tuple[str, bytes], Verdict] = OrderedDict()
        self._lock = threading.Lock()

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
        with self._lock:
            if (known := self._verdicts.get(key)) is not None:
                self._verdicts.move_to_end(key)
                return known
        verdict = await self._live.evaluate(document)
        if verdict.failed or verdict.revision != revision:
            return verdict
        with self._lock:
            self._verdicts[key] = verdict
            if len(self._verdicts) > self._entries:
                self._verdicts.popitem(last=False)
        return verdict

    async def close(self) -> None:
        """Close the live engine, and forget."""
        with self._lock:
            self._verdicts.clear()
        await self._live.close()
