import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, nodes_of, read_node
from elfgate.cluster.part import Part
from elfgate.cluster.target import Standing, Target
from elfgate.cluster.targets import targets
from elfgate.errors import InputError
from elfgate.linkage.inputs import NodeFacts
from elfgate.platforms import Platform
from support.objects import affinity, node, term

ARCH = "kubernetes.io/arch"
REQUIRED = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"


def read(*objs: dict[str, Any]) -> list[Node]:
    return list(map(read_node, objs))


FOUR = Inventory(
    read(
        node("x86-1", labels={"pool": "a", "cores": "4"}),
        node("x86-2", labels={"pool": "b", "cores": "16"}),
        node("arm-1", "arm64", labels={"pool": "a", "cores": "64"}),
        node(
            "power-1",
            "ppc64le",
            taints=[{"key": "dedicated", "value": "power", "effect": "NoSchedule"}],
        ),
    )
)


def node_of(name: str, architecture: str, **labels: str) -> Node:
    (found,) = read(node(name, architecture, labels=labels))
    return found


def land(pod_spec: dict[str, Any], inventory: Inventory = FOUR, **options: Any) -> dict[str, int]:
    """Platforms with their number of nodes."""
    return {str(item.platform): item.nodes for item in targets(pod_spec, inventory, **options)}


def sure(pod_spec: dict[str, Any], inventory: Inventory = FOUR, **options: Any) -> dict[str, int]:
    """The same of those that are certain."""
    found = targets(pod_spec, inventory, **options)
    return {str(item.platform): item.nodes for item in found if item.standing is Standing.CERTAIN}


def test_a_pod_without_demands_lands_on_every_untainted_node() -> None:
    assert targets({}, FOUR) == (
        Target(
            Platform("linux", "amd64"),
            2,
            ("x86-1", "x86-2"),
            NodeFacts(page_size=4096, kernel=(6, 1, 0)),
        ),
        Target(Platform("linux", "arm64"), 1, ("arm-1",), NodeFacts(kernel=(6, 1, 0))),
    )


def test_where_a_pod_may_land_is_worked_out_once_for_alike_demands_until_the_nodes_change() -> None:
    inventory = Inventory(read(node("x86-1")))
    first = targets({"nodeSelector": {"pool": "a"}, "containers": [{"name": "a"}]}, inventory)
    assert (
        targets({"nodeSelector": {"pool": "a"}, "containers": [{"name": "b"}]}, inventory) is first
    )
    assert targets({"nodeSelector": {"pool": "b"}}, inventory) == first == ()
    inventory.upsert(node_of("arm-1", "arm64", pool="a"))
    assert land({"nodeSelector": {"pool": "a"}}, inventory) == {"linux/arm64": 1}
    assert land({"nodeSelector": {"pool": "b"}}, inventory) == {}
    assert land({}, inventory, extra_architectures=("s390x",)) == land({}, inventory) | {
        "linux/s390x": 0
    }
    inventory.remove("arm-1")
    assert land({"nodeSelector": {"pool": "a"}}, inventory) == {}


@pytest.mark.parametrize(
    "demand",
    [
        {"nodeName": "arm-1"},
        {"os": {"name": "windows"}},
        {"nodeSelector": {"pool": "a"}},
        {"affinity": affinity(term(("cores", "Gt", ["8"])))},
        {"tolerations": [{"operator": "Exists"}]},
        {"containers": [{"resources": {"requests": {"example.com/gpu": 1}}}]},
        {"initContainers": [{"resources": {"limits": {"example.com/gpu": 1}}}]},
        {"containers": "x"},
        {"containers": ["x"]},
    ],
)
def test_no_demand_is_taken_for_another(demand: dict[str, Any]) -> None:
    nodes = read(node("x86-1"), node("arm-1", "arm64", labels={"pool": "a", "cores": "64"}),
                 node("gpu-1", "s390x", taints=[{"key": "example.com/gpu", "effect": "NoSchedule"}]))  # fmt: skip
    used = Inventory(nodes)
    before = targets({}, used)
    try:
        alone = targets(demand, Inventory(nodes))
    except InputError:
        with pytest.raises(InputError):
            targets(demand, used)
    else:
        assert targets(demand, used) == alone != before
    assert targets({}, used) == before


def test_demands_of_any_depth_are_read() -> None:
    deep: list[object] = []
    for _ in range(2 * sys.getrecursionlimit()):
        deep = [deep]
    assert land({"affinity": {"podAffinity": deep}}) == land({})


@pytest.mark.parametrize(
    ("pod_spec", "expected"),
    [
        ({"nodeSelector": {ARCH: "arm64"}}, {"linux/arm64": 1}),
        ({"nodeSelector": {"pool": "a"}}, {"linux/amd64": 1, "linux/arm64": 1}),
        ({"nodeSelector": {"pool": "none"}}, {}),
        ({"nodeSelector": {}}, {"linux/amd64": 2, "linux/arm64": 1}),
        ({"affinity": affinity(term(("cores", "Gt", ["8"])))}, {"linux/amd64": 1, "linux/arm64": 1}),
        ({"affinity": affinity(term(("pool", "In", ["b"])), term((ARCH, "In", ["arm64"])))},
         {"linux/amd64": 1, "linux/arm64": 1}),
        ({"affinity": affinity(term(("pool", "In", ["b"]), (ARCH, "In", ["arm64"])))}, {"linux/arm64": 0}),
        ({"affinity": affinity()}, {}),
        ({"affinity": affinity({})}, {}),
        ({"affinity": {"nodeAffinity": {}}}, {"linux/amd64": 2, "linux/arm64": 1}),
        ({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}}, {}),
        ({"affinity": affinity(term(fields=(("metadata.name", "In", ["arm-1"]),)))}, {"linux/arm64": 1}),
        ({"affinity": affinity(term(fields=(("metadata.name", "NotIn", ["arm-1"]),)))}, {"linux/amd64": 2}),
        ({"affinity": affinity(term(("kubernetes.io/hostname", "NotIn", ["x86-1"])))},
         {"linux/amd64": 1, "linux/arm64": 1}),
        ({"nodeSelector": {"kubernetes.io/hostname": "x86-2"}}, {"linux/amd64": 1}),
        ({"nodeSelector": {"pool": "a"}, "affinity": affinity(term(("cores", "Lt", ["8"])))}, {"linux/amd64": 1}),
        ({"tolerations": [{"operator": "Exists"}]}, {"linux/amd64": 2, "linux/arm64": 1, "linux/ppc64le": 1}),
        ({"tolerations": [{"key": "dedicated", "value": "other"}]}, {"linux/amd64": 2, "linux/arm64": 1}),
        ({"os": {"name": "windows"}}, {}),
        ({"os": {"name": "linux"}, "nodeSelector": {ARCH: "arm64"}}, {"linux/arm64": 1}),
    ],
)  # fmt: skip
def test_placement_leaves_what_the_scheduler_would(
    pod_spec: dict[str, Any], expected: dict[str, int]
) -> None:
    assert land(pod_spec) == expected


def test_a_pod_that_names_its_node_has_passed_the_scheduler_by() -> None:
    cordoned = Inventory(
        read(node("a", taints=[{"key": "k", "effect": "NoSchedule"}], unschedulable=True))
    )

    assert land({"nodeName": "power-1"}) == {"linux/ppc64le": 1}
    assert land({"nodeName": "a"}, cordoned) == {"linux/amd64": 1}


def test_the_kubelet_still_refuses_a_named_node_by_selector_or_no_execute() -> None:
    draining = Inventory(read(node("a", taints=[{"key": "k", "effect": "NoExecute"}])))

    assert land({"nodeName": "a"}, draining) == {}
    assert land({"nodeName": "x86-1", "nodeSelector": {"pool": "b"}}) == {}


def test_a_named_node_that_is_not_known_says_nothing() -> None:
    assert land({"nodeName": "new"}) == {}
    assert land({"nodeName": "new", "nodeSelector": {ARCH: "ppc64le"}}) == {"linux/ppc64le": 0}


def test_a_cordoned_node_takes_only_a_daemon_or_who_tolerates_it() -> None:
    cordoned = Inventory(
        read(
            node(
                "a",
                unschedulable=True,
                taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}],
            )
        )
    )

    assert sure({}, cordoned) == {}
    assert land({}, cordoned, every_node=True) == {"linux/amd64": 1}
    tolerations = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]
    assert land({"tolerations": tolerations}, cordoned) == {"linux/amd64": 1}


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_a_node_that_is_only_restarting_may_still_take_the_pod(effect: str) -> None:
    restarting = Inventory(
        read(node("a", taints=[{"key": "node.kubernetes.io/not-ready", "effect": effect}]))
    )

    assert land({}, restarting) == {"linux/amd64": 1}


def test_prefer_no_schedule_keeps_nobody_away() -> None:
    slow = Inventory(read(node("a", taints=[{"key": "slow", "effect": "PreferNoSchedule"}])))

    assert land({}, slow) == {"linux/amd64": 1}


GPU = {"containers": [{"name": "web", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}


def test_who_asks_for_a_gpu_may_be_let_on_to_tainted_gpu_nodes() -> None:
    gpu = Inventory(
        read(
            node("a", taints=[{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]),
            node("b", "ppc64le"),
        )
    )

    assert land(GPU, gpu) == {"linux/amd64": 1, "linux/ppc64le": 1}
    assert land(GPU, gpu, every_node=True) == {"linux/ppc64le": 1}


def test_an_architecture_asked_for_counts_before_it_has_a_node() -> None:
    wants = {
        "affinity": affinity(
            term((ARCH, "In", ["amd64", "riscv64", "s390x"]), (ARCH, "NotIn", ["s390x"]))
        )
    }

    assert land(wants) == {"linux/amd64": 2, "linux/riscv64": 0}
    assert land({"nodeSelector": {"beta.kubernetes.io/arch": "riscv64", "pool": "new"}}) == {
        "linux/riscv64": 0
    }


def test_an_architecture_asked_for_does_not_count_where_its_nodes_are_taken() -> None:
    assert land({"affinity": affinity(term((ARCH, "In", ["amd64", "ppc64le"])))}) == {
        "linux/amd64": 2
    }


def test_a_pod_that_waits_for_a_tainted_architecture_is_judged_for_it() -> None:
    assert land({"nodeSelector": {ARCH: "ppc64le"}}) == {"linux/ppc64le": 0}


def test_a_pod_that_waits_for_a_node_of_any_architecture_is_not_judged() -> None:
    either = affinity(term((ARCH, "In", ["riscv64"])), term(("pool", "In", ["new"])))

    assert land({"nodeSelector": {"pool": "new"}}, extra_architectures=("s390x",)) == {}
    assert land({"affinity": either}) == {}


def test_contradicting_demands_leave_nothing() -> None:
    spec = {
        "nodeSelector": {ARCH: "riscv64"},
        "affinity": affinity(term((ARCH, "NotIn", ["riscv64"]))),
    }

    assert land(spec) == {}


def test_an_autoscalers_architectures_count_where_the_pod_allows_them() -> None:
    extra: dict[str, Any] = {"extra_architectures": ("s390x", "arm64")}

    assert land({}, **extra) == {"linux/amd64": 2, "linux/arm64": 1, "linux/s390x": 0}
    assert land({"nodeSelector": {"pool": "a"}}, **extra) == {
        "linux/amd64": 1,
        "linux/arm64": 1,
        "linux/s390x": 0,
    }
    assert land({"nodeSelector": {ARCH: "amd64"}}, **extra) == {"linux/amd64": 2}
    assert land({"affinity": affinity(term((ARCH, "NotIn", ["s390x"])))}, **extra) == {
        "linux/amd64": 2,
        "linux/arm64": 1,
    }


@pytest.mark.parametrize(
    "spec",
    [
        {"nodeName": "x86-1"},
        {"nodeSelector": {"kubernetes.io/hostname": "x86-1"}},
        {"affinity": affinity(term(fields=(("metadata.name", "In", ["x86-1"]),)))},
        {"affinity": affinity(term(("kubernetes.io/hostname", "In", ["x86-1"])))},
    ],
)
def test_a_pod_that_names_its_nodes_waits_for_no_autoscaler(spec: dict[str, Any]) -> None:
    assert land(spec, extra_architectures=("s390x",)) == {"linux/amd64": 1}


def test_a_stand_in_meets_every_demand_but_those_on_its_platform() -> None:
    stand_ins = Inventory(nodes_of(["amd64", "ppc64le"]))
    spec = {
        "nodeSelector": {"pool": "a", ARCH: "amd64"},
        "affinity": affinity(term(("gpu", "Exists", []))),
    }

    [target] = targets(spec, stand_ins)

    assert (str(target.platform), target.nodes, target.names) == ("linux/amd64", 1, ())


def test_a_target_knows_what_all_of_its_nodes_agree_on() -> None:
    mixed = Inventory(
        read(
            node(
                "a",
                "arm64",
                kernel="6.8.0-64k",
                labels={"elfgate.dev/cpu-level": "v8", "elfgate.dev/emulates": "amd64"},
            ),
            node("b", "arm64", kernel="6.8.0", labels={"elfgate.dev/cpu-level": "v8"}),
        )
    )

    [target] = targets({}, mixed)

    assert target.facts == NodeFacts(
        page_size=None, cpu_level="v8", kernel=(6, 8, 0), emulates=frozenset({"amd64"})
    )


def test_a_few_nodes_are_named_in_order() -> None:
    many = Inventory(
        read(*(node(f"n{number:02}", labels={"pool": str(number % 3)}) for number in range(30)))
    )

    [target] = targets(
        {"affinity": affinity(term(("kubernetes.io/hostname", "NotIn", ["n00"])))}, many
    )

    assert (target.nodes, target.names) == (29, ("n01", "n02", "n03", "n04"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"nodeName": 1}, "spec.nodeName is not a string"),
        ({"nodeSelector": []}, "spec.nodeSelector is not an object"),
        ({"nodeSelector": {"a": 1}}, "spec.nodeSelector.a is not a string"),
        ({"nodeSelector": {1: "a"}}, "spec.nodeSelector has the key 1, which is not a string"),
        ({"tolerations": {}}, "spec.tolerations is not a list"),
        ({"tolerations": ["x"]}, "spec.tolerations[0] is not an object"),
        ({"affinity": affinity(term(("a", "In", "b")))},  # type: ignore[arg-type]  # that is what is wrong
         f"{REQUIRED}.nodeSelectorTerms[0].matchExpressions[0].values is not a list"),
        ({"os": "linux"}, "spec.os is not an object"),
        ({"affinity": affinity(term((ARCH, "In", ["a"] * 16_385)))},
         "spec names more than 16384 values of nodes' labels"),
        ({"affinity": affinity(*[term((ARCH, "Exists", []))] * 1500)}, "spec asks more than 2000 things of its node"),
        ({"containers": [{"resources": {"limits": {"cpu": 1, "memory": 1}}}] * 1001},
         "spec asks more than 2000 things of its node"),
        ({"containers": [{"resources": {"claims": []}}] * 2001}, "spec asks more than 2000 things of its node"),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_named_by_its_path(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        targets(spec, FOUR)
    assert str(caught.value) == message


def test_containers_that_ask_for_nothing_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    get = Part.get

    def counted(part: Part, *keys: str) -> Part:
        read.append(part)
        return get(part, *keys)

    monkeypatch.setattr(Part, "get", counted)
    targets(
        {"containers": [{"name": "web"}] * 5000 + [{"resources": {"limits": {"cpu": 1}}}]}, FOUR
    )
    assert len(read) < 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", ARCH, "In", "Gt", "node-1"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms", "matchExpressions",
             "matchFields", "key", "operator", "values", "effect", "requests", "resources", "name"]
        ),
        inner, max_size=3,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(
    ["nodeName", "nodeSelector", "affinity", "tolerations", "os", "containers", "initContainers"]), JSON))  # fmt: skip
def test_whatever_the_shape_the_only_error_is_one_of_input(spec: dict[str, Any]) -> None:
    with suppress(InputError):
        assert isinstance(targets(spec, FOUR), tuple)
