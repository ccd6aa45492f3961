"""The controllers of an object are told by its owner reference and by how they name what they make."""

import pytest

from elfgate.cluster.owners import ROLLOUT_LABEL, owners
from elfgate.cluster.part import Part


def of(kind: str, name: str, *, controller: bool = True) -> tuple[str, ...]:
    reference = {"apiVersion": "v1", "kind": kind, "name": name, "controller": controller}
    return owners(Part({"ownerReferences": [reference]}))


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("ReplicaSet", "web-5d9fb7c6d4", ("ReplicaSet/web-5d9fb7c6d4", "Deployment/web")),
        ("ReplicaSet", "a-b-7c6d4", ("ReplicaSet/a-b-7c6d4", "Deployment/a-b")),
        ("ReplicaSet", "web", ("ReplicaSet/web",)),
        ("ReplicaSet", "web-stable", ("ReplicaSet/web-stable",)),  # no hash has an a or an e
        ("Job", "backup-29384721", ("Job/backup-29384721", "CronJob/backup")),
        ("Job", "backup-1", ("Job/backup-1",)),
        ("StatefulSet", "db", ("StatefulSet/db",)),
        ("DaemonSet", "agent-5d9fb", ("DaemonSet/agent-5d9fb",)),
    ],
)
def test_the_maker_of_a_maker_is_told_by_the_name(
    kind: str, name: str, expected: tuple[str, ...]
) -> None:
    assert of(kind, name) == expected


def test_an_owner_that_does_not_control_is_no_controller() -> None:
    assert of("ReplicaSet", "web-5d9fb", controller=False) == ()
    assert owners(Part({})) == ()


def test_a_rollouts_replica_sets_are_told_by_their_pods_label() -> None:
    reference = {"kind": "ReplicaSet", "name": "web-5d9fb7c6d4", "controller": True}
    metadata = {"ownerReferences": [reference], "labels": {ROLLOUT_LABEL: "5d9fb7c6d4"}}
    assert owners(Part(metadata)) == ("ReplicaSet/web-5d9fb7c6d4", "Rollout/web")
