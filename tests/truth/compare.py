"""Predicts every cell and says where the prediction and the real start part."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from elfgate.cluster.nodes import kernel_version
from elfgate.images.directory import Directory
from elfgate.images.source import Descriptor, Limits
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Code, Prediction
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Tree
from elfgate.trial.agreement import Agreement, agreement, code_of, named_by
from elfgate.trial.observed import Observed
from lab import roots
from lab.kernels import KERNELS
from truth.cell import PATH, Cell

PAGE_SIZE = 4096  # of qemu's emulation and of this machine's own kernel


@dataclass(frozen=True, slots=True)
class Comparison:
    """One cell's prediction beside its outcome."""

    cell: Cell
    observed: Observed
    prediction: Prediction

    @property
    def code(self) -> Code | None:
        """The code of the first finding that fails."""
        return code_of(self.prediction)

    @property
    def named(self) -> set[Code]:
        """The codes that the prediction names."""
        return named_by(self.prediction)

    @property
    def agreement(self) -> Agreement:
        """Where they part."""
        return agreement(self.prediction, self.observed)

    def __str__(self) -> str:
        seen = "started" if self.observed.started else f"failed ({self.observed.code})"
        said = "; ".join(
            f"{finding.code} {finding.path}: {finding.message}"
            for finding in self.prediction.findings
        )
        return (
            f"{self.agreement}: {self.cell} · argv {' '.join(self.cell.argv)}\n"
            f"    happened: {seen}: {self.observed.words}\n"
            f"    predicted: {self.prediction.outcome}: {said or 'no finding'}"
        )


def compare(observations: Mapping[Cell, Observed]) -> list[Comparison]:
    """Predict every cell that was observed."""
    return [Comparison(cell, observed, _predict(cell)) for cell, observed in observations.items()]


def _predict(cell: Cell) -> Prediction:
    base = roots.build(cell.variant, cell.architecture)
    layers = [_layer(path) for path in (base, *reversed(cell.layers))]
    env = {"PATH": PATH, **cell.env}
    defaults = ImageDefaults(entrypoint=cell.argv, env=env, working_dir=cell.cwd, user=cell.user)
    architecture = cell.architecture
    platform = Platform.parse(architecture if "/" not in architecture else f"linux/{architecture}")
    page_size = KERNELS[cell.kernel].page_size if cell.kernel else PAGE_SIZE
    release = kernel_version(cell.release)
    node = NodeFacts(page_size, cell.cpu or None, release)
    overrides = Overrides(groups=frozenset(cell.groups), no_new_privileges=False)
    return predict(Tree(layers), defaults, overrides, platform, node)


@cache
def _layer(path: Path) -> Layer:
    return Directory(str(path), Limits()).layer(Descriptor("", ""))


def table(comparisons: Iterable[Comparison]) -> str:
    """A row a group, a column an architecture: how many cells agree, then what does not, by the legend's letters."""
    counts: dict[tuple[str, str], Counter[Agreement]] = defaultdict(Counter)
    for comparison in comparisons:
        cell = comparison.cell
        for group in (f"{cell.group} on {cell.kernel}" if cell.kernel else cell.group, _ALL):
            for architecture in (
                cell.architecture if cell.architecture in _COLUMNS else _OTHER,
                _ALL,
            ):
                counts[group, architecture][comparison.agreement] += 1
    groups = [*sorted({group for group, _ in counts} - {_ALL}), _ALL]
    rows = [
        [group[:31], *(_cell(counts.get((group, name))) for name in _COLUMNS)] for group in groups
    ]
    lines = [
        f"{row[0]:32}" + "".join(f" {text:>13}" for text in row[1:])
        for row in [["", *_COLUMNS], *rows]
    ]
    legend = ", ".join(f"{letter} {agreement}" for agreement, letter in _LETTERS.items())
    return "\n".join([*lines, f"cells that agree, then: {legend}"])


def _cell(counts: Counter[Agreement] | None) -> str:
    if counts is None:
        return ""
    apart = [
        f"{counts[agreement]}{letter}"
        for agreement, letter in _LETTERS.items()
        if counts[agreement]
    ]
    return " ".join([str(counts[Agreement.AGREES]), *apart])


_ALL, _OTHER = "all", "other"
_COLUMNS = ("amd64", "386", "arm64", "arm/v7", "ppc64le", "s390x", "riscv64", _OTHER, _ALL)
_LETTERS = {
    Agreement.FALSE_DENY: "D",
    Agreement.FALSE_START: "S",
    Agreement.WRONG_CODE: "C",
    Agreement.UNKNOWN: "U",
}
