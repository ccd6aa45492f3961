"""Random cases, generated anew in each run: the seed is printed, and repeats it (``TRUTH_SEED``).

``TRUTH_MINUTES`` bounds the run (4 unless it is set; by hand, hours). What disagrees is made smaller and
left in ``build/truth/generated.yaml``, as rows that ``cases/`` can take.
"""

import os
import secrets
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from elfgate.trial.agreement import Agreement
from elfgate.trial.observed import observe
from lab import sandbox
from truth import generated, made
from truth.compare import Comparison, compare
from truth.made import Row
from truth.run import run
from truth.smaller import Fields, smaller

pytestmark = pytest.mark.truth

_REPORT = Path(__file__).parents[2] / "build" / "truth"
_BATCH = 80
_FALSE_STARTS, _UNKNOWN = 0.002, 0.01  # shares of all cells; of those that start
_FEW = 3  # of what a short run may have by chance
_SHOWN = 5  # cases that are made smaller


@dataclass(slots=True)
class Results:
    """What became of a run."""

    seed: int
    comparisons: list[tuple[Row, Comparison]] = field(default_factory=list)

    def apart(self, agreement: Agreement) -> list[tuple[Row, Comparison]]:
        """Those that disagree in one way."""
        return [pair for pair in self.comparisons if pair[1].agreement is agreement]


@pytest.fixture(scope="module")
def results() -> Results:
    """As many cases as there is time for."""
    if reason := sandbox.unavailable():
        pytest.fail(f"programs cannot be started for real on this machine: {reason}")
    end = time.monotonic() + 60 * float(os.environ.get("TRUTH_MINUTES", "4"))
    found = Results(int(os.environ.get("TRUTH_SEED", secrets.randbelow(1 << 32))))
    batch = 0
    while not batch or time.monotonic() < end:
        rows = generated.rows(found.seed + batch, _BATCH)
        found.comparisons += _compared(rows)
        batch += 1
    _REPORT.mkdir(parents=True, exist_ok=True)
    wrong = found.apart(Agreement.FALSE_DENY) + found.apart(Agreement.FALSE_START)
    kept = [_smaller(row, comparison.agreement) for row, comparison in wrong[:_SHOWN]]
    (_REPORT / "generated.yaml").write_text(yaml.safe_dump(kept, sort_keys=False))
    counts = Counter(comparison.agreement.value for _, comparison in found.comparisons)
    (_REPORT / "generated.txt").write_text(f"seed {found.seed}: {dict(counts)}\n")
    return found


def _compared(rows: Iterable[Row]) -> list[tuple[Row, Comparison]]:
    """Start and predict a batch."""
    wanted = {row.fields["case"]: row for row in rows}
    cells = {cell: wanted[cell.name] for cell in made.cells_of(wanted.values())}
    outcomes = run(cells)
    compared = compare({cell: observe(outcome, cell.argv[0]) for cell, outcome in outcomes.items()})
    return [(cells[comparison.cell], comparison) for comparison in compared]


def _smaller(row: Row, agreement: Agreement) -> Fields:
    def still(fields: Fields) -> bool:
        try:
            pairs = _compared([made.row_of(row.chapter, fields, row.architecture)])
        except Exception:  # noqa: BLE001 - what no longer compiles is no smaller case
            return False
        return any(comparison.agreement is agreement for _, comparison in pairs)

    fields = smaller(dict(row.fields), still)
    return {**fields, "architectures": [row.architecture]}


def test_no_generated_start_is_refused(results: Results) -> None:
    denied = [str(comparison) for _, comparison in results.apart(Agreement.FALSE_DENY)]
    assert not denied, "\n".join([f"seed {results.seed}", *denied])


def test_few_generated_failures_are_missed(results: Results) -> None:
    missed = [str(comparison) for _, comparison in results.apart(Agreement.FALSE_START)]
    allowed = max(_FEW, _FALSE_STARTS * len(results.comparisons))
    assert len(missed) <= allowed, "\n".join([f"seed {results.seed}", *missed])


def test_few_generated_starts_are_unknown(results: Results) -> None:
    started = [comparison for _, comparison in results.comparisons if comparison.observed.started]
    unknown = [each for each in started if each.agreement is Agreement.UNKNOWN]
    assert len(unknown) <= max(_FEW, _UNKNOWN * len(started)), "\n".join(map(str, unknown))
