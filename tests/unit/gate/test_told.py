"""What the document has of a pod for rules that look at it, as the API's objects say it."""

from typing import Any

import pytest

from elfgate.cluster.inventory import OTHER
from elfgate.cluster.target import Target
from elfgate.cluster.template import workload
from elfgate.cluster.workload import Workload
from elfgate.gate.told import of_containers, of_pod, of_request, of_target
from elfgate.platforms import Platform
from elfgate.policy.document import FURTHER

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web",
        "labels": {"app": "web"},
        "annotations": {
            "team": "a",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
    },
    "spec": {
        "serviceAccountName": "builder",
        "hostNetwork": True,
        "securityContext": {"runAsUser": 7, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [
            {"name": "kube-api-access-x7z2p", "projected": {"sources": []}},
            {"name": "logs", "hostPath": {"path": "/var/log"}},
            {"name": "config", "configMap": {"name": "web"}},
            {"name": "tmp", "emptyDir": {}},
        ],
        "initContainers": [{"name": "first", "image": "example/first:1"}],
        "containers": [
            {
                "name": "web",
                "image": "example/web:1",
                "command": ["/bin/sh"],
                "args": ["-c", "$(WHAT)"],
                "securityContext": {
                    "runAsUser": None,
                    "privileged": True,
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"add": ["net_admin", "CAP_SYS_TIME"], "drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "kube-api-access-x7z2p", "mountPath": "/var/run/secrets"},
                    {"name": "logs", "mountPath": "/logs"},
                ],
            }
        ],
    },
}


def read(obj: dict[str, Any]) -> Workload:
    found = workload(obj)
    assert found
    return found


def test_a_pods_labels_are_its_own_and_the_last_applied_object_is_none_of_its_annotations() -> None:
    expected = {"labels": {"app": "web"}, "annotations": {"team": "a"}}
    assert of_request(read(POD), None, FURTHER) == expected
    told = of_pod(read(POD), FURTHER)
    assert {key: told[key] for key in expected} == expected


def test_a_deployment_and_its_pods_have_labels_apart() -> None:
    template = {"metadata": {"labels": {"of": "pods"}}, "spec": POD["spec"]}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": template}}
    deployment |= {"metadata": {"name": "web", "labels": {"of": "it"}}}
    assert of_request(read(deployment), None, FURTHER)["labels"] == {"of": "it"}
    assert of_pod(read(deployment), FURTHER)["labels"] == {"of": "pods"}


def test_a_pod_has_its_account_its_nodes_network_and_its_volumes_without_the_tokens() -> None:
    told = of_pod(read(POD), FURTHER)
    assert (told["service_account"], told["host_network"], told["host_pid"]) == (
        "builder",
        True,
        False,
    )
    assert [(item.name, item.kind, item.source) for item in told["volumes"]] == [
        ("logs", "hostPath", "/var/log"),
        ("config", "configMap", "web"),
        ("tmp", "emptyDir", ""),
    ]


def test_a_container_has_its_command_as_it_is_written_its_mounts_and_its_security() -> None:
    told = of_containers(read(POD), FURTHER)
    assert told["web"]["command"] == ["/bin/sh"]
    assert told["web"]["args"] == ["-c", "$(WHAT)"]
    assert told["web"]["mounts"] == {"/logs": "logs"}
    assert told["web"]["security"].model_dump() == {
        "privileged": True,
        "read_only_root": False,
        "privilege_escalation": False,
        "run_as_user": 7,
        "run_as_non_root": None,
        "seccomp": "RuntimeDefault",
        "capabilities_added": ("NET_ADMIN", "SYS_TIME"),
        "capabilities_dropped": ("ALL",),
    }
    assert told["first"]["security"].run_as_user == 7


@pytest.mark.parametrize("odd", [None, 3, "text", [], [3], {"a": 3}])
def test_what_has_another_shape_is_passed_over(odd: object) -> None:
    spec = POD["spec"] | {
        "serviceAccountName": odd,
        "hostNetwork": odd,
        "ephemeralContainers": [],
    }
    metadata = {"name": "web", "labels": {"odd": odd}}
    one = read(POD | {"metadata": metadata, "spec": spec})
    told = of_pod(one, FURTHER)
    assert told["service_account"] == (odd if isinstance(odd, str) else "")
    assert told["host_network"] is False
    assert told["labels"] == ({"odd": odd} if isinstance(odd, str) else {})


def test_nodes_are_grouped_by_the_labels_that_they_share() -> None:
    pool = {"pool": "a", "kubernetes.io/hostname": OTHER}
    groups = ((pool, 2), ({**pool, "serial": OTHER}, 1), ({"pool": "b"}, 4))
    target = Target(Platform("linux", "amd64"), 7, groups=groups)
    found = of_target(target, FURTHER)["groups"]
    assert [(group.labels, group.nodes) for group in found] == [
        ({"pool": "a"}, 3),
        ({"pool": "b"}, 4),
    ]


def test_a_namespaces_labels_are_told_where_they_are_known_and_looked_at() -> None:
    looks = frozenset({"namespace_labels"})
    assert of_request(read(POD), {"stage": "prod"}, looks) == {
        "namespace_labels": {"stage": "prod"}
    }
    assert of_request(read(POD), {}, looks) == {"namespace_labels": {}}
    assert of_request(read(POD), None, looks) == {}


def test_nothing_is_told_that_nobody_looks_at() -> None:
    one, nothing = read(POD), frozenset[str]()
    assert of_request(one, {}, nothing) == of_pod(one, nothing) == of_containers(one, nothing) == {}
