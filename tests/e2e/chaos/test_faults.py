"""Zero lost, zero wrong: two replicas under load, while what they rest on breaks. ``make e2e``; long: ``make chaos``.

Each fault lasts ``CHAOS_SECONDS``. What it cost is in ``build/chaos/table.txt``.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chaos.faults import FAULTS, Fault
from support.chaos.site import Site, following, site
from support.chaos.trial import Cost, check
from support.control_plane import ControlPlane

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def plain(
    asked: ControlPlane, account: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Replicas that evaluate policies themselves, and follow a signed bundle."""
    folder = tmp_path_factory.mktemp("chaos")
    with site(
        asked, account, folder, lambda made: {"policies": {"bundle": following(made)}}
    ) as made:
        yield made


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_makes_no_verdict_wrong_and_a_planned_one_loses_no_review(
    plain: Site, asked: ControlPlane, costs: list[Cost], fault: Fault
) -> None:
    check(plain, asked, fault, costs)
