"""Zero lost, zero wrong: two replicas under load, while what they rest on breaks. ``make e2e``; long: ``make chaos``.

Each fault lasts ``CHAOS_SECONDS``. What it cost is in ``build/chaos/table.txt``.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import opa, valkey
from support.chaos import faults, opa_faults
from support.chaos.faults import FAULTS, Fault
from support.chaos.site import LABEL, NAMESPACE, Site, following, site
from support.chaos.trial import Cost, attempt, write_table
from support.control_plane import ControlPlane

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def costs() -> Iterator[list[Cost]]:
    """What the faults have cost so far; written down at the end."""
    found: list[Cost] = []
    yield found
    write_table(found)


@pytest.fixture(scope="module")
def asked(cluster: ControlPlane) -> ControlPlane:
    """The cluster, with the namespace that replicas are asked about."""
    cluster.add_namespace(NAMESPACE, **LABEL)
    return cluster


@pytest.fixture(scope="module")
def plain(asked: ControlPlane, account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Replicas that evaluate policies themselves, and follow a signed bundle."""
    folder = tmp_path_factory.mktemp("chaos")
    with site(asked, account, folder, lambda made: {"policies": {"bundle": following(made)}}) as made:
        yield made


@pytest.fixture(scope="module")
def beside_opa(asked: ControlPlane, account: Path) -> Iterator[Site]:
    """Replicas with an OPA beside each."""
    if opa.OPA is None:
        pytest.skip("needs OPA")
    with (
        tempfile.TemporaryDirectory(prefix="elfgate-") as name,  # a socket's path must be short
        opa_faults.servers(Path(name)),
        site(asked, account, Path(name), opa_faults.settings) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def sharing(asked: ControlPlane, account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Replicas that share facts on a Valkey server."""
    folder = tmp_path_factory.mktemp("sharing")
    with (
        tempfile.TemporaryDirectory(prefix="elfgate-") as name,
        valkey.server(Path(name)) as server,
        site(asked, account, folder, lambda _: {"store": {"url": server.url}}) as made,
    ):
        made.shared = server
        yield made


def check(made: Site, cluster: ControlPlane, fault: Fault, costs: list[Cost]) -> None:
    cost = attempt(made, cluster, fault)
    costs.append(cost)
    assert cost.count("wrong") == 0, cost.texts
    assert cost.count("right") > 0
    if fault.planned:
        assert cost.count("lost") == 0, cost.texts


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_makes_no_verdict_wrong_and_a_planned_one_loses_no_review(
    plain: Site, asked: ControlPlane, costs: list[Cost], fault: Fault
) -> None:
    check(plain, asked, fault, costs)


@pytest.mark.parametrize("fault", opa_faults.FAULTS, ids=lambda fault: fault.name)
def test_no_verdict_is_wrong_without_opa(
    beside_opa: Site, asked: ControlPlane, costs: list[Cost], fault: Fault
) -> None:
    check(beside_opa, asked, fault, costs)


def test_no_verdict_is_wrong_without_the_shared_store(sharing: Site, asked: ControlPlane, costs: list[Cost]) -> None:
    check(sharing, asked, Fault("Valkey gone", faults.shared_store_gone), costs)
