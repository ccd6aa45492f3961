"""Starts every cell for real, two at a time, and records what became of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from elfgate.trial.start import Outcome, Start
from lab import kernels, roots
from lab.sandbox import Sandbox
from truth.cell import PATH, Cell

_CHUNK = 40  # cells a sandbox runs before it is made anew
_BOOTED = 300  # cells in one initramfs
_WORKERS = 2
_SECONDS = 20.0


def run(cells: Iterable[Cell]) -> Mapping[Cell, Outcome]:
    """Start every cell.

    Raises:
        LabError: if a sandbox ends before its time.
    """
    outcomes: dict[Cell, Outcome] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done in pool.map(_run_chunk, _chunks(cells, _CHUNK)):
            outcomes |= done
    return outcomes


def boot(cells: Iterable[Cell]) -> Mapping[Cell, Outcome]:
    """Start every cell on the real kernel that it names.

    Raises:
        LabError: if a kernel does not boot, or stops.
    """
    outcomes: dict[Cell, Outcome] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done in pool.map(_boot_chunk, _chunks(cells, _BOOTED)):
            outcomes |= done
    return outcomes


def _boot_chunk(cells: list[Cell]) -> dict[Cell, Outcome]:
    outcomes = kernels.run(kernels.KERNELS[cells[0].kernel], [_start(cell) for cell in cells])
    return dict(zip(cells, outcomes, strict=True))


def _chunks(cells: Iterable[Cell], size: int) -> Iterator[list[Cell]]:
    by_node: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        by_node[cell.architecture, cell.kernel].append(cell)
    for group in by_node.values():
        for start in range(0, len(group), size):
            yield group[start : start + size]


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
        user=cell.user,
        groups=cell.groups,
        cpu=cell.cpu,
        release=cell.release,
        timeout=_SECONDS,
    )
