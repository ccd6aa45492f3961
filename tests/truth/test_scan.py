"""``make truth``: ``elfgate scan`` says of a folder and of an image what is predicted for the same files."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from elfgate.trial.observed import Observed
from lab.fetched import cache
from truth import made, scanned
from truth.cell import Cell
from truth.compare import Comparison, compare

pytestmark = pytest.mark.truth

_SMALL = {"scratch", "alpine", "distroless"}
_EVERY, _EVERY_TOLD = (
    40,
    3,
)  # which cells are taken: of all, and of those that tell more of process or node


@pytest.fixture(scope="module")
def predictions() -> list[Comparison]:
    """A sample of the made cells, and what is predicted for them."""
    cells = sorted((cell for cell in made.cells() if cell.variant in _SMALL), key=str)
    told = [cell for cell in cells if cell.user or cell.cpu or cell.release]
    unseen = Observed(started=True)  # nobody looks at it here
    return compare(dict.fromkeys([*cells[::_EVERY], *told[::_EVERY_TOLD]], unseen))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder on the disk of the lab's roots, so that files can be linked instead of copied."""
    with tempfile.TemporaryDirectory(dir=cache("scanned")) as name:
        yield Path(name)


def test_a_folder_is_judged_as_its_files_are(predictions: list[Comparison], place: Path) -> None:
    told = {
        _name(each.cell): scanned.folder(each.cell, place / str(n))
        for n, each in enumerate(predictions)
    }
    assert told == {_name(each.cell): _predicted(each) for each in predictions}


def test_an_image_is_judged_as_its_files_are(predictions: list[Comparison], place: Path) -> None:
    told = {
        _name(each.cell): scanned.image(each.cell, place / str(n))
        for n, each in enumerate(predictions)
    }
    assert told == {_name(each.cell): _predicted(each) for each in predictions}


def _name(cell: Cell) -> str:
    return f"{cell} · {' '.join(cell.argv)}"


def _predicted(comparison: Comparison) -> scanned.Told:
    return comparison.prediction.outcome.value, comparison.code or ""
