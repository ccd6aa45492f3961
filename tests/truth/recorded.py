"""Starts that were recorded elsewhere, by other hands, on other machines: ``recorded.yaml``.

Nothing is started for these. Each row of a program has the very file that was started, and each row of a case has a
made case of the same making; what elfgate predicts for them is held against what was seen there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from elfgate.linkage.report import Code
from elfgate.trial.observed import Observed
from lab.kernels import KERNELS
from truth import made, programs
from truth.cell import Cell
from truth.made import Place

GROUPS = ("recorded programs", "recorded cases")
_STARTED = "started"
_FAILED = "failed"  # by a signal, or without words that name a code


@dataclass(frozen=True, slots=True)
class _Record:
    """What was recorded of one row on one kind of node.

    Attributes:
        row: The row.
        architecture: The node's.
        kernel: A name of ``KERNELS``, if it was a real one; else empty.
        outcomes: By root.
    """

    row: Mapping[str, Any]
    architecture: str
    kernel: str
    outcomes: Mapping[str, str]


def observed() -> Mapping[Cell, Observed]:
    """What was recorded, by the cell that stands for it (downloaded and compiled, cached).

    Raises:
        LabError: if a program cannot be had, or a file does not compile.
    """
    rows = yaml.safe_load((Path(__file__).parent / "recorded.yaml").read_text())
    records = [record for row in rows for record in _records(row)]
    of_programs = _programs([record for record in records if "case" not in record.row])
    of_cases = _cases([record for record in records if "case" in record.row])
    return {cell: _observed(outcome) for cell, outcome in chain(of_programs, of_cases)}


def _records(row: Mapping[str, Any]) -> Iterator[_Record]:
    for place, variants in row["outcomes"].items():
        outcomes = {variant: outcome for outcome, names in variants.items() for variant in names}
        kernel = KERNELS.get(place)
        yield _Record(
            row, kernel.architecture if kernel else place, place if kernel else "", outcomes
        )


def _programs(records: Iterable[_Record]) -> Iterator[tuple[Cell, str]]:
    for record in records:
        program = _program(record.row, record.row.get("for", record.architecture))
        whole = record.row.get("whole", False)
        for variant, outcome in record.outcomes.items():
            cell = Cell(
                group=GROUPS[0],
                name=f"{program.build} whole" if whole else program.build,
                variant=variant,
                architecture=record.architecture,
                layers=(programs.tree_layer(program) if whole else programs.bare_layer(program),),
                argv=(f"/{programs.DIRECTORY}/{program.path}", *program.arguments),
                kernel=record.kernel,
            )
            yield cell, outcome


def _program(row: Mapping[str, Any], architecture: str) -> programs.Program:
    """The build that was started: of a wheel, the one for its architecture and C library."""
    return next(
        programs.builds({**row, "architecture": architecture, row.get("libc", ""): [architecture]})
    )


def _cases(records: Iterable[_Record]) -> Iterator[tuple[Cell, str]]:
    starts = [
        (Place(record.row["case"], variant, record.architecture), record, outcome)
        for record in records
        for variant, outcome in record.outcomes.items()
    ]
    cells = made.elsewhere({place for place, _, _ in starts})
    for place, record, outcome in starts:
        cell = cells[place]
        cpu = record.row.get("cpu", cell.cpu)
        yield (
            replace(cell, group=GROUPS[1], name=place.case, kernel=record.kernel, cpu=cpu),
            outcome,
        )


def _observed(outcome: str) -> Observed:
    code = None if outcome in {_STARTED, _FAILED} else Code(outcome)
    return Observed(started=outcome == _STARTED, code=code, words=f"recorded as {outcome}")
