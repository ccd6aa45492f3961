"""The same, where policies are evaluated by an OPA beside each replica."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import opa
from support.chaos import opa_faults
from support.chaos.faults import Fault
from support.chaos.site import Site, site
from support.chaos.trial import Cost, check
from support.control_plane import ControlPlane

pytestmark = pytest.mark.e2e


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


@pytest.mark.parametrize("fault", opa_faults.FAULTS, ids=lambda fault: fault.name)
def test_no_verdict_is_wrong_without_opa(
    beside_opa: Site, asked: ControlPlane, costs: list[Cost], fault: Fault
) -> None:
    check(beside_opa, asked, fault, costs)
