"""One cluster for all: a real control plane, a registry, and the webhook as a process that watches the nodes."""

import os
import zlib
from collections.abc import Iterator

import pytest

from support import founding
from support.control_plane import ControlPlane, build, until
from support.manifests import pod
from support.registry import Registry
from support.webhook import Webhook

NODES = ("amd64", "arm64", "ppc64le", "s390x")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A cluster with one node of each architecture."""
    if "ELFGATE_E2E" not in os.environ:
        pytest.skip("builds and starts Kubernetes: make e2e")
    with ControlPlane(build(), tmp_path_factory.mktemp("cluster")) as running:
        for architecture in NODES:
            running.add_node(f"{architecture}-1", architecture)
        yield running


@pytest.fixture(scope="session")
def images() -> Iterator[dict[str, str]]:
    """The founding images in a registry: the name that manifests use → where the registry has it."""
    with Registry({founding.REPOSITORY: founding.images()}) as registry:
        names = [f"{founding.REPOSITORY}:{tag}" for tag in founding.images()]
        yield {name: registry.reference(name) for name in names}


@pytest.fixture(scope="session")
def webhook(
    cluster: ControlPlane, images: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """The webhook, asked about every namespace that is not labelled otherwise."""
    folder = tmp_path_factory.mktemp("webhook")
    (folder / "nodes.json").write_text(cluster.must("get", "nodes", "-o", "json"))
    with Webhook(folder, {"images": images, "nodes": {"file": str(folder / "nodes.json")}}) as running:
        exempt = {"key": "elfgate.dev/webhook", "operator": "DoesNotExist"}
        cluster.must(
            "create", "-f", "-", stdin=running.configuration("elfgate", selector={"matchExpressions": [exempt]})
        )
        for name in images:  # from here on they are known, so that answers do not hang on the tests' order
            everywhere = pod("first", name)
            until(lambda obj=everywhere: _judged(cluster, obj), f"{name} is not read")
        yield running


def _judged(cluster: ControlPlane, obj: object) -> bool:
    said = cluster.kubectl("create", "--dry-run=server", "-n", "default", "-f", "-", stdin=obj)
    return "first time" not in said.stderr


@pytest.fixture
def namespace(cluster: ControlPlane, webhook: Webhook, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own, which the webhook is asked about."""
    name = f"t-{zlib.crc32(request.node.name.encode()):08x}"
    cluster.add_namespace(name)
    return name
