"""Making anything less known never turns an admission into a denial, whatever pod and cluster it is."""

import asyncio
import copy
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import read_node
from elfgate.cluster.template import workload
from elfgate.gate.gate import Case, Gate
from elfgate.policy.engine import Engine
from elfgate.scan.scanner import Scanner
from elfgate.wiring import images as wiring
from elfgate.wiring.policies import Judging, engine
from support import object_cases
from support.objects import node

Object = dict[str, Any]
Cluster = dict[str, Object]
Judge = Callable[[Object, Cluster], bool]

GPU = "example.com/gpu"


@pytest.fixture(scope="module")
def allowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """Whether an object is admitted to a cluster."""
    images = object_cases.write_images(tmp_path_factory.mktemp("images"))
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        scanner, policies = runner.run(_started(stack, images))

        def judge(obj: Object, nodes: Cluster) -> bool:
            found = workload(obj)
            assert found is not None
            inventory = Inventory(map(read_node, nodes.values()))
            gate = Gate(inventory, scanner, policies)
            return runner.run(gate.judge(Case.of_check(found))).verdict.allowed

        yield judge
        runner.run(stack.aclose())


async def _started(stack: AsyncExitStack, images: dict[str, str]) -> tuple[Scanner, Engine]:
    policies = await engine(Judging())
    stack.push_async_callback(policies.close)
    reading = wiring.Reading(images=images, store=None)
    return await stack.enter_async_context(wiring.scanner(reading)), policies


def _spec(obj: Object) -> Object:
    spec: Object = obj["spec"]
    while "template" in spec:
        spec = spec["template"]["spec"]
    return spec


def _kind(name: str, spec: Object) -> Object:
    template = {"spec": spec}
    group = {"Pod": "v1", "Job": "batch/v1"}.get(name, "apps/v1")
    inner = spec if name == "Pod" else {"template": template}
    return {"apiVersion": group, "kind": name, "metadata": {"name": "web"}, "spec": inner}


CONTAINERS = st.sampled_from(
    [
        {"name": "c", "image": "ex/amd64only:1"},
        {"name": "c", "image": "ex/single:1"},
        {"name": "c", "image": "ex/shell:1", "command": ["/app"]},
        {"name": "c", "image": "ex/shell:1", "command": ["/nosuch"]},
        {"name": "c", "image": "ex/shell:1", "command": ["/run/tools/prog"]},
        {"name": "c", "image": "ex/script:1", "args": ["nosuch"]},
        {"name": "c", "image": "ex/amd64only:1", "resources": {"limits": {GPU: 1}}},
    ]
)
_NOWHERE = {"/nosuch", "nosuch", "/run/tools/prog"}
PLACEMENTS = st.sampled_from(
    [
        {},
        {"nodeSelector": {"kubernetes.io/arch": "arm64"}},
        {"nodeSelector": {"kubernetes.io/arch": "amd64"}},
        {"tolerations": [{"operator": "Exists"}]},
    ]
)
OBJECTS = st.builds(
    lambda kind, container, placement: _kind(kind, {"containers": [container], **placement}),
    st.sampled_from(["Pod", "Deployment", "DaemonSet", "Job"]),
    CONTAINERS,
    PLACEMENTS,
)
# Where no node says what it is, nothing is known: a first node that does may well refuse what starts nowhere.
_KNOWN = sorted(object_cases.NODES.keys() - {"nameless"})
CLUSTERS = st.sets(st.sampled_from(_KNOWN), min_size=1, max_size=4).map(
    lambda names: {name: object_cases.NODES[name] for name in sorted(names)}
)


def _a_node_that_starts_it(obj: Object, nodes: Cluster) -> None:
    """What starts on no node may well be refused by the first that is known."""
    if _starts_nowhere(_spec(obj)["containers"][0]):
        return
    new = node("new", "amd64")
    new["status"]["allocatable"] = {GPU: "8"}
    nodes["new"] = new


def _starts_nowhere(container: Object) -> bool:
    words = [*container.get("command", ()), *container.get("args", ())]
    return not _NOWHERE.isdisjoint(words)


def _an_emulator(_: Object, nodes: Cluster) -> None:
    for name, obj in nodes.items():
        labels = {**obj["metadata"]["labels"], "elfgate.dev/emulates": "amd64.arm64.ppc64le"}
        nodes[name] = {**obj, "metadata": {**obj["metadata"], "labels": labels}}


def _a_node_of_any_architecture(_: Object, nodes: Cluster) -> None:
    nodes["nameless"] = object_cases.NODES["nameless"]


def _a_queue(obj: Object, _: Cluster) -> None:
    obj["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "team"}


def _a_gate(obj: Object, _: Cluster) -> None:
    _spec(obj)["schedulingGates"] = [{"name": "example.com/wait"}]


def _another_scheduler(obj: Object, _: Cluster) -> None:
    _spec(obj)["schedulerName"] = "volcano"


def _a_runtime_class(obj: Object, _: Cluster) -> None:
    _spec(obj)["runtimeClassName"] = "strange"


def _a_claim(obj: Object, _: Cluster) -> None:
    _spec(obj)["resourceClaims"] = [{"name": "a"}]


def _a_suspension(obj: Object, _: Cluster) -> None:
    if obj["kind"] == "Job":
        obj["spec"]["suspend"] = True


def _an_unknown_word(obj: Object, _: Cluster) -> None:
    container = _spec(obj)["containers"][0]
    container["env"] = [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]
    for words in ("command", "args"):
        if words in container:
            container[words] = [f"$(X){word}" for word in container[words]]


def _unknown_variables(obj: Object, _: Cluster) -> None:
    _spec(obj)["containers"][0]["envFrom"] = [{"secretRef": {"name": "a"}}]


def _a_volume(obj: Object, _: Cluster) -> None:
    _spec(obj).setdefault("volumes", []).append({"name": "v", "emptyDir": {}})
    _spec(obj)["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/var/run"}]


def _storage(obj: Object, _: Cluster) -> None:
    volume = {"name": "s", "persistentVolumeClaim": {"claimName": "data"}}
    _spec(obj).setdefault("volumes", []).append(volume)


def _other_pods(obj: Object, _: Cluster) -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    _spec(obj)["affinity"] = {"podAntiAffinity": required}


def _a_virtual_node(_: Object, nodes: Cluster) -> None:
    taint = {"key": "virtual-kubelet.io/provider", "value": "a", "effect": "NoSchedule"}
    nodes["vk"] = node("vk", taints=[taint])


def _the_nodes_own_image(obj: Object, _: Cluster) -> None:
    _spec(obj)["containers"][0]["imagePullPolicy"] = "Never"


CHANGES = [
    _a_node_that_starts_it,
    _a_node_of_any_architecture,
    _an_emulator,
    _a_gate,
    _a_queue,
    _another_scheduler,
    _a_runtime_class,
    _a_claim,
    _a_suspension,
    _an_unknown_word,
    _unknown_variables,
    _a_volume,
    _storage,
    _other_pods,
    _a_virtual_node,
    _the_nodes_own_image,
]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(obj=OBJECTS, nodes=CLUSTERS, changes=st.lists(st.sampled_from(CHANGES), max_size=3))
def test_what_was_admitted_stays_admitted_when_less_is_known(
    allowed: Judge, obj: Object, nodes: Cluster, changes: list[Callable[[Object, Cluster], None]]
) -> None:
    before = allowed(obj, nodes)
    obj, nodes = copy.deepcopy(obj), dict(nodes)
    for change in changes:
        change(obj, nodes)
        after = allowed(obj, nodes)
        assert after or not before, change.__name__
        before = after


def test_there_is_something_to_refuse(allowed: Judge) -> None:
    obj = _kind("Pod", {"containers": [{"name": "c", "image": "ex/amd64only:1"}]})
    assert not allowed(obj, {"arm": object_cases.NODES["arm"]})
    assert allowed(obj, {"amd": object_cases.NODES["amd"]})
