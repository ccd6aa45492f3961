"""What elfgate denies is never started: workloads by chance, in small clusters, with Kubernetes' own scheduler.

Every workload that elfgate denies is created where nobody asks elfgate, and none of its pods may come to a node on
which its program was made to start: neither at once, nor after what may still happen to it (gates are lifted, jobs
resume, taints pass, nodes are uncordoned, other schedulers place pods, nodes of other architectures join).
``ELFGATE_CLUSTERS`` and ``ELFGATE_WORKLOADS`` say how many clusters, and how many workloads of each: ``make e2e``.
"""

import asyncio
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import read_node
from elfgate.cluster.template import workload
from elfgate.gate.gate import Case, Gate
from elfgate.policy.engine import Engine
from elfgate.scan.scanner import Scanner
from elfgate.wiring import images as wiring
from elfgate.wiring.policies import Judging, engine
from support import object_cases, random_cluster
from support.control_plane import ControlPlane, build, until
from support.random_cluster import ARCHITECTURES, OTHER_SCHEDULER, PASSING, Asked, Dice, Object

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif("ELFGATE_E2E" not in os.environ, reason="starts Kubernetes: make e2e"),
]

CLUSTERS = int(os.environ.get("ELFGATE_CLUSTERS", "2"))
WORKLOADS = int(os.environ.get("ELFGATE_WORKLOADS", "120"))

ARCHITECTURE = "kubernetes.io/arch"
NAMESPACE = "/namespaces/default"
PATHS = {
    "Pod": f"/api/v1{NAMESPACE}/pods",
    "Deployment": f"/apis/apps/v1{NAMESPACE}/deployments",
    "DaemonSet": f"/apis/apps/v1{NAMESPACE}/daemonsets",
    "Job": f"/apis/batch/v1{NAMESPACE}/jobs",
}
OWNERS = ("Deployment", "DaemonSet", "Job")
PATCH = "application/merge-patch+json"

Judge = Callable[[Iterable[Object], Object], bool]

log = logging.getLogger(__name__)


class Client:
    """The API, by many requests at a time."""

    def __init__(self, cluster: ControlPlane) -> None:
        self._cluster = cluster

    def send(
        self, requests: Iterable[tuple[str, str, object]], query: str = ""
    ) -> list[httpx.Response]:
        """Send requests (method, path, body), and return their answers in order."""

        async def main() -> list[httpx.Response]:
            limits = httpx.Limits(max_connections=16)
            verify = self._cluster.trust()
            async with httpx.AsyncClient(
                verify=verify, trust_env=False, timeout=120, limits=limits
            ) as client:
                sent = (
                    client.request(
                        method,
                        f"{self._cluster.url}{path}{query}",
                        content=None if body is None else json.dumps(body),
                        headers={
                            "content-type": PATCH if method == "PATCH" else "application/json"
                        },
                    )
                    for method, path, body in requests
                )
                return await asyncio.gather(*sent)

        return asyncio.run(main())

    def must(self, *requests: tuple[str, str, object], query: str = "") -> list[Object]:
        """Send requests, of which none may fail."""
        answers = self.send(requests, query)
        wrong = [answer.text for answer in answers if answer.is_error]
        assert not wrong, wrong[0]
        return [answer.json() for answer in answers]

    def items(self, path: str) -> list[Object]:
        """A list of objects."""
        (found,) = self.must(("GET", path, None))
        return found["items"] or []

    def pods(self) -> list[Object]:
        """The pods that are not being deleted."""
        pods = self.items(PATHS["Pod"])
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with ControlPlane(build(), tmp_path_factory.mktemp("random")) as running:
        found = Client(running)
        found.must(("POST", "/apis/node.k8s.io/v1/runtimeclasses", _runtime_class()))
        yield found


def _runtime_class() -> Object:
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": random_cluster.RUNTIME_CLASS},
        "handler": "crun",
        "scheduling": {"tolerations": [random_cluster.TOLERATION]},
    }


@pytest.fixture(scope="module")
def denied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """Whether elfgate denies an object in a cluster of these nodes."""
    images = object_cases.write_images(tmp_path_factory.mktemp("images"))
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        scanner, policies = runner.run(_started(stack, images))

        def judge(nodes: Iterable[Object], obj: Object) -> bool:
            found = workload(obj)
            assert found is not None
            gate = Gate(Inventory(map(read_node, nodes)), scanner, policies)
            return not runner.run(gate.judge(Case.of_check(found))).verdict.allowed

        yield judge
        runner.run(stack.aclose())


async def _started(stack: AsyncExitStack, images: dict[str, str]) -> tuple[Scanner, Engine]:
    policies = await engine(Judging())
    stack.push_async_callback(policies.close)
    reading = wiring.Reading(images=images, store=None)
    return await stack.enter_async_context(wiring.scanner(reading)), policies


@pytest.mark.parametrize("seed", range(CLUSTERS))
def test_what_is_denied_is_never_started(client: Client, denied: Judge, seed: int) -> None:
    dice = Dice(seed)
    nodes = _joined(client, dice.nodes())
    refused = _refused(client, denied, nodes, [dice.workload(f"w{n}") for n in range(WORKLOADS)])
    try:
        assert refused, "nothing is denied: nothing is proved"
        client.must(*((_create(asked.obj)) for asked in refused))
        _settled(client, refused)
        _none_starts(client, refused)

        _what_may_still_happen(client, refused)
        _settled(client, refused)
        _none_starts(client, refused)

        there = {node["metadata"]["labels"][ARCHITECTURE] for node in nodes}
        joining = [name for name in ARCHITECTURES if name not in there]
        _joined(client, [random_cluster.node(f"new-{name}", name) for name in joining])
        _settled(client, refused)
        # A DaemonSet is refused by the nodes that there are; every further node is given a pod of it.
        others = [asked for asked in refused if asked.obj["kind"] != "DaemonSet"]
        bound = _none_starts(client, others)
        log.info("%d of %d workloads denied, %d pods bound", len(refused), WORKLOADS, bound)
    finally:
        _cleared(client)


def test_a_pod_that_starts_is_seen(client: Client) -> None:
    container = {"name": "c", "image": "ex/amd64only:1"}
    metadata = {"name": "w0", "labels": {"of": "w0"}}
    obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container]},
    }
    asked = [Asked(obj, frozenset({"amd64"}))]
    try:
        _joined(client, [random_cluster.node("a", "amd64")])
        client.must(_create(obj))
        _settled(client, asked)
        with pytest.raises(AssertionError):
            _none_starts(client, asked)
    finally:
        _cleared(client)


def _create(obj: Object) -> tuple[str, str, object]:
    return "POST", PATHS[obj["kind"]], obj


def _joined(client: Client, nodes: list[Object]) -> list[Object]:
    """Make nodes join, and wait until nothing of a new node keeps pods from them; the cluster's nodes."""
    client.must(*(("POST", "/api/v1/nodes", node) for node in nodes))

    def ready() -> bool:
        found = client.items("/api/v1/nodes")
        keys = [taint["key"] for node in found for taint in node["spec"].get("taints", ())]
        return "node.kubernetes.io/not-ready" not in keys

    until(ready, "the nodes do not become ready")
    return client.items("/api/v1/nodes")


def _refused(
    client: Client, denied: Judge, nodes: list[Object], everything: list[Asked]
) -> list[Asked]:
    """What elfgate denies, of objects as they reach a webhook: admission plug-ins have been over them."""
    answers = client.send((_create(asked.obj) for asked in everything), query="?dryRun=All")
    pairs = [
        (asked, answer.json())
        for asked, answer in zip(everything, answers, strict=True)
        if answer.is_success
    ]
    assert len(pairs) > len(everything) * 0.9, answers[0].text
    return [asked for asked, obj in pairs if denied(nodes, obj)]


def _none_starts(client: Client, refused: list[Asked]) -> int:
    """Hold every pod that is bound against where its program starts; how many are."""
    architectures = {
        node["metadata"]["name"]: node["metadata"]["labels"][ARCHITECTURE]
        for node in client.items("/api/v1/nodes")
    }
    starts_on = {asked.name: asked.starts_on for asked in refused}
    bound = [pod for pod in client.pods() if pod["spec"].get("nodeName")]
    started = [
        pod for pod in bound if architectures[pod["spec"]["nodeName"]] in _of(pod, starts_on)
    ]
    assert not started, started[0]["spec"]
    return len(bound)


def _settled(client: Client, refused: list[Asked]) -> None:
    """Wait until every pod is made, and is bound or is known to be kept from all nodes."""

    before = -1

    def done() -> bool:
        nonlocal before
        pods = client.pods()
        steady, before = len(pods) == before, len(pods)
        made = Counter(pod["metadata"]["labels"]["of"] for pod in pods)
        owners = [(kind, obj) for kind in OWNERS for obj in client.items(PATHS[kind])]
        return (
            steady
            and all(map(_is_decided, pods))
            and all(made[obj["metadata"]["name"]] >= _wanted(kind, obj) for kind, obj in owners)
        )

    until(done, f"not all of {len(refused)} workloads are placed", patience=180)


def _is_decided(pod: Object) -> bool:
    spec = pod["spec"]
    conditions = pod.get("status", {}).get("conditions", ())
    return bool(
        spec.get("nodeName")
        or spec["schedulerName"] == OTHER_SCHEDULER
        or any(item["type"] == "PodScheduled" and item["status"] == "False" for item in conditions)
    )


def _wanted(kind: str, obj: Object) -> int:
    if kind == "DaemonSet":
        seen = obj["status"].get("observedGeneration") == obj["metadata"]["generation"]
        return int(obj["status"]["desiredNumberScheduled"]) if seen else 1
    return 0 if obj["spec"].get("suspend") else 1


def _what_may_still_happen(client: Client, refused: list[Asked]) -> None:
    """Let pass what passes, start workloads anew, and place what waits where its program starts, if that may be."""
    starts_on = {asked.name: asked.starts_on for asked in refused}
    client.must(*(("PATCH", _at(node), _passed(node)) for node in client.items("/api/v1/nodes")))
    for job in client.items(PATHS["Job"]):
        if job["spec"]["suspend"]:
            client.must(("PATCH", _at(job, "Job"), _resumed(job, starts_on)))
    for pod in client.pods():
        path, spec = _at(pod, "Pod"), pod["spec"]
        if spec.get("schedulingGates"):
            client.must(("PATCH", path, {"spec": _placed(spec, _of(pod, starts_on))}))
        elif spec["schedulerName"] == OTHER_SCHEDULER:
            _bound_by_another(client, pod, _of(pod, starts_on))
        elif pod["metadata"].get("ownerReferences", [{}])[0].get("kind") == "ReplicaSet":
            client.must(("DELETE", path, {"gracePeriodSeconds": 0}))


def _of(obj: Object, starts_on: dict[str, frozenset[str]]) -> frozenset[str]:
    return starts_on.get(obj["metadata"]["labels"]["of"], frozenset())


def _at(obj: Object, kind: str = "") -> str:
    return f"{PATHS.get(kind, '/api/v1/nodes')}/{obj['metadata']['name']}"


def _passed(node: Object) -> Object:
    passing = (*PASSING, "node.kubernetes.io/unschedulable")
    taints = [taint for taint in node["spec"].get("taints", ()) if taint["key"] not in passing]
    return {"spec": {"taints": taints, "unschedulable": False}}


def _placed(spec: Object, starts_on: frozenset[str]) -> Object:
    """Gates are gone, and a selector is there that its own does not contradict."""
    wanted = {ARCHITECTURE: min(starts_on, default=ARCHITECTURES[0])}
    return {"schedulingGates": [], "nodeSelector": {**wanted, **spec.get("nodeSelector", {})}}


def _resumed(job: Object, starts_on: dict[str, frozenset[str]]) -> Object:
    placed = _placed(job["spec"]["template"]["spec"], _of(job, starts_on))
    given = {"nodeSelector": placed["nodeSelector"], "tolerations": [{"operator": "Exists"}]}
    return {"spec": {"suspend": False, "template": {"spec": given}}}


def _bound_by_another(client: Client, pod: Object, starts_on: frozenset[str]) -> None:
    """Bind a pod to a node where it starts, whatever taints that has; what a kubelet would refuse is left alone."""
    if pod["spec"].get("affinity") or pod["spec"].get("nodeName"):
        return
    wanted = pod["spec"].get("nodeSelector", {}).items()
    for node in client.items("/api/v1/nodes"):
        labels = node["metadata"]["labels"]
        if labels[ARCHITECTURE] in starts_on and wanted <= labels.items():
            target = {"apiVersion": "v1", "kind": "Node", "name": node["metadata"]["name"]}
            binding = {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": pod["metadata"]["name"]},
            }
            client.must(("POST", f"{_at(pod, 'Pod')}/binding", {**binding, "target": target}))
            return


def _cleared(client: Client) -> None:
    """Leave an empty cluster to the next."""
    now: dict[str, Any] = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
    client.must(*(("DELETE", PATHS[kind], now) for kind in OWNERS))

    def empty() -> bool:
        client.must(("DELETE", PATHS["Pod"], now))
        return not client.items(PATHS["Pod"])

    until(empty, "pods are left")
    client.must(("DELETE", "/api/v1/nodes", now))
