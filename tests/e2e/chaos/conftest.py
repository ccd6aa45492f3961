"""What all faults share: the cluster, and the table of what each cost."""

from collections.abc import Iterator

import pytest

from support.chaos.site import LABEL, NAMESPACE
from support.chaos.trial import Cost, write_table
from support.control_plane import ControlPlane


@pytest.fixture(scope="session")
def costs() -> Iterator[list[Cost]]:
    """What the faults have cost so far; written down at the end."""
    found: list[Cost] = []
    yield found
    write_table(found)


@pytest.fixture(scope="session")
def asked(cluster: ControlPlane) -> ControlPlane:
    """The cluster, with the namespace that replicas are asked about."""
    cluster.add_namespace(NAMESPACE, **LABEL)
    return cluster
