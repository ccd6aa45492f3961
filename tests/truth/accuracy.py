"""A run of the lab in figures, from which docs/accuracy.md is written."""

import json
import os
import platform
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elfgate import __version__
from elfgate.trial.agreement import Agreement
from truth import known, recorded
from truth.compare import Comparison

RECORD = Path(__file__).parent / "accuracy.json"
"""The summary of the last run that was recorded."""


def summary(comparisons: Sequence[Comparison], left_out: Iterable[str]) -> dict[str, Any]:
    """Count a run.

    Args:
        comparisons: All cells that were started or recorded, with their predictions.
        left_out: Kinds of cells that this run does not have, each with the reason.
    """
    return {
        "elfgate": __version__,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"Linux {os.uname().release.partition('-')[0]}, {platform.machine()}",
        "kinds": _counted(comparisons, _kind),
        "architectures": _counted(comparisons, lambda each: each.cell.architecture),
        "failures": _failures(comparisons),
        "known": _known(comparisons),
        "left_out": list(left_out),
    }


def write(path: Path, counted: dict[str, Any]) -> None:
    """Write a summary."""
    path.write_text(json.dumps(counted, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _kind(comparison: Comparison) -> str:
    """How a cell came about."""
    cell = comparison.cell
    if cell.group in recorded.GROUPS:
        return "starts that others recorded on other machines"
    if cell.kernel:
        return "programs and made cases, on booted kernels of their architecture"
    if "@" in cell.name:
        return "real programs, in their projects' own builds"
    return f"made cases: {cell.group}"


def _counted(comparisons: Sequence[Comparison], key: Any) -> dict[str, dict[str, int]]:
    """Numbers of cells by a name and by agreement, with what started in truth."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for comparison in comparisons:
        row = counts[key(comparison)]
        row[comparison.agreement.value] += 1
        row["started" if comparison.observed.started else "did not start"] += 1
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}


def _failures(comparisons: Sequence[Comparison]) -> dict[str, dict[str, int]]:
    """Numbers of failures whose words name a code: all, and those that the prediction names so."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for comparison in comparisons:
        code = comparison.observed.code
        if code is not None:
            counts[code.value]["all"] += 1
            counts[code.value]["named"] += code in comparison.named
    return {code: dict(counts[code]) for code in sorted(counts)}


def _known(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """The disagreements that are accepted, each with its number of cells."""
    rows: list[dict[str, Any]] = [
        {
            "cells": entry.cells,
            "agreement": entry.agreement.value,
            "reason": entry.reason,
            "count": sum(map(entry.covers, comparisons)),
        }
        for entry in known.load()
    ]
    rest = Counter(each.agreement for each in known.unexplained(comparisons))
    for agreement in (Agreement.FALSE_DENY, Agreement.FALSE_START, Agreement.WRONG_CODE):
        if rest[agreement]:
            told: dict[str, Any] = {
                "cells": "others",
                "reason": "not explained yet",
                "count": rest[agreement],
            }
            rows.append({**told, "agreement": agreement.value})
    return [row for row in rows if row["count"]]
