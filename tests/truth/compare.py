"""Predicts every cell and says where the prediction and the real start part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from elfgate.images.directory import Directory
from elfgate.images.source import Descriptor, Limits
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Code, Effect, Outcome, Prediction
from elfgate.linkage.start import ImageDefaults, NodeFacts, Overrides
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Tree
from lab import roots

from truth.cell import PATH, Cell
from truth.observed import Observed

NODE = NodeFacts(page_size=4096)  # what qemu and this machine's own kernel have; a CPU's level is not said


class Agreement(StrEnum):
    """How a prediction stands to what happened."""

    AGREES = "agrees"
    FALSE_DENY = "false deny"  # said to fail, and started: the one thing that must never be
    FALSE_START = "false start"  # said to start, and failed
    UNKNOWN = "unknown"
    WRONG_CODE = "wrong code"  # failed as said, but for another reason


@dataclass(frozen=True, slots=True)
class Comparison:
    """One cell's prediction beside its outcome."""

    cell: Cell
    observed: Observed
    prediction: Prediction

    @property
    def code(self) -> Code | None:
        """The code of the first finding that fails."""
        return next((finding.code for finding in self.prediction.findings if finding.effect is Effect.FAILS), None)

    @property
    def agreement(self) -> Agreement:
        """Where they part. A death without words has no code that could be wrong."""
        outcome = self.prediction.outcome
        if outcome is Outcome.UNKNOWN:
            return Agreement.UNKNOWN
        if self.observed.started:
            return Agreement.AGREES if outcome is Outcome.STARTS else Agreement.FALSE_DENY
        if outcome is Outcome.STARTS:
            return Agreement.FALSE_START
        return Agreement.AGREES if self.observed.code in {None, self.code} else Agreement.WRONG_CODE

    def __str__(self) -> str:
        seen = "started" if self.observed.started else f"failed ({self.observed.code})"
        said = "; ".join(f"{finding.code} {finding.path}: {finding.message}" for finding in self.prediction.findings)
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
    defaults = ImageDefaults(entrypoint=cell.argv, env={"PATH": PATH, **cell.env}, working_dir=cell.cwd)
    architecture = cell.architecture
    platform = Platform.parse(architecture if "/" not in architecture else f"linux/{architecture}")
    return predict(Tree(layers), defaults, Overrides(), platform, NODE)


@cache
def _layer(path: Path) -> Layer:
    return Directory(str(path), Limits()).layer(Descriptor("", ""))


def table(comparisons: Iterable[Comparison]) -> str:
    """Counts by group and architecture, in plain text."""
    groups: dict[tuple[str, str], dict[Agreement, int]] = {}
    for comparison in comparisons:
        for key in ((comparison.cell.group, comparison.cell.architecture), ("all", "all")):
            counts = groups.setdefault(key, dict.fromkeys(Agreement, 0))
            counts[comparison.agreement] += 1
    lines = [f"{'group':18} {'architecture':13}" + "".join(f"{name:>13}" for name in Agreement)]
    for (group, architecture), counts in sorted(groups.items(), key=lambda item: (item[0][0] == "all", item[0])):
        lines.append(f"{group:18} {architecture:13}" + "".join(f"{counts[name]:13}" for name in Agreement))
    return "\n".join(lines)
