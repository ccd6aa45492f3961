"""The exemptions of the policies in force, and which of them spared something."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from elfgate.policy.validity import Validity, validity

Exemption = Mapping[str, Any]


class Granted:
    """The exemptions in force.

    Verdicts name those that spared something by their position, which is that of one revision.
    """

    def __init__(self) -> None:
        self._by_revision: dict[str, tuple[Exemption, ...]] = {}
        self._revision = ""
        self._spared: set[int] = set()

    def add(self, revision: str, exemptions: Iterable[Exemption]) -> None:
        """Keep the exemptions of policies that are to come into force."""
        self._by_revision[revision] = tuple(exemptions)

    def note(self, revision: str, spared: Iterable[int]) -> None:
        """Note the exemptions that spared something in a verdict."""
        if revision != self._revision:
            self._revision, self._spared = revision, set()
        self._spared.update(spared)

    def all(self, revision: str) -> tuple[Exemption, ...]:
        """The exemptions of a revision."""
        return self._by_revision.get(revision, ())

    def unused(self, revision: str) -> list[Exemption]:
        """Those that have not ended and spared nothing since the revision came into force."""
        spared = self._spared if revision == self._revision else set()
        unused = (
            exemption
            for position, exemption in enumerate(self.all(revision))
            if position not in spared
        )
        return [
            exemption for exemption in unused if validity(exemption, _today()) is not Validity.ENDED
        ]

    def states(self, revision: str) -> Mapping[Validity, int]:
        """How many exemptions hold, end soon, warn, or have ended."""
        counted = Counter(validity(each, _today()) for each in self.all(revision))
        return {state: counted[state] for state in Validity}


def _today() -> date:
    return datetime.now(UTC).date()
