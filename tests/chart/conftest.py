"""Each test of the chart runs with each Helm that it is for."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chart import helms


@pytest.fixture(params=["3", "4"])
def major(request: pytest.FixtureRequest) -> str:
    """The major version of a Helm that is there."""
    chosen: str = request.param
    if chosen not in helms():
        pytest.skip(f"no Helm {chosen}: .ci/helm {chosen} builds it")
    return chosen


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a short path: a unix socket's has at most 107 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
