"""``elfgate audit`` of a cluster: its workloads and nodes by an API server on loopback, its images by a registry."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from support import founding
from support.loopback import Loopback
from support.manifests import pod, pod_spec, workload
from support.registry import Registry

if TYPE_CHECKING:
    import subprocess

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Obj = dict[str, Any]


class Cluster(Loopback):
    """Lists objects by path, one a page; what it has no list of is forbidden."""

    def __init__(self, lists: dict[str, tuple[str, list[Obj]]]) -> None:
        asked = self.asked = defaultdict[str, set[str]](set)  # by path: which objects

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = parse_qs(url.query)
                asked[url.path].update(query.get("fieldSelector", ["all"]))
                first = int(query.get("continue", ["0"])[0])
                status, answer = _answer(lists, url.path, first)
                body = orjson.dumps(answer)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        super().__init__(Handler)


def _answer(lists: dict[str, tuple[str, list[Obj]]], path: str, first: int) -> tuple[int, Obj]:
    if path == "/apis/":
        version = {"version": "v1alpha1"}
        return 200, {"groups": [{"name": "argoproj.io", "preferredVersion": version}]}
    if path == "/apis/argoproj.io/v1alpha1":
        return 200, {"resources": [{"name": "rollouts", "kind": "Rollout"}]}
    if path not in lists:
        return 403, {"kind": "Status", "message": f"{path} is forbidden"}
    kind, objects = lists[path]
    group = path.removeprefix("/apis/").rpartition("/")[0] if "apis" in path else "v1"
    rest = str(first + 1) if first + 1 < len(objects) else ""
    page = {"apiVersion": group, "kind": f"{kind}List", "metadata": {"continue": rest}}
    return 200, page | {"items": objects[first : first + 1]}


def named(obj: Obj, **metadata: Any) -> Obj:
    obj["metadata"] |= {"namespace": "shop", **metadata}
    return {key: value for key, value in obj.items() if key not in {"kind", "apiVersion"}}


def node(name: str, architecture: str) -> Obj:
    labels = {"kubernetes.io/arch": architecture, "kubernetes.io/os": "linux"}
    return {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": {}}


def made_by(kind: str, name: str) -> list[Obj]:
    return [{"kind": kind, "name": name, "controller": True}]


def lists(registry: Registry) -> dict[str, tuple[str, list[Obj]]]:
    alpine, debian = (
        registry.reference(f"{founding.REPOSITORY}:{tag}") for tag in ("2-alpine", "2-debian")
    )
    rollout = {"spec": {"replicas": 4, "template": {"spec": pod_spec(alpine)}}, "metadata": {}}
    replica_sets = [
        workload("ReplicaSet", "canary-7d4b", alpine, replicas=4),
        workload("ReplicaSet", "web-7d4b", debian, replicas=2),
    ]
    return {
        "/api/v1/nodes": ("Node", [node("amd-1", "amd64"), node("power-1", "ppc64le")]),
        "/api/v1/namespaces": (
            "Namespace",
            [{"metadata": {"name": "shop", "labels": {"team": "red"}}}],
        ),
        "/api/v1/pods": ("Pod", [named(pod("bare", debian)), named(pod("other", debian))]),
        "/apis/apps/v1/deployments": (
            "Deployment",
            [named(workload("Deployment", "web", debian, replicas=2))],
        ),
        "/apis/apps/v1/statefulsets": ("StatefulSet", []),
        "/apis/apps/v1/daemonsets": ("DaemonSet", []),
        "/apis/apps/v1/replicasets": (
            "ReplicaSet",
            [
                named(replica_sets[0], ownerReferences=made_by("Rollout", "canary")),
                named(replica_sets[1], ownerReferences=made_by("Deployment", "web")),
            ],
        ),
        "/apis/batch/v1/jobs": ("Job", []),
        "/apis/batch/v1/cronjobs": ("CronJob", []),
        "/apis/argoproj.io/v1alpha1/rollouts": ("Rollout", [named(rollout, name="canary")]),
    }


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as serving:
        yield serving


@pytest.fixture
def cluster(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    with Cluster(lists(registry)) as serving:
        monkeypatch.setenv("KUBECONFIG", str(serving.kubeconfig(tmp_path)))
        yield serving


def test_a_clusters_workloads_are_judged_for_its_nodes(elfgate: Run, cluster: Cluster) -> None:
    ran = elfgate("audit", "--owner-label", "team", "-o", "json")
    assert (ran.returncode, ran.stderr) == (1, "")
    report = json.loads(ran.stdout)
    states = {
        (each["kind"], each["name"], each["replicas"]): each["state"] for each in report["found"]
    }
    assert states == {
        ("Rollout", "canary", 4): "fails",
        ("Deployment", "web", 2): "starts",
        ("Pod", "bare", 1): "starts",
        ("Pod", "other", 1): "starts",
    }
    assert {each["owner"] for each in report["found"]} == {"red"}


def test_a_namespace_of_the_cluster_exempts_what_it_runs(
    elfgate: Run, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"image": "*", "owner": "red", "reason": "moves soon", "expires": "2100-01-01"}
    granted = {
        "metadata": {"name": "elfgate-exemptions", "namespace": "shop"},
        "data": {"exemptions": json.dumps([entry])},
    }
    (tmp_path / "elfgate.yaml").write_text('{"policies": {"exempting_namespaces": ["shop"]}}')
    words = ["audit", "--arch", "ppc64le", "--fail-on", "denied"]
    words += ["--config", str(tmp_path / "elfgate.yaml")]
    path = "/api/v1/configmaps"
    for maps, code in (([granted], 0), ([], 1)):
        with Cluster(lists(registry) | {path: ("ConfigMap", maps)}) as serving:
            monkeypatch.setenv("KUBECONFIG", str(serving.kubeconfig(tmp_path)))
            assert elfgate(*words).returncode == code
        assert serving.asked[path] == {"metadata.name=elfgate-exemptions"}


def test_config_maps_are_asked_for_only_where_settings_let_namespaces_exempt(
    elfgate: Run, cluster: Cluster
) -> None:
    assert elfgate("audit").returncode == 1
    assert "/api/v1/configmaps" not in cluster.asked


def test_what_cannot_be_listed_is_said_and_not_known(elfgate: Run, cluster: Cluster) -> None:
    ran = elfgate("audit", "--context", "lab", "--arch", "amd64")
    assert ran.returncode == 0
    assert "not read: " in ran.stdout
    assert "does not list its replication controllers: 403" in ran.stdout
    assert elfgate("audit", "--arch", "amd64", "--fail-on", "unknown").returncode == 3


def test_a_cluster_that_is_not_there_is_one_clear_line(elfgate: Run, cluster: Cluster) -> None:
    ran = elfgate("audit", "--context", "nowhere")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
