"""``make truth``: every cell is really started, and elfgate's prediction held against what happened."""

from pathlib import Path

import pytest

from elfgate.trial.agreement import Agreement
from elfgate.trial.observed import observe
from lab import sandbox
from truth import accuracy, booted, known, made, programs, recorded
from truth.compare import Comparison, compare, table
from truth.run import run

pytestmark = pytest.mark.truth

_REPORT = Path(__file__).parents[2] / "build" / "truth"
_UNKNOWN_SHARE = 0.02
_CODE_SHARE = 0.99


@pytest.fixture(scope="module")
def comparisons() -> list[Comparison]:
    """All cells, started and predicted; the table and the disagreements are left in ``build/truth``."""
    if reason := sandbox.unavailable():
        pytest.fail(f"programs cannot be started for real on this machine: {reason}")
    cases, builds = made.cells(), programs.cells()
    outcomes = run([*cases, *builds])
    observed = {cell: observe(outcome, cell.argv[0]) for cell, outcome in outcomes.items()}
    on_kernels = booted.recorded(booted.cells(cases, builds))
    compared = compare({**observed, **on_kernels, **recorded.observed()})
    _REPORT.mkdir(parents=True, exist_ok=True)
    apart = [
        str(comparison) for comparison in compared if comparison.agreement is not Agreement.AGREES
    ]
    left_out = "".join(f"\nleft out: {each}" for each in _left_out())
    (_REPORT / "table.txt").write_text(f"{table(compared)}{left_out}\n")
    accuracy.write(_REPORT / "accuracy.json", accuracy.summary(compared, _left_out()))
    (_REPORT / "disagreements.txt").write_text("".join(f"{text}\n" for text in sorted(apart)))
    return compared


def _left_out() -> list[str]:
    """What this run does not start, with the reason."""
    return [] if sandbox.has_users() else ["the cases of other users, which only root can start"]


def test_nothing_that_starts_is_called_unable_to(comparisons: list[Comparison]) -> None:
    denied = [
        str(comparison)
        for comparison in comparisons
        if comparison.agreement is Agreement.FALSE_DENY
    ]
    assert not denied, "\n".join(denied)


def test_every_disagreement_is_known_by_name(comparisons: list[Comparison]) -> None:
    assert not (apart := [str(comparison) for comparison in known.unexplained(comparisons)]), (
        "\n".join(apart)
    )


def test_every_known_disagreement_is_still_one(comparisons: list[Comparison]) -> None:
    assert not (idle := [entry.cells for entry in known.outlived(comparisons)]), (
        f"no longer needed: {idle}"
    )


def test_few_cells_are_unknown(comparisons: list[Comparison]) -> None:
    unknown = [
        str(comparison) for comparison in comparisons if comparison.agreement is Agreement.UNKNOWN
    ]
    assert len(unknown) <= _UNKNOWN_SHARE * len(comparisons), "\n".join(unknown)


def test_failures_are_given_their_right_code(comparisons: list[Comparison]) -> None:
    """Of all failures whose words name a code: an unknown has not been given it, nor has a plain start.

    A note has that names what will end a program after its start: a symbol that is bound lazily.
    """
    failed = [comparison for comparison in comparisons if comparison.observed.code]
    wrong = [
        str(comparison) for comparison in failed if comparison.observed.code not in comparison.named
    ]
    assert len(wrong) <= (1 - _CODE_SHARE) * len(failed), "\n".join(
        [f"{len(wrong)} of {len(failed)}", *wrong]
    )


def test_there_are_enough_cases_and_programs(comparisons: list[Comparison]) -> None:
    cells = [comparison.cell for comparison in comparisons]
    assert (
        len({cell.group for cell in cells if cell.argv[0].startswith("/app/") and "@" in cell.name})
        >= 40
    )
    assert len({(cell.group, cell.name) for cell in cells if "@" not in cell.name}) >= 150
    assert len({cell.kernel for cell in cells if cell.kernel}) >= 3


@pytest.fixture(scope="module")
def elsewhere(comparisons: list[Comparison]) -> list[Comparison]:
    """The starts that were recorded by others than the lab."""
    return [comparison for comparison in comparisons if comparison.cell.group in recorded.GROUPS]


def test_many_starts_were_recorded_elsewhere(elsewhere: list[Comparison]) -> None:
    assert len(elsewhere) >= 1000
    assert len({comparison.cell.architecture for comparison in elsewhere}) >= 9


def test_few_of_what_was_recorded_elsewhere_are_unknown(elsewhere: list[Comparison]) -> None:
    unknown = [
        str(comparison) for comparison in elsewhere if comparison.agreement is Agreement.UNKNOWN
    ]
    assert len(unknown) <= _UNKNOWN_SHARE * len(elsewhere), "\n".join(unknown)


def test_failures_recorded_elsewhere_are_given_their_right_code(
    elsewhere: list[Comparison],
) -> None:
    """An unknown is wrong here. A note is right that names what ends a program after its start."""
    failed = [comparison for comparison in elsewhere if comparison.observed.code]
    wrong = [
        str(comparison) for comparison in failed if comparison.observed.code not in comparison.named
    ]
    assert len(wrong) <= (1 - _CODE_SHARE) * len(failed), "\n".join(wrong)
