"""A cluster of the chart's own, in which an installation has the names that its values give."""

import os
from collections.abc import Iterator

import pytest

from support.chart import FOREIGN, NAMESPACE
from support.control_plane import ControlPlane, build
from support.installed import definition

RESTRICTED = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")
}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster whose Services are on loopback, with stand-ins for the kinds that operators bring."""
    if "ELFGATE_E2E" not in os.environ:
        pytest.skip("builds and starts Kubernetes: make e2e")
    with ControlPlane(
        build(), tmp_path_factory.mktemp("chart"), services="127.96.0.0/16"
    ) as running:
        running.add_node("amd64-1", "amd64")
        running.add_namespace(NAMESPACE, **RESTRICTED)
        running.must(
            "create", "-f", "-", stdin=[definition(kind, group) for kind, group in FOREIGN.items()]
        )
        for kind in FOREIGN:
            name = f"{kind.lower()}s.{FOREIGN[kind].partition('/')[0]}"
            running.must("wait", "--for=condition=Established", f"crd/{name}", "--timeout=60s")
        yield running
