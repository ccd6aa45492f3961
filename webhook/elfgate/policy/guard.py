"""Rules of the user's own, kept from taking elfgate's down with them.

One evaluation judges by all rules. Only when it fails are the user's own tried one by one: those
that fail alone are left out, by name, and what is left decides. A rule that ran out of time is left
out for a while without being tried.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from elfgate.policy.document import Document
from elfgate.policy.engine import Engine, EngineError, EngineTimeoutError
from elfgate.policy.verdict import Verdict, Violation

SUSPENDED_SECONDS = 60.0
_ALL = frozenset({"*"})
_LEFT_OUT = "the rule {} failed and was left out: its owner finds why in elfgate's log"
"""The words for everybody: why it failed shows its source, which is its owner's."""

Told = Callable[[str, str], None]
"""Is told which rule failed, and why."""


class GuardedEngine:
    """An engine that answers although a rule of the user's own fails.

    Args:
        engine: Evaluates, in bounded time, and honours ``request.without``.
        own: The names of the rules that may be left out.
        told: Who is told of each failure (a log, a metric).
        suspended_seconds: How long a rule that ran out of time is left out.

    Should the engine come to have another revision, its rules of the user's own have names that are
    not known here: if one of those fails, all are left out.
    """

    def __init__(
        self,
        engine: Engine,
        own: Sequence[str],
        *,
        told: Told,
        suspended_seconds: float = SUSPENDED_SECONDS,
    ) -> None:
        self._live = engine
        self._named = frozenset(own)
        self._named_in = engine.revision
        self._told = told
        self._suspended_seconds = suspended_seconds
        self._suspended: dict[str, float] = {}

    @property
    def revision(self) -> str:
        """The engine's revision."""
        return self._live.revision

    @property
    def _own(self) -> frozenset[str]:
        return self._named if self._live.revision == self._named_in else _ALL

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document.

        Raises:
            EngineError: if elfgate's own rules gave no verdict that can be trusted.
        """
        if "*" in document.request.without:
            return await self._live.evaluate(document)
        out = dict.fromkeys(self._still_suspended(), "it ran out of time before")
        try:
            verdict = await self._live.evaluate(document.without(out))
        except EngineError as error:
            if self._own <= out.keys():
                raise
            out |= await self._failing(document, self._own - out.keys(), error)
            verdict = await self._without(document, out)
        for name, why in verdict.failed.items():
            out[name] = why
            self._told(name, why)
        return _with(verdict, out)

    async def close(self) -> None:
        """Close the engine."""
        await self._live.close()

    def _still_suspended(self) -> list[str]:
        now = time.monotonic()
        self._suspended = {name: until for name, until in self._suspended.items() if until > now}
        return sorted(self._suspended)

    async def _failing(
        self, document: Document, names: Iterable[str], error: EngineError
    ) -> dict[str, str]:
        """Which rules fail, each tried alone, with why; all of them, if only together they do."""
        why = {
            name: found for name in sorted(names) if (found := await self._trial(document, name))
        }
        if not why:
            why = dict.fromkeys(sorted(names), error)
        for name, found in why.items():
            if isinstance(found, EngineTimeoutError):
                self._suspended[name] = time.monotonic() + self._suspended_seconds
            self._told(name, str(found))
        return {name: str(found) for name, found in why.items()}

    async def _trial(self, document: Document, name: str) -> EngineError | None:
        try:
            await self._live.evaluate(document.without(self._own - {name}))
        except EngineError as error:
            return error
        return None

    async def _without(self, document: Document, out: dict[str, str]) -> Verdict:
        try:
            return await self._live.evaluate(document.without(out))
        except EngineError as error:
            if self._own <= out.keys():
                raise
            out |= dict.fromkeys(sorted(self._own - out.keys()), str(error))
            return await self._live.evaluate(document.without(self._own))


def _with(verdict: Verdict, out: dict[str, str]) -> Verdict:
    """Say with a verdict which rules it is without."""
    if not out:
        return verdict
    warnings = [Violation(code=name, headline=_LEFT_OUT.format(name)) for name in sorted(out)]
    return verdict.model_copy(update={"warnings": [*verdict.warnings, *warnings], "failed": out})
