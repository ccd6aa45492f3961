"""Kubernetes objects as plain dicts, as small as they may be."""

from typing import Any


def container(
    name: str = "web", image: Any = "registry.example/web:1", **fields: Any
) -> dict[str, Any]:
    return {"name": name, "image": image, **fields}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": list(containers or (container(),)), **spec},
    }


def deployment(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": [container()], **spec}}},
    }


def node(
    name: str,
    architecture: str = "amd64",
    *,
    labels: dict[str, str] | None = None,
    taints: list[dict[str, str]] | None = None,
    unschedulable: bool = False,
    kernel: str = "6.1.0-20-amd64",
    os: str = "linux",
) -> dict[str, Any]:
    own = {
        "kubernetes.io/arch": architecture,
        "kubernetes.io/os": os,
        "kubernetes.io/hostname": name,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": own | (labels or {})},
        "spec": {"taints": taints or [], "unschedulable": unschedulable},
        "status": {
            "nodeInfo": {
                "architecture": architecture,
                "operatingSystem": os,
                "kernelVersion": kernel,
            }
        },
    }


def affinity(*terms: dict[str, Any]) -> dict[str, Any]:
    """Required node affinity with these terms."""
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}
        }
    }


def term(
    *expressions: tuple[str, str, list[str]], fields: tuple[tuple[str, str, list[str]], ...] = ()
) -> dict[str, Any]:
    """A node selector term of (key, operator, values)."""

    def requirements(rows: tuple[tuple[str, str, list[str]], ...]) -> list[dict[str, Any]]:
        return [
            {"key": key, "operator": operator, "values": values} for key, operator, values in rows
        ]

    return {"matchExpressions": requirements(expressions), "matchFields": requirements(fields)}
