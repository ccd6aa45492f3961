"""The disagreements that are accepted, by name and with their reasons."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from elfgate.trial.agreement import Agreement
from truth.compare import Comparison


@dataclass(frozen=True, slots=True)
class Known:
    """One entry of ``known.yaml``."""

    cells: str
    agreement: Agreement
    reason: str

    def covers(self, comparison: Comparison) -> bool:
        """Tell whether this is that disagreement."""
        return comparison.agreement is self.agreement and fnmatchcase(
            str(comparison.cell), self.cells
        )


def load() -> list[Known]:
    """Read ``known.yaml``.

    Raises:
        ValueError: if an entry is no disagreement that may be accepted, or says no reason.
    """
    rows = yaml.safe_load((Path(__file__).parent / "known.yaml").read_text())
    entries = [Known(row["cells"], Agreement(row["agreement"]), row["reason"]) for row in rows]
    for entry in entries:
        if entry.agreement in {Agreement.AGREES, Agreement.FALSE_DENY} or not entry.reason:
            raise ValueError(f"{entry.cells}: {entry.agreement} is not for this list")
    return entries


def unexplained(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """The disagreements that no entry covers. What is unknown claims nothing, and is counted elsewhere."""
    entries = load()
    claims = [comparison for comparison in comparisons if comparison.agreement not in _QUIET]
    return [
        comparison
        for comparison in claims
        if not any(entry.covers(comparison) for entry in entries)
    ]


def outlived(comparisons: list[Comparison]) -> list[Known]:
    """The entries that nothing needs any more."""
    return [entry for entry in load() if not any(map(entry.covers, comparisons))]


_QUIET = {Agreement.AGREES, Agreement.UNKNOWN}
