"""What a review looks at is bounded by what it costs; what is beyond is one container that stands for the rest."""

import itertools
from typing import Any

import pytest

from elfgate.cluster.bounds import IMAGES, PAIRS, WORK, Budget, bounded, cost
from elfgate.cluster.review import Review, judged
from elfgate.cluster.template import workload
from elfgate.cluster.workload import CONTAINERS, PARTS, Workload, parts_of
from support.objects import container, pod


def read(*containers: dict[str, Any]) -> Workload:
    found = workload(pod(*containers))
    assert found
    return found


def many(count: int, **fields: Any) -> Workload:
    return read(*(container(f"c-{number}", **fields) for number in range(count)))


def with_path(elements: int, *, name: str = "PATH", element: str = "") -> dict[str, Any]:
    value = ":".join(itertools.repeat(element, elements))
    return container(env=[{"name": name, "value": value}])


@pytest.mark.parametrize(("containers", "platforms"), [(1, 1), (60, 4), (CONTAINERS, 2), (1, 300)])
def test_what_people_write_is_looked_at_whole(containers: int, platforms: int) -> None:
    whole = many(containers, env=[{"name": f"V{n}", "value": "x" * 50} for n in range(60)])
    assert bounded(whole, platforms) is whole


# The reviews of which one used to stop the process for seconds and minutes.
COSTLY: dict[str, tuple[list[dict[str, Any]], int]] = {
    "a PATH of a million empty elements": ([with_path(1_000_000)], 0),
    "a long PATH on each of eight platforms": ([with_path(42_000, element="/a")], 0),
    "a search path of libraries, six times": (
        [with_path(19_000, name="LD_LIBRARY_PATH", element="/l") for _ in range(6)],
        0,
    ),
    "18 containers with a PATH each": ([with_path(60_000, element="/a") for _ in range(18)], 0),
    "25,000 containers of one image": ([container() for _ in range(25_000)], PAIRS // 8),
    "10,000 containers of an image each": (
        [container(image=f"example/app:{number}") for number in range(10_000)],
        PAIRS // 8,
    ),
    "20,000 containers with invalid references": (
        [container(image=f"NOT A REFERENCE {number}") for number in range(20_000)],
        PAIRS // 8,
    ),
}


@pytest.mark.parametrize("what", COSTLY)
def test_a_costly_review_is_looked_at_within_the_bounds(what: str) -> None:
    containers, most = COSTLY[what]
    kept = bounded(read(*containers), platforms=8)
    *looked_at, beyond = kept.containers
    assert len(looked_at) <= max(most, len(containers) // 2)
    assert beyond.skipped
    assert all(not entry.skipped for entry in looked_at)
    assert sum(8 * cost(entry) for entry in looked_at) <= WORK
    assert len({entry.image for entry in looked_at}) <= IMAGES
    assert len(looked_at) * 8 <= PAIRS


def test_no_more_containers_are_read_than_are_looked_at() -> None:
    assert len(many(900).containers) == CONTAINERS + 1


def test_the_bound_that_is_passed_is_named() -> None:
    assert bounded(many(CONTAINERS + 1), 1).containers[-1].skipped == f"{CONTAINERS} containers"
    images = read(*(container(image=f"example/app:{n}") for n in range(IMAGES + 1)))
    assert bounded(images, 1).containers[-1].skipped == f"{IMAGES} different images"
    assert "pairs" in bounded(many(100), 3).containers[-1].skipped
    assert "elements" in bounded(read(with_path(1_000_000)), 1).containers[-1].skipped


def test_an_update_beyond_what_is_read_is_judged() -> None:
    before, after = many(CONTAINERS + 2), many(CONTAINERS + 2)
    assert before.containers == after.containers
    containers = [container(f"c-{number}") for number in range(CONTAINERS + 2)]
    changed = [*containers[:-1], container(f"c-{CONTAINERS + 1}", image="example/other:1")]
    review = Review.model_validate(
        {
            "uid": "u",
            "resource": {"resource": "pods"},
            "operation": "UPDATE",
            "object": pod(*changed),
            "oldObject": pod(*containers),
        }
    )
    assert judged(review) is not None


def jobs(count: int, *, image: str = "example/app:1") -> dict[str, Any]:
    """A JobSet with so many pod templates, of one container each."""
    spec = pod(container(image=image))["spec"]
    job = {"template": {"spec": {"template": {"spec": spec}}}}
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicatedJobs": [{"name": f"j-{number}", **job} for number in range(count)]},
    }


def test_the_templates_of_one_object_share_what_a_review_may_cost() -> None:
    budget = Budget()
    parts = parts_of(workload(jobs(60)))
    kept = [bounded(part, 8, budget) for part in parts]
    looked_at = [part for part in kept if not part.containers[0].skipped]
    assert len(looked_at) * 8 == PAIRS


def test_templates_beyond_what_is_read_are_told_of() -> None:
    budget = Budget()
    parts = parts_of(workload(jobs(10_000)))
    assert len(parts) == PARTS + 1
    *_, last = [bounded(part, 1, budget) for part in parts]
    assert last.containers[0].skipped == f"{PARTS} pod templates"


def test_an_update_of_templates_beyond_what_is_read_is_judged() -> None:
    same = jobs(PARTS + 5)
    review = {"uid": "u", "resource": {"resource": "jobsets"}, "operation": "UPDATE"}
    review |= {"object": same, "oldObject": same}
    assert judged(Review.model_validate(review)) is not None
