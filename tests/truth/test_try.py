"""``make truth``: ``elfgate try`` agrees with ``elfgate scan`` on the lab's cases, started from images."""

import contextlib
import io
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from elfgate.cli import main
from elfgate.trial import heads
from elfgate.trial.emulation import qemu_name
from lab import roots, sandbox
from lab.fetched import cache
from truth import made, programs, scanned
from truth.cell import Cell

pytestmark = pytest.mark.truth

_SMALL = {"scratch", "alpine", "distroless"}
_EVERY = 60  # which cells are taken of all
# Which builds of programs are taken of all: each stays up for seconds, and there are hundreds.
_EVERY_BUILD = 1 if os.environ.get("TRUTH_TRY") == "all" else 30


def _cells() -> list[Cell]:
    """A sample of the made cells of which options of a container tell everything."""
    cells = (
        cell for cell in made.cells() if cell.variant in _SMALL and "/" not in cell.architecture
    )
    plain = [cell for cell in cells if not (cell.cpu or cell.release)]
    return sorted(plain, key=str)[::_EVERY]


def _builds() -> Iterator[Cell]:
    """Builds of real programs, each in one of the small roots that it is started in, in turn."""
    builds: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in programs.cells():
        if cell.variant in _SMALL and "/" not in cell.architecture:
            builds[cell.name, cell.architecture].append(cell)
    for number, cells in enumerate([*builds.values()][::_EVERY_BUILD]):
        yield cells[number % len(cells)]


@pytest.fixture(scope="module", autouse=True)
def emulators() -> Iterator[None]:
    """The lab's emulators, as if they were installed."""
    if reason := sandbox.unavailable():
        pytest.fail(f"programs cannot be started for real on this machine: {reason}")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for architecture in roots.ROOTS["scratch"].architectures:
            name = Path(folder, f"qemu-{qemu_name(architecture)}-static")
            if "/" not in architecture and not heads.native(architecture):
                name.symlink_to(sandbox.qemu(architecture))
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        yield


def test_what_is_started_is_what_was_predicted() -> None:
    _all_agree(_cells())


def test_a_programs_start_is_what_was_predicted() -> None:
    _all_agree(_builds())


def _all_agree(cells: Iterable[Cell]) -> None:
    """No start contradicts what was predicted, and none is left out."""
    told = []
    for number, cell in enumerate(cells):
        with tempfile.TemporaryDirectory(dir=cache("scanned")) as name:
            start = _tried(cell, Path(name, str(number)))
        told.append((start["contradicts"], f"{cell}: {start['state']}, {start['words']}"))
    assert len(told) > 10
    assert [words for contradicts, words in told if contradicts] == []
    assert [words for _, words in told if ": untried" in words] == []


def _tried(cell: Cell, place: Path) -> dict[str, object]:
    scanned.written(cell, place)
    platform = f"linux/{cell.architecture}"
    groups = [option for group in cell.groups for option in ("--group", str(group))]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        main.main([
            "try", f"oci:{place}:cell", "--platform", platform, "-o", "json", "--for", "5",
            "--allow-privilege-escalation", "true", "--store", f"{place}.db", *groups,
        ])  # fmt: skip
    starts: list[dict[str, object]] = json.loads(said.getvalue())["starts"]
    return starts[0]
