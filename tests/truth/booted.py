"""The cells that are started on real kernels too: what user emulation could get wrong.

Booting takes minutes, so that what happened is recorded in ``booted.jsonl``, a line a cell; ``make truth`` holds the
predictions against the record, and ``make truth-kernels`` (this module as a program) makes it anew.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from elfgate.linkage.report import Code
from elfgate.trial.observed import Observed, observe
from lab.kernels import KERNELS
from truth import made, programs
from truth.cell import Cell
from truth.run import boot

_RECORD = Path(__file__).parent / "booted.jsonl"
_VARIANTS = {"scratch", "alpine", "distroless", "distroless-cc"}  # small enough for an initramfs
_LARGEST = 12 << 20  # bytes of a real program
_PROGRAM_VARIANTS = {"scratch", "distroless-cc"}


def cells(made_cells: Iterable[Cell], program_cells: Iterable[Cell]) -> list[Cell]:
    """The made cases of the kernels' architectures, and the smaller real programs, each with its kernel.

    A command that has to be found on PATH is left out: that is the runtime's own look-up, which needs no kernel.
    """
    everything = (*made_cells, *made.only_booted())
    chosen = [
        cell
        for cell in everything
        if cell.variant in _VARIANTS and "/" in cell.argv[0] and _is_plain(cell)
    ]
    small = list(_small(program_cells))
    return [
        replace(cell, kernel=name)
        for cell in (*chosen, *small, *_narrow(small))
        for name, kernel in KERNELS.items()
        if kernel.architecture == cell.architecture
    ]


def recorded(booted: Iterable[Cell]) -> Mapping[Cell, Observed]:
    """What happened to those of the cells that the record has."""
    rows = {row["cell"]: row for row in map(json.loads, _RECORD.read_text().splitlines())}
    return {cell: _observed(rows[str(cell)]) for cell in booted if str(cell) in rows}


def record() -> None:
    """Boot the kernels, start every cell, and write the record.

    Raises:
        LabError: if a kernel does not boot.
        ValueError: if a cell could not be tried.
    """
    outcomes = boot(cells(made.cells(), programs.cells()))
    rows = {str(cell): observe(outcome, cell.argv[0]) for cell, outcome in outcomes.items()}
    lines = [
        json.dumps(
            {"cell": name, "started": seen.started, "code": seen.code, "words": seen.words},
            ensure_ascii=False,
        )
        for name, seen in sorted(rows.items())
    ]
    _RECORD.write_text("".join(f"{line}\n" for line in lines))


def _observed(row: dict[str, Any]) -> Observed:
    code = Code(row["code"]) if row["code"] else None
    return Observed(started=row["started"], code=code, words=row["words"])


def _is_plain(cell: Cell) -> bool:
    """Whether it is started on whatever CPU and kernel there are."""
    return not (cell.cpu or cell.release)


def _small(program_cells: Iterable[Cell]) -> Iterator[Cell]:
    for cell in program_cells:
        size = (cell.layers[0] / cell.argv[0].lstrip("/")).stat().st_size
        if cell.variant in _PROGRAM_VARIANTS and size <= _LARGEST:
            yield cell


def _narrow(program_cells: Iterable[Cell]) -> Iterator[Cell]:
    """The programs of arm/v7 that start in an empty root, as an arm64 node is given them."""
    for cell in program_cells:
        if cell.architecture == "arm/v7" and cell.variant == "scratch":
            yield replace(cell, name=f"{cell.name} of {cell.architecture}", architecture="arm64")


if __name__ == "__main__":
    record()
