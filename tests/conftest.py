"""What all tests share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.chart import helms

# How long an example takes says more of the machine than of what is tested. What else the profile says holds: in CI,
# hypothesis takes one that gives the same examples each time.
settings.register_profile(
    "any machine",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")


@pytest.fixture(params=["3", "4"])
def major(request: pytest.FixtureRequest) -> str:
    """The major version of a Helm that is there."""
    chosen: str = request.param
    if chosen not in helms():
        pytest.skip(f"no Helm {chosen}: .ci/helm {chosen} builds it")
    return chosen


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path: a unix socket's has at most 107 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
