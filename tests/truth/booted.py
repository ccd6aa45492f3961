"""The cells that are started once more on real kernels: what user emulation could get wrong."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lab.kernels import KERNELS
from truth.cell import Cell

_VARIANTS = {"scratch", "alpine", "distroless", "distroless-cc"}  # small enough for an initramfs
_LARGEST = 12 << 20  # bytes of a real program
_PROGRAM_VARIANT = "distroless-cc"


def cells(made: Iterable[Cell], programs: Iterable[Cell]) -> list[Cell]:
    """The made cases of the kernels' architectures, and the smaller real programs, each with its kernel.

    A case whose command has to be found on PATH is left to the runtime's own look-up, which needs no kernel.
    """
    chosen = [cell for cell in made if cell.variant in _VARIANTS and "/" in cell.argv[0]] + list(_small(programs))
    return [
        replace(cell, kernel=name)
        for cell in chosen
        for name, kernel in KERNELS.items()
        if kernel.architecture == cell.architecture
    ]


def _small(programs: Iterable[Cell]) -> Iterator[Cell]:
    for cell in programs:
        size = (cell.layers[0] / cell.argv[0].lstrip("/")).stat().st_size
        if cell.variant in {_PROGRAM_VARIANT, "scratch"} and size <= _LARGEST:
            yield cell
