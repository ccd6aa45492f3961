"""One cluster for all: a real control plane, a registry, and the webhook as a process that watches the nodes."""

import os
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support import founding
from support.control_plane import ControlPlane, build, until
from support.manifests import pod
from support.registry import Registry
from support.webhook import UNLABELLED, Webhook, service_account

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
def account(cluster: ControlPlane) -> Path:
    """The kubeconfig of a service account that may do what the webhook needs, and nothing else."""
    cluster.add_namespace("elfgate", **{"elfgate.dev/webhook": "off"})
    cluster.must("create", "-f", "-", stdin=service_account())
    token = cluster.must("create", "token", "-n", "elfgate", "elfgate", "--duration=2h").strip()
    return cluster.token_kubeconfig("elfgate", token)


@pytest.fixture(scope="session")
def settings(account: Path, images: dict[str, str]) -> dict[str, Any]:
    """What every webhook of these tests is told."""
    return {"images": images, "nodes": {"watch": True}, "cluster": {"kubeconfig": str(account)}}


@pytest.fixture(scope="session")
def webhook(
    cluster: ControlPlane, settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """The webhook, asked about every namespace that is not labelled otherwise."""
    with Webhook(tmp_path_factory.mktemp("webhook"), settings) as running:
        cluster.must(
            "create", "-f", "-", stdin=running.configuration("elfgate", selector=UNLABELLED)
        )
        for name in settings[
            "images"
        ]:  # from here on they are known, so that answers do not hang on the tests' order
            everywhere = pod("first", name)
            until(partial(_judged, cluster, everywhere), f"{name} is not read")
        yield running


@pytest.fixture
def namespace(cluster: ControlPlane, webhook: Webhook, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own, which the webhook is asked about."""
    name = f"t-{zlib.crc32(request.node.name.encode()):08x}"
    cluster.add_namespace(name)
    return name


def _judged(cluster: ControlPlane, obj: object) -> bool:
    said = cluster.kubectl("create", "--dry-run=server", "-n", "default", "-f", "-", stdin=obj)
    return "first time" not in said.stderr
