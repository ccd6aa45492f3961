"""A binding is judged as its pod on its node; what cannot be found out passes."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.binding import Bindings
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import read_node
from elfgate.cluster.review import parse
from elfgate.cluster.targets import targets
from elfgate.cluster.workload import Workload
from support.api_server import ApiServer
from support.objects import node, pod


def bound(
    server: ApiServer, folder: Path, *, pod_name: str = "web", to: str = "b", **resource: str
) -> Workload | None:
    inventory = Inventory(map(read_node, (node("a"), node("b", "ppc64le"))))
    request = {
        "uid": "1",
        "resource": {"group": "", "resource": resource.get("resource", "pods")},
        "subResource": resource.get("subresource", "binding"),
        "operation": "CREATE",
        "namespace": "shop",
        "object": {
            "kind": "Binding",
            "metadata": {"name": pod_name},
            "target": {"kind": "Node", "name": to},
        },
    }
    body: dict[str, Any] = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": request,
    }
    with Api(Access(server.kubeconfig(folder))) as api:
        workload = asyncio.run(Bindings(api, inventory).bound(parse(orjson.dumps(body)), 5))
    if workload is not None:
        assert [target.names for target in targets(workload.pod_spec, inventory)] == [("b",)]
    return workload


@pytest.mark.parametrize(("resource", "subresource"), [("pods", "binding"), ("bindings", "")])
def test_a_binding_is_its_pod_on_its_node(tmp_path: Path, resource: str, subresource: str) -> None:
    with ApiServer(pods=[pod()]) as server:
        found = bound(server, tmp_path, resource=resource, subresource=subresource)
    assert found
    assert (found.kind, found.namespace, found.name) == ("Pod", "shop", "web")


def test_a_binding_to_an_unknown_node_passes(tmp_path: Path) -> None:
    with ApiServer(pods=[pod()]) as server:
        assert bound(server, tmp_path, to="new") is None


def test_a_binding_of_a_pod_that_is_gone_passes(tmp_path: Path) -> None:
    with ApiServer(pods=[pod()]) as server:
        assert bound(server, tmp_path, pod_name="gone") is None


def test_a_binding_passes_while_the_api_server_refuses(tmp_path: Path) -> None:
    with ApiServer(pods=[pod()]) as server:
        server.refusing = 503
        assert bound(server, tmp_path) is None
