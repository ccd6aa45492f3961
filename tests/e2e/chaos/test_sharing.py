"""The same, where replicas share facts on a Valkey server."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import valkey
from support.chaos import faults
from support.chaos.site import Site, site
from support.chaos.trial import Cost, check
from support.control_plane import ControlPlane

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def sharing(
    asked: ControlPlane, account: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Replicas with a common store."""
    folder = tmp_path_factory.mktemp("sharing")
    with (
        tempfile.TemporaryDirectory(prefix="elfgate-") as name,
        valkey.server(Path(name)) as server,
        site(asked, account, folder, lambda _: {"store": {"url": server.url}}) as made,
    ):
        made.shared = server
        yield made


def test_no_verdict_is_wrong_without_the_shared_store(
    sharing: Site, asked: ControlPlane, costs: list[Cost]
) -> None:
    check(sharing, asked, faults.VALKEY_GONE, costs)
