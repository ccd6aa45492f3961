"""However much there is in a review's lists, reading them takes a bounded number of steps."""

import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from elfgate.cluster.bounds import bounded
from elfgate.cluster.decisive import decisive, decisive_parts
from elfgate.cluster.elements import BEYOND, ELEMENTS
from elfgate.cluster.review import MAX_BYTES, Review, judged
from elfgate.cluster.template import workload
from elfgate.cluster.workload import CONTAINERS, Workload, parts_of
from support.objects import container, pod

STEPS = 2000  # calls of functions; a pod of one container takes some 300
MANY = 30_000


def named(begins: str, count: int = MANY, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": f"{begins}-{number}", **fields} for number in range(count)]


def numbered(count: int = MANY) -> dict[str, str]:
    return {f"example.com/k{number}": "1" for number in range(count)}


def required(terms: list[dict[str, Any]]) -> dict[str, Any]:
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"nodeAffinity": rule}


OF_CONTAINER: dict[str, dict[str, Any]] = {
    "arguments": {"args": ["a"] * 300_000},
    "arguments with references": {"args": ["$(A)"] * 300_000},
    "words of a command": {"command": ["a"] * 300_000},
    "variables": {"env": named("V", value="v")},
    "variables from elsewhere": {"env": named("V", valueFrom={"fieldRef": {}})},
    "sources of variables": {"envFrom": [{}] * 200_000},
    "mounts": {"volumeMounts": [{"name": "v", "mountPath": f"/{n}"} for n in range(MANY)]},
    "devices": {"volumeDevices": [{"name": "v", "devicePath": f"/{n}"} for n in range(MANY)]},
    "capabilities": {"securityContext": {"capabilities": {"add": ["C"] * 200_000}}},
    "dropped capabilities": {"securityContext": {"capabilities": {"drop": ["C"] * 200_000}}},
    "limits": {"resources": {"limits": numbered()}},
    "claims": {"resources": {"claims": named("c")}},
    "words of a probe": {"livenessProbe": {"exec": {"command": ["a"] * 300_000}}},
    "words of a hook": {"lifecycle": {"preStop": {"exec": {"command": ["a"] * 300_000}}}},
}
OF_POD: dict[str, dict[str, Any]] = {
    "volumes": {"volumes": named("v", emptyDir={})},
    "volumes that persist": {"volumes": named("v", persistentVolumeClaim={"claimName": "c"})},
    "volumes of images": {"volumes": named("v", 20_000, image={"reference": "example/data:1"})},
    "groups": {"securityContext": {"supplementalGroups": list(range(200_000))}},
    "tolerations": {"tolerations": [{"operator": "Exists", "key": f"k{n}"} for n in range(MANY)]},
    "labels of nodes": {"nodeSelector": numbered()},
    "terms of an affinity": {"affinity": required([{"matchExpressions": []}] * MANY)},
    "values of an affinity": {
        "affinity": required(
            [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["x"] * 200_000}]}]
        )
    },
    "gates": {"schedulingGates": named("g")},
    "claims of devices": {"resourceClaims": named("c")},
    "pull secrets": {"imagePullSecrets": named("s")},
}
OF_METADATA: dict[str, dict[str, Any]] = {
    "owners": {"ownerReferences": named("o", kind="Job", uid="u")},
    "labels": {"labels": numbered()},
    "annotations": {"annotations": {f"cdi.k8s.io/{n}": "x" for n in range(MANY)}},
}
EXTREMES = {
    **{what: pod(container(**fields)) for what, fields in OF_CONTAINER.items()},
    **{what: pod(container(), **fields) for what, fields in OF_POD.items()},
}
EXTREMES["containers"] = pod(*[container()] * 10_000)
EXTREMES["containers that begin first"] = pod(container(), initContainers=[container()] * 10_000)
for what, fields in OF_METADATA.items():
    EXTREMES[what] = pod(container())
    EXTREMES[what]["metadata"].update(fields)


GROUPS = {"Workflow": "argoproj.io/v1alpha1", "RayCluster": "ray.io/v1"}
GROUPS |= {"Job": "batch.volcano.sh/v1alpha1"}


def made(kind: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": GROUPS[kind], "kind": kind, "metadata": {"name": "web"}, "spec": spec}


PLACES = {
    "templates of steps": made("Workflow", templates=[{"name": "t", "steps": []}] * 60_000),
    "groups of workers": made("RayCluster", workerGroupSpecs=[{"template": {}}] * 60_000),
    "tasks": made("Job", tasks=[{"name": "t", "template": {}}] * 60_000),
}
STEPS_OF_PLACES = 100_000  # 400 places take some 220 each at most


def review(obj: dict[str, Any], old: dict[str, Any] | None = None) -> Review:
    said: dict[str, Any] = {"uid": "u", "resource": {"resource": "pods"}, "object": obj}
    said |= {"operation": "UPDATE" if old else "CREATE", "oldObject": old}
    return Review.model_validate(said)


def read(asked: Review) -> Workload | None:
    return judged(decisive(asked, decisive_parts(asked)))


def steps(work: Callable[[], object]) -> int:
    """How many functions are called."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("what", EXTREMES)
def test_an_extreme_review_is_read_in_few_steps(what: str) -> None:
    asked = review(EXTREMES[what])
    assert len(orjson.dumps(EXTREMES[what])) < MAX_BYTES
    assert steps(lambda: read(asked)) < STEPS


@pytest.mark.parametrize("what", EXTREMES)
def test_what_is_beyond_the_bound_is_told_of(what: str) -> None:
    found = read(review(EXTREMES[what]))
    assert found
    (one,) = bounded(found, 2).containers
    assert one.image == "registry.example/web:1"
    assert one.skipped == BEYOND


def test_containers_before_it_are_looked_at() -> None:
    found = read(review(pod(container("a"), container("b", args=["a"] * 300_000), container("c"))))
    assert found
    assert [(each.name, bool(each.skipped)) for each in found.containers] == [
        ("a", False),
        ("b", True),
    ]


def test_all_templates_of_an_object_share_the_bound() -> None:
    job = {"template": {"spec": {"template": {"spec": pod(container(args=["a"] * 2000))["spec"]}}}}
    jobs = {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": "web"},
        "spec": {"replicatedJobs": [{"name": f"j-{number}", **job} for number in range(60)]},
    }
    parts = parts_of(workload(jobs))
    whole = (ELEMENTS - 1) // 2000
    assert [bool(part.containers[0].skipped) for part in parts] == [False] * whole + [True, True]


@pytest.mark.parametrize("field", ["name", "image"])
def test_a_name_longer_than_any_is_beyond_the_bound_and_is_cut(field: str) -> None:
    found = read(review(pod(container() | {field: "a" * 2_900_000})))
    assert found
    (one,) = found.containers
    assert one.skipped == BEYOND
    assert len(one.name) + len(one.image) < 2000


@pytest.mark.parametrize("what", PLACES)
def test_places_for_templates_are_counted_whatever_is_there(what: str) -> None:
    asked = review(PLACES[what])
    assert steps(lambda: read(asked)) < STEPS_OF_PLACES
    *_, last = parts_of(read(asked))
    assert last.containers[0].skipped == BEYOND


def test_objects_with_some_hundreds_of_places_are_read_whole() -> None:
    steps_only = [{"name": f"t-{number}", "steps": []} for number in range(300)]
    last = {"name": "last", "container": {"image": "registry.example/web:1"}}
    (part,) = parts_of(read(review(made("Workflow", templates=[*steps_only, last]))))
    assert part.part == "spec.templates[300]"
    assert not part.containers[0].skipped


def test_an_update_beyond_what_is_read_is_judged() -> None:
    for what in ("arguments", "volumes"):
        assert read(review(EXTREMES[what], EXTREMES[what])) is not None


def test_what_people_write_is_read_whole() -> None:
    variables = [{"name": f"V{number}", "value": "x"} for number in range(60)]
    whole = pod(*(container(f"c-{number}", env=variables) for number in range(CONTAINERS)))
    found = read(review(whole))
    assert found
    assert not any(each.skipped for each in found.containers)
