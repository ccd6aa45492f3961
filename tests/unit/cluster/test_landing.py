"""Where a pod may come to land: what is certain, what is possible, and what is open."""

from typing import Any

import pytest

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import read_node
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.target import Landing, Standing
from elfgate.cluster.targets import Demands, landing
from elfgate.cluster.template import workload
from elfgate.errors import UnknownReason
from elfgate.platforms import ARCHITECTURES
from support.objects import affinity, container, deployment, node, pod, term

DEDICATED = {"key": "team", "value": "a", "effect": "NoSchedule"}
GPU = "nvidia.com/gpu"


def inventory(*objs: dict[str, Any]) -> Inventory:
    return Inventory(map(read_node, objs))


def land(obj: dict[str, Any], nodes: Inventory, outlook: Outlook | None = None) -> Landing:
    found = workload(obj)
    assert found is not None
    demands = Demands(found.pod_spec, found.every_node, found.template, found.openings)
    return landing(demands, nodes, outlook or Outlook())


def told(found: Landing) -> dict[str, str]:
    return {
        f"{target.platform.architecture}": str(target.reason or target.standing)
        for target in found.targets
    }


def away(**fields: Any) -> Inventory:
    return inventory(node("arm-1", "arm64"), node("amd-1", **fields))


def asking(**amounts: str) -> dict[str, Any]:
    return container(resources={"requests": amounts})


@pytest.mark.parametrize(
    "key",
    [
        "node.cilium.io/agent-not-ready",
        "ebs.csi.aws.com/agent-not-ready",
        "karpenter.sh/disrupted",
        "ToBeDeletedByClusterAutoscaler",
        "startup-taint.cluster-autoscaler.kubernetes.io/gpu",
    ],
)
def test_nodes_that_start_up_or_go_are_possible_for_a_template(key: str) -> None:
    nodes = away(taints=[{"key": key, "effect": "NoExecute"}])
    assert told(land(deployment(), nodes)) == {"arm64": "certain", "amd64": "node_away"}
    assert told(land(pod(), nodes)) == {"arm64": "certain"}


def test_cordoned_nodes_are_possible_for_a_template_and_for_a_pod_that_has_no_other() -> None:
    nodes = away(unschedulable=True)
    assert told(land(deployment(), nodes)) == {"arm64": "certain", "amd64": "node_away"}
    assert told(land(pod(), nodes)) == {"arm64": "certain"}
    assert told(land(pod(), inventory(node("a", unschedulable=True)))) == {"amd64": "node_away"}


def test_settings_name_more_taints_that_pass() -> None:
    nodes = away(taints=[DEDICATED])
    assert told(land(deployment(), nodes)) == {"arm64": "certain"}
    outlook = Outlook(passing_taints=("te*",))
    assert told(land(deployment(), nodes, outlook)) == {"arm64": "certain", "amd64": "node_away"}


def test_nodes_that_cannot_be_reached_are_possible() -> None:
    unreachable = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    found = land(pod(), away(taints=[unreachable]))
    assert told(found) == {"arm64": "certain", "amd64": "node_away"}


def test_an_architecture_that_is_asked_for_and_not_there_is_possible() -> None:
    affinity = {"kubernetes.io/arch": "s390x"}
    assert told(land(pod(nodeSelector=affinity), away())) == {"s390x": "no_node"}


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        (pod(schedulingGates=[{"name": "example.com/wait"}]), UnknownReason.GATED),
        (pod(schedulerName="volcano"), UnknownReason.OTHER_SCHEDULER),
        (deployment(runtimeClassName="kata"), UnknownReason.TEMPLATE),
        (pod(runtimeClassName="kata"), UnknownReason.TEMPLATE),
        (pod(resourceClaims=[{"name": "gpu"}]), UnknownReason.RESOURCE_ABSENT),
        (pod(asking(**{GPU: "1"})), UnknownReason.RESOURCE_ABSENT),
    ],
)
def test_a_placement_that_is_not_final_is_open(obj: dict[str, Any], reason: UnknownReason) -> None:
    found = land(obj, away(taints=[DEDICATED]))
    assert [opening.reason for opening in found.openings] == [reason]
    assert "amd64" in {target.platform.architecture for target in found.beyond}


def test_a_suspended_job_is_open() -> None:
    spec = {"suspend": True, "template": {"spec": {"containers": [container()]}}}
    obj = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": spec}
    assert [item.reason for item in land(obj, away()).openings] == [UnknownReason.SUSPENDED]


def test_what_names_its_architecture_is_open_nowhere_else() -> None:
    gates = [{"name": "example.com/wait"}]
    obj = pod(schedulingGates=gates, nodeSelector={"kubernetes.io/arch": "arm64"})
    found = land(obj, away(taints=[DEDICATED]))
    assert (found.openings, found.beyond) == ((), ())
    assert [target.facts.kernel for target in found.targets] == [None]  # it may be another node


def test_a_pod_that_the_api_server_has_been_over_has_what_its_runtime_class_adds() -> None:
    assert land(pod(runtimeClassName="kata", priority=0), away()).openings == ()


def test_a_pod_that_names_its_node_is_open_to_nothing() -> None:
    obj = pod(nodeName="arm-1", schedulerName="volcano")
    assert told(land(obj, away())) == {"arm64": "certain"}
    assert land(obj, away()).openings == ()


def test_nodes_that_do_not_offer_what_is_asked_for_are_no_place() -> None:
    gpu = {**node("gpu-1", "arm64"), "status": _status({GPU: "8"}, "arm64")}
    nodes = inventory(gpu, node("amd-1"))
    assert told(land(pod(asking(**{GPU: "1"})), nodes)) == {"arm64": "certain"}
    assert told(land(pod(asking(**{GPU: "9"})), nodes)) == {
        "arm64": "resource_absent",
        "amd64": "resource_absent",
    }


def test_a_pod_that_no_node_is_large_enough_for_is_open() -> None:
    nodes = inventory({**node("a"), "status": _status({"cpu": "3920m", "memory": "15Gi"}, "amd64")})
    assert told(land(pod(asking(cpu="3.9", memory="15Gi")), nodes)) == {"amd64": "certain"}
    assert told(land(pod(asking(cpu="4")), nodes)) == {"amd64": "resource_absent"}
    assert told(land(pod(asking(memory="16G")), nodes)) == {"amd64": "certain"}
    assert told(land(pod(asking(memory="16Gi")), nodes)) == {"amd64": "resource_absent"}


def test_containers_are_added_up_as_the_scheduler_does() -> None:
    nodes = inventory({**node("a"), "status": _status({"cpu": "4"}, "amd64")})
    two = pod(asking(cpu="2"), asking(cpu="2"))
    assert told(land(two, nodes)) == {"amd64": "certain"}
    small = asking(cpu="1") | {"restartPolicy": "Always"}
    assert told(land(pod(*two["spec"]["containers"], initContainers=[small]), nodes)) == {
        "amd64": "resource_absent"
    }
    first = [asking(cpu="4")]
    assert told(land(pod(asking(cpu="1"), initContainers=first), nodes)) == {"amd64": "certain"}


def _status(allocatable: dict[str, str], architecture: str) -> dict[str, Any]:
    info = {"architecture": architecture, "operatingSystem": "linux", "kernelVersion": "6.1.0"}
    return {"nodeInfo": info, "allocatable": allocatable}


def numbered(count: int) -> Inventory:
    """Nodes whose label tells each from the others."""
    return inventory(*(node(f"n{each}", labels={"serial": f"{each}"}) for each in range(count)))


def ordered(terms: int) -> dict[str, Any]:
    """A pod whose demands have to be held against each node apart."""
    above = [term(("serial", "Gt", [str(each)])) for each in range(1000, 1000 + terms)]
    return pod(affinity=affinity(*above))


def test_of_a_pod_that_asks_too_much_of_too_many_nodes_all_is_open() -> None:
    found = land(ordered(400), numbered(600))
    assert found.targets == ()
    assert [opening.reason for opening in found.openings] == [UnknownReason.LIMIT_EXCEEDED]
    assert {target.standing for target in found.beyond} == {Standing.OPEN}
    assert {target.platform.architecture for target in found.beyond} == set(ARCHITECTURES)


def test_a_pod_that_asks_much_of_few_nodes_is_placed() -> None:
    assert not land(ordered(400), numbered(30)).openings


def test_a_pod_may_name_each_node_of_a_large_cluster() -> None:
    nodes = numbered(3000)
    named = [str(each) for each in range(0, 6000, 2)]
    found = land(pod(affinity=affinity(term(("serial", "In", named)))), nodes)
    assert [target.nodes for target in found.targets] == [1500]
