"""The exemptions of the policies in force, and which of them spared something."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from elfgate.policy.validity import Validity, validity

Exemption = Mapping[str, Any]
_Exemptions = tuple[Exemption, ...]


class Granted:
    """The exemptions in force.

    Verdicts name those that spared something by their position, which is that of one revision.
    """

    def __init__(self) -> None:
        self._by_revision: dict[str, _Exemptions] = {}
        self._revision = ""
        self._spared: set[int] = set()

    def add(self, revision: str, exemptions: Iterable[Exemption]) -> None:
        """Keep the exemptions of policies that are to come into force."""
        self._by_revision[revision] = tuple(exemptions)

    def note(self, revision: str, spared: Iterable[int]) -> None:
        """Note the exemptions that spared something in a verdict."""
        if revision != self._revision:
            self._revision = revision
            self._spared = set()
        self._spared.update(spared)

    def all(self, revision: str) -> _Exemptions:
        """The exemptions of a revision."""
        return self._by_revision.get(revision, ())

    def unused(self, revision: str) -> list[Exemption]:
        """Those that have not ended and spared nothing since the revision came into force."""
        spared = set[int]()
        if revision == self._revision:
            spared = self._spared
        today = _today()
        unused = []
        for position, exemption in enumerate(self.all(revision)):
            if position in spared:
                continue
            state = validity(exemption, today)
            if state is not Validity.ENDED:
                unused.append(exemption)
        return unused

    def states(self, revision: str) -> Mapping[Validity, int]:
        """How many exemptions hold, end soon, warn, or have ended."""
        today = _today()
        counted = Counter(validity(each, today) for each in self.all(revision))
        return {state: counted[state] for state in Validity}


def _today() -> date:
    return datetime.now(UTC).date()
