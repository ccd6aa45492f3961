"""Grouping nodes changes nothing: the same pods land on the same nodes, judged node by node."""

import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.cluster import inventory as inventory_module
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, read_node
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.placement import Hurdle, read_placement
from elfgate.cluster.targets import targets
from support.objects import affinity, node, term

ARCH = "kubernetes.io/arch"
KEYS = ("pool", "rank", "kubernetes.io/hostname", ARCH)
VALUES = st.sampled_from(["0", "1", "2", "3", "10", "a", "node-1", "node-2", "amd64", "arm64"])
EXPRESSIONS: st.SearchStrategy[Any] = st.one_of(
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(["In", "NotIn"]),
        st.lists(VALUES, min_size=1, max_size=3),
    ),
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["Exists", "DoesNotExist"]), st.just([])),
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(["Gt", "Lt"]),
        st.lists(VALUES, min_size=1, max_size=1),
    ),
)
FIELDS = st.tuples(
    st.just("metadata.name"),
    st.sampled_from(["In", "NotIn"]),
    st.lists(VALUES, min_size=1, max_size=1),
)
TERMS = st.builds(
    lambda expressions, fields: term(*expressions, fields=tuple(fields)),
    st.lists(EXPRESSIONS, max_size=3),
    st.lists(FIELDS, max_size=1),
)
TAINTS = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["k", "l"]),
        "effect": st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"]),
    }
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "nodeName": st.sampled_from(["node-1", "node-9"]),
        "nodeSelector": st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2),
        "affinity": st.lists(TERMS, max_size=3).map(lambda terms: affinity(*terms)),
        "tolerations": st.lists(
            st.fixed_dictionaries(
                {"key": st.sampled_from(["", "k"]), "operator": st.just("Exists")}
            ),
            max_size=1,
        ),
    },
)
NODES = st.builds(
    lambda number, architecture, labels, taints, cordoned: node(
        f"node-{number}", architecture, labels=labels, taints=taints, unschedulable=cordoned
    ),
    st.integers(0, 12),
    st.sampled_from(["amd64", "arm64"]),
    st.dictionaries(st.sampled_from(["pool", "rank"]), VALUES),
    st.lists(TAINTS, max_size=1),
    st.booleans(),
)
CHANGES = st.lists(NODES | st.integers(0, 12).map(lambda number: f"node-{number}"), max_size=25)


@settings(max_examples=300)
@given(CHANGES, SPECS, st.sampled_from([2, math.inf]))
def test_grouping_nodes_changes_nothing(
    changes: list[Any], spec: dict[str, Any], many_values: float
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inventory_module, "_MANY_VALUES", many_values)
        inventory = Inventory()
        alone: dict[str, Node] = {}
        for change in changes:
            if isinstance(change, str):
                inventory.remove(change)
                alone.pop(change, None)
            else:
                changed = read_node(change)
                inventory.upsert(changed)
                alone[changed.name] = changed
        found = targets(spec, inventory)

    placement = read_placement(spec)
    hurdles = {
        item.name: placement.hurdle(item, Outlook())
        for item in alone.values()
        if placement.selects(item, item.name, item.labels)
    }
    most = Hurdle.PASSING if Hurdle.NONE in hurdles.values() else Hurdle.AWAY
    admitted = [alone[name] for name, hurdle in hurdles.items() if hurdle <= most]
    assert len(inventory) == len(alone)
    assert {item.platform: item.nodes for item in found if item.nodes} == Counter(
        item.platform for item in admitted
    )
    for target in found:
        names = sorted(item.name for item in admitted if item.platform == target.platform)
        assert list(target.names) == names[:4]
