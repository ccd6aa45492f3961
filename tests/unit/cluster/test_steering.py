"""The steering patch, applied and then judged by Kubernetes' semantics of terms."""

import copy
from typing import Any

import pytest

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.steering import ANNOTATION, steer
from elfgate.cluster.targets import targets
from elfgate.errors import InputError
from support.judging import real_node
from support.objects import affinity, pod, term
from support.patch import patched

NODES = Inventory(
    real_node(f"{architecture}-{pool}", architecture, labels={"pool": pool})
    for architecture in ("amd64", "arm64", "ppc64le")
    for pool in ("x", "y")
)
PREFERRED: dict[str, Any] = {
    "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}
}
POOL = ("pool", "In", ["x"])
BY_NAME = ("metadata.name", "In", ["ppc64le-x"])


def landing(obj: dict[str, Any]) -> list[str]:
    return [name for target in targets(obj["spec"], NODES) for name in target.names]


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        ({}, ["amd64-x", "amd64-y", "arm64-x", "arm64-y"]),
        ({"affinity": None}, ["amd64-x", "amd64-y", "arm64-x", "arm64-y"]),
        ({"affinity": {"podAffinity": {}}}, ["amd64-x", "amd64-y", "arm64-x", "arm64-y"]),
        ({"affinity": PREFERRED}, ["amd64-x", "amd64-y", "arm64-x", "arm64-y"]),
        ({"nodeSelector": {"pool": "x"}}, ["amd64-x", "arm64-x"]),
        ({"affinity": affinity(term(POOL))}, ["amd64-x", "arm64-x"]),
        (
            {"affinity": affinity(term(POOL), term(("pool", "In", ["y"])))},
            ["amd64-x", "amd64-y", "arm64-x", "arm64-y"],
        ),
        ({"affinity": affinity(term(POOL), term(fields=(BY_NAME,)))}, ["amd64-x", "arm64-x"]),
        ({"affinity": affinity(term(POOL), term())}, ["amd64-x", "arm64-x"]),
        ({"affinity": affinity(term(POOL), {})}, ["amd64-x", "arm64-x"]),
    ],
)
def test_whatever_term_it_lands_by_it_lands_on_what_is_left(
    spec: dict[str, Any], left: list[str]
) -> None:
    one = pod(**spec)
    before = set(landing(one))
    after = patched(one, steer(one, ["amd64", "arm64"]))
    assert sorted(landing(after)) == left
    assert set(left) <= before
    assert after["metadata"]["annotations"] == {ANNOTATION: "amd64,arm64"}


@pytest.mark.parametrize("terms", [[], [{}], [{"matchExpressions": []}]])
def test_a_pod_that_lands_nowhere_still_does(terms: list[dict[str, Any]]) -> None:
    assert steer(pod(affinity=affinity(*terms)), ["amd64"]) == []


def test_what_else_is_written_stays() -> None:
    one = pod(affinity=affinity(term(POOL)) | {"podAntiAffinity": {"x": 1}})
    one["metadata"]["annotations"] = {"a/b": "c"}
    original = copy.deepcopy(one)
    after = patched(one, steer(one, ["amd64"]))
    assert one == original
    assert after["metadata"]["annotations"] == {"a/b": "c", ANNOTATION: "amd64"}
    assert after["spec"]["affinity"]["podAntiAffinity"] == {"x": 1}
    assert after["spec"]["containers"] == original["spec"]["containers"]


def test_a_part_of_a_wrong_type_is_named() -> None:
    with pytest.raises(InputError, match=r"spec\.affinity is not an object"):
        steer(pod(affinity=[]), ["amd64"])
