"""A cluster that is not there.

Its nodes, and what its API server asks a webhook when somebody applies a manifest.

The reviews have the shape that a Kubernetes 1.36 API server gives them, with the defaults it fills
in.
"""

import uuid
from collections.abc import Mapping
from typing import Any

NODES = {
    "amd64-1": "amd64",
    "arm64-1": "arm64",
    "power-1": "ppc64le",
    "power-2": "ppc64le",
    "z-1": "s390x",
}

_TOLERATED = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_RESOURCES = {"Pod": ("", "pods"), "Deployment": ("apps", "deployments")}


def node_list() -> dict[str, Any]:
    """The nodes, as ``kubectl get nodes -o json`` prints them."""
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [_node(name, NODES[name]) for name in NODES],
    }


def _node(name: str, architecture: str) -> dict[str, Any]:
    labels = {
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
    }
    info = {"architecture": architecture, "operatingSystem": "linux", "kernelVersion": "6.12.0"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {"nodeInfo": info},
    }


def pod(name: str, image: str, architecture: str) -> dict[str, Any]:
    """A Pod as the API server has it, bound for the nodes of one architecture."""
    spec = _pod_spec(name, image) | {
        "nodeSelector": {"kubernetes.io/arch": architecture},
        "serviceAccountName": "default",
        "serviceAccount": "default",
        "tolerations": [
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in _TOLERATED
        ],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }
    status = {"phase": "Pending", "qosClass": "BestEffort"}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": _metadata(name),
        "spec": spec,
        "status": status,
    }


def deployment(name: str, image: str, architectures: list[str]) -> dict[str, Any]:
    """A Deployment as the API server has it, whose pods may land on nodes of several architectures."""
    expression = {"key": "kubernetes.io/arch", "operator": "In", "values": architectures}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": _pod_spec(name, image) | {"affinity": affinity},
        },
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        },
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    }
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": _metadata(name),
        "spec": spec,
        "status": {},
    }


def review(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The review that the API server sends of an object that ``kubectl apply`` creates."""
    group, resource = _RESOURCES[obj["kind"]]
    kind = {"group": group, "version": "v1", "kind": obj["kind"]}
    resources = {"group": group, "version": "v1", "resource": resource}
    options = {
        "kind": "CreateOptions",
        "apiVersion": "meta.k8s.io/v1",
        "fieldManager": "kubectl-client-side-apply",
    }
    request = {
        "uid": str(uuid.uuid4()),
        "kind": kind,
        "resource": resources,
        "requestKind": kind,
        "requestResource": resources,
        "name": obj["metadata"]["name"],
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {"username": "somebody", "groups": ["system:authenticated"]},
        "object": obj,
        "oldObject": None,
        "dryRun": False,
        "options": options | {"fieldValidation": "Strict"},
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def _metadata(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "default",
        "uid": str(uuid.uuid4()),
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": name},
    }


def _pod_spec(name: str, image: str) -> dict[str, Any]:
    container = {
        "name": name,
        "image": image,
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }
    return {
        "containers": [container],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    }
