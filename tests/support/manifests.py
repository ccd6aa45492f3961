"""Manifests as people write them, around one container or several."""

from typing import Any

_API = {"CronJob": "batch/v1", "Job": "batch/v1", "Pod": "v1"}


def pod(name: str, image: str, *, on: str = "", **spec: Any) -> dict[str, Any]:
    """A Pod with one container ``server``; ``on`` pins it to an architecture."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": pod_spec(image, on=on, **spec),
    }


def workload(kind: str, name: str, image: str, *, on: str = "", **spec: Any) -> dict[str, Any]:
    """A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob; ``spec`` is the workload's own."""
    labels = {"app": name}
    template: dict[str, Any] = {"metadata": {"labels": labels}, "spec": pod_spec(image, on=on)}
    if kind in {"Job", "CronJob"}:
        template["spec"]["restartPolicy"] = "Never"
        own: dict[str, Any] = {"template": template}
    else:
        own = {"template": template, "selector": {"matchLabels": labels}}
    if kind == "StatefulSet":
        own["serviceName"] = name
    if kind == "CronJob":
        own = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": own}}
    api = _API.get(kind, "apps/v1")
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": own | spec}


def pod_spec(image: str, *, on: str = "", **spec: Any) -> dict[str, Any]:
    """A PodSpec with one container ``server``."""
    selector = {"nodeSelector": {"kubernetes.io/arch": on}} if on else {}
    return {"containers": [{"name": "server", "image": image}], **selector, **spec}
