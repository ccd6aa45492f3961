"""Starts every cell for real, two at a time, and records what became of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from lab import kernels, roots
from lab.sandbox import Outcome, Sandbox, Start
from truth.cell import PATH, Cell

_CHUNK = 40  # cells a sandbox runs before it is made anew
_WORKERS = 2
_SECONDS = 20.0


def run(cells: Iterable[Cell]) -> Mapping[Cell, Outcome]:
    """Start every cell.

    Raises:
        LabError: if a sandbox ends before its time.
    """
    outcomes: dict[Cell, Outcome] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done in pool.map(_run_chunk, _chunks(cells)):
            outcomes |= done
    return outcomes


def boot(cells: Iterable[Cell]) -> Mapping[Cell, Outcome]:
    """Start every cell on the real kernel that it names.

    Raises:
        LabError: if a kernel does not boot, or stops.
    """
    by_kernel: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_kernel[cell.kernel].append(cell)
    with ThreadPoolExecutor(_WORKERS) as pool:
        done = pool.map(lambda name: kernels.run(kernels.KERNELS[name], list(map(_start, by_kernel[name]))), by_kernel)
        return {
            cell: outcome
            for name, outcomes in zip(by_kernel, done, strict=True)
            for cell, outcome in zip(by_kernel[name], outcomes, strict=True)
        }


def _chunks(cells: Iterable[Cell]) -> Iterator[list[Cell]]:
    by_architecture: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_architecture[cell.architecture].append(cell)
    for group in by_architecture.values():
        for start in range(0, len(group), _CHUNK):
            yield group[start : start + _CHUNK]


def _run_chunk(cells: list[Cell]) -> dict[Cell, Outcome]:
    with Sandbox(cells[0].architecture) as sandbox:
        return {cell: sandbox.start(_start(cell)) for cell in cells}


def _start(cell: Cell) -> Start:
    base = roots.build(cell.variant, cell.architecture)
    return Start(
        layers=tuple(str(path) for path in (*cell.layers, base)),
        argv=cell.argv,
        env={"PATH": PATH, **cell.env},
        cwd=cell.cwd,
        program=cell.program,
        timeout=_SECONDS,
    )
