"""The first pod of an owner is judged before it comes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from elfgate.cluster.review import Resource, Review
from elfgate.policy.memo import MemoisedEngine
from elfgate.server.prejudge import first_pod
from support import founding
from support.judging import Judging, judging, real_node
from support.objects import container, deployment, pod
from support.registry import Registry

NODES = [real_node("a", "amd64"), real_node("p", "ppc64le")]
GOOD, BAD = (f"{founding.REPOSITORY}:{tag}" for tag in ("2-debian", "2-alpine"))


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as running:
        yield running


def owner(kind: str, image: str, **spec: Any) -> dict[str, Any]:
    made = deployment(containers=[container(image=image)], **spec)
    group = "batch/v1" if kind == "Job" else "apps/v1"
    return made | {
        "kind": kind,
        "apiVersion": group,
        "metadata": {"name": "web-7d5f", "namespace": "shop"},
    }


def its_pod(image: str, **spec: Any) -> dict[str, Any]:
    """As a controller makes it and the API server completes it."""
    mount = {
        "name": "kube-api-access-x2x5j",
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    }
    tolerations = [
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    ]
    made = pod(
        container(image=image, volumeMounts=[mount]),
        serviceAccountName="default",
        tolerations=tolerations,
        volumes=[{"name": mount["name"], "projected": {}}],
        **spec,
    )
    made["metadata"] |= {
        "name": "web-7d5f-6kwtt",
        "generateName": "web-7d5f-",
        "ownerReferences": [
            {"kind": "ReplicaSet", "name": "web-7d5f", "uid": "1", "controller": True}
        ],
    }
    return made


def run(folder: Path, registry: Registry, check: Callable[[Judging], Awaitable[None]]) -> None:
    async def main() -> None:
        async with judging(folder, registry, NODES) as judge, judge.validator.following_up():
            await check(judge)

    asyncio.run(main())


def evaluated(judge: Judging) -> int:
    """How many different documents the policies have judged."""
    engine = judge.validator._gate.engine
    assert isinstance(engine, MemoisedEngine)
    return len(engine._verdicts)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(("kind", "resource"), [("ReplicaSet", "replicasets"), ("Job", "jobs")])
def test_the_first_pod_of_an_owner_is_answered_without_asking_policies(
    tmp_path: Path, registry: Registry, kind: str, resource: str
) -> None:
    async def check(judge: Judging) -> None:
        image = registry.reference(GOOD)
        group = {"group": "batch" if kind == "Job" else "apps", "resource": resource}
        assert (await judge.ask(owner(kind, image), resource=group))["allowed"]
        await until(lambda: evaluated(judge) == 2)  # the owner's document, and its pod's
        answer = await judge.ask(its_pod(image))
        assert answer["allowed"]
        assert evaluated(judge) == 2

    run(tmp_path, registry, check)


def test_a_pod_that_was_changed_on_its_way_is_judged_anew(
    tmp_path: Path, registry: Registry
) -> None:
    async def check(judge: Judging) -> None:
        good, bad = registry.reference(GOOD), registry.reference(BAD)
        power = {"nodeSelector": {"kubernetes.io/arch": "ppc64le"}}
        group = {"group": "apps", "resource": "replicasets"}
        assert (await judge.ask(owner("ReplicaSet", good, **power), resource=group))["allowed"]
        await until(lambda: evaluated(judge) == 2)
        assert not (await judge.ask(its_pod(bad, **power)))["allowed"]

    run(tmp_path, registry, check)


def review(resource: str, group: str = "apps", **fields: Any) -> Review:
    asked = {
        "uid": "u",
        "operation": "CREATE",
        "namespace": "shop",
        "name": "web",
        "object": deployment(),
        **fields,
    }
    return Review.model_validate(asked | {"resource": Resource(group=group, resource=resource)})


def test_the_pod_is_named_as_its_owner_will_name_it() -> None:
    found = first_pod(review("replicasets"))
    assert found
    assert (found.name, found.namespace, found.resource.resource) == ("web-", "shop", "pods")


@pytest.mark.parametrize(
    "other",
    [
        review("deployments"),
        review("statefulsets"),
        review("daemonsets"),
        review("cronjobs", "batch"),
        review("replicasets", "example.com"),
        review("replicasets", operation="UPDATE"),
        review("replicasets", dryRun=True),
        review("replicasets", subResource="scale"),
    ],
)
def test_nothing_is_foreseen_of_what_makes_no_pods_of_that_name(other: Review) -> None:
    assert first_pod(other) is None
