"""Puts real programs upon bases, as ``elfgate bases --among`` predicts, and starts them there for real.

    PYTHONPATH=tests:. python -m truth.rebased [--programs 20] [--platform ARCHITECTURE]... [--record]

A prediction is right if the program starts where it says so, and does not where it says that. What is
not certain is counted apart. ``--record`` keeps the figures for docs/accuracy.md.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from elfgate.cli import main as elfgate
from elfgate.trial.observed import observe
from lab import roots
from lab.fetched import LabError
from truth import programs
from truth.cell import Cell
from truth.programs import Program
from truth.run import run

RECORD = Path(__file__).parent / "rebased.json"
"""The figures of the last run that was recorded."""
BASES = (
    "scratch",
    "alpine",
    "alpine-linked",
    "alpine-1.2.5",
    "distroless",
    "distroless-13",
    "distroless-cc-11",
    "distroless-cc",
    "distroless-cc-13",
    "debian11",
    "debian12",
    "debian13",
)
PLATFORMS = ("amd64", "arm64", "ppc64le", "s390x")
_STARTS = {"all": True, "not": False}
_LIST = Path(__file__).parent / "programs.yaml"


@dataclass(frozen=True, slots=True)
class Put:
    """One program upon one base.

    Attributes:
        cell: Both.
        predicted: Whether it starts, as ``elfgate bases`` tells; None if that is not certain.
        started: Whether it did.
        words: What was said of it, and what happened.
    """

    cell: Cell
    predicted: bool | None
    started: bool
    words: str

    @property
    def verdict(self) -> str:
        """``right``, ``wrong``, or ``unknown``."""
        if self.predicted is None:
            return "unknown"
        return "right" if self.predicted is self.started else "wrong"


def chosen(count: int, architectures: Sequence[str]) -> Iterator[Program]:
    """The first programs of the list that are a single file, a build for each architecture.

    Raises:
        LabError: if one cannot be had.
    """
    rows = (row for row in yaml.safe_load(_LIST.read_text()) if "pypi" in row)
    groups = (list(_builds(row, architectures)) for row in rows)
    alone = (group for group in groups if group)
    for group in itertools.islice(alone, count):
        yield from group


def _builds(row: Mapping[str, Any], architectures: Sequence[str]) -> Iterator[Program]:
    """A program's build for each architecture: for glibc, else for musl."""
    glibc = [name for name in row.get("glibc", ()) if name in architectures]
    others = [name for name in architectures if name not in glibc]
    musl = [name for name in row.get("musl", ()) if name in others]
    for program in programs.builds({**row, "glibc": glibc, "musl": musl}):
        if not any(program.tree.glob("*.libs")):
            yield program


def put(program: Program) -> dict[Cell, tuple[bool | None, str]]:
    """Predict a program upon every base that there is for its architecture."""
    bases = {f"dir:{root}": name for name, root in _roots(program.architecture)}
    among = [word for image in bases for word in ("--among", image)]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        elfgate.main([
            "bases", str(program.tree / program.path), "--platform", program.architecture,
            "--isolation", "none", "-o", "json", *among,
        ])  # fmt: skip
    told = {row["image"]: row["platforms"][0] for row in json.loads(said.getvalue())["bases"]}
    return {
        _cell(program, name): (_STARTS.get(told[image]["gives"]), told[image]["because"])
        for image, name in bases.items()
    }


def _roots(architecture: str) -> Iterator[tuple[str, Path]]:
    for name in BASES:
        if architecture not in roots.ROOTS[name].architectures:
            continue
        try:
            yield name, roots.build(name, architecture)
        except LabError as error:
            print(f"left out: {name} for {architecture}: {error}", file=sys.stderr)  # noqa: T201


def _cell(program: Program, base: str) -> Cell:
    return Cell(
        group=program.name,
        name=program.build,
        variant=base,
        architecture=program.architecture,
        layers=(programs.bare_layer(program),),
        argv=(f"/{programs.DIRECTORY}/{program.path}", *program.arguments),
        env={"HOME": "/tmp"},
    )


def held(predicted: Mapping[Cell, tuple[bool | None, str]]) -> Iterator[Put]:
    """Start what was predicted, and hold both together."""
    for cell, outcome in run(predicted).items():
        starts, because = predicted[cell]
        seen = observe(outcome, cell.argv[0])
        yield Put(cell, starts, seen.started, f"{because} | {seen.words}")


def figures(found: Sequence[Put]) -> dict[str, Any]:
    """Count a run, by architecture."""
    names = sorted({each.cell.architecture for each in found})
    return {
        name: _counted([each for each in found if each.cell.architecture == name]) for name in names
    }


def _counted(found: Sequence[Put]) -> dict[str, Any]:
    counts = Counter(each.verdict for each in found)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"Linux {os.uname().release.partition('-')[0]}, {platform.machine()}",
        "programs": sorted({each.cell.group for each in found}),
        "bases": [name for name in BASES if any(each.cell.variant == name for each in found)],
        "starts": len(found),
        "started": sum(each.started for each in found),
        **{verdict: counts[verdict] for verdict in ("right", "wrong", "unknown")},
    }


def _keep(told: Mapping[str, Any]) -> None:
    """Record the figures of the architectures that were run, beside those of others."""
    kept = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    RECORD.write_text(json.dumps({**kept, **told}, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Predict, start, and tell. Returns 1 if a prediction is wrong."""
    parser = argparse.ArgumentParser(prog="truth.rebased")
    parser.add_argument("--programs", type=int, default=20)
    parser.add_argument("--platform", action="append", choices=PLATFORMS, dest="platforms")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    predicted: dict[Cell, tuple[bool | None, str]] = {}
    for program in chosen(options.programs, options.platforms or PLATFORMS):
        predicted |= put(program)
    found = list(held(predicted))
    for each in found:
        if each.verdict != "right":
            print(f"{each.verdict}: {each.cell}: {each.words}")  # noqa: T201
    told = figures(found)
    print(json.dumps(told, indent=1))  # noqa: T201
    if options.record:
        _keep(told)
    return int(any(each.verdict == "wrong" for each in found))


if __name__ == "__main__":
    sys.exit(main())
