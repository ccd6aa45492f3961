"""Small clusters and workloads by chance, with what is known of each: on which architectures its program starts."""

import random
from dataclasses import dataclass
from typing import Any

from .objects import affinity, term

ARCHITECTURES = ("amd64", "arm64", "ppc64le")
EVERYWHERE = frozenset(ARCHITECTURES)
OTHER_SCHEDULER = "other"
RUNTIME_CLASS = "crun"  # its pods are given TOLERATION when they are made
GPU = "example.com/gpu"
TOLERATION = {"key": "team", "operator": "Exists"}
PASSING = ("node.cilium.io/agent-not-ready", "karpenter.sh/disrupted")

Object = dict[str, Any]

_ELSEWHERE = [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]
_MOUNT = [{"name": "v", "mountPath": "/var/run"}]
# Programs, and where they were made to start. What is only known in the cluster may start anywhere.
_PROGRAMS: list[tuple[Object, frozenset[str]]] = [
    ({"image": "ex/amd64only:1"}, frozenset({"amd64"})),
    ({"image": "ex/shell:1", "command": ["/app"]}, EVERYWHERE),
    ({"image": "ex/shell:1", "command": ["/nosuch"]}, frozenset()),
    ({"image": "ex/script:1", "args": ["nosuch"]}, frozenset()),
    ({"image": "ex/shell:1", "command": ["$(X)/nosuch"], "env": _ELSEWHERE}, EVERYWHERE),
    ({"image": "ex/shell:1", "command": ["/run/prog"], "volumeMounts": _MOUNT}, EVERYWHERE),
]


@dataclass(frozen=True)
class Asked:
    """A workload.

    Attributes:
        obj: The object.
        starts_on: The architectures on which its program was made to start.
    """

    obj: Object
    starts_on: frozenset[str]

    @property
    def name(self) -> str:
        """The object's name, which is also its pods' label ``of``."""
        return str(self.obj["metadata"]["name"])


class Dice:
    """Seeded choices."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same clusters each time

    def nodes(self) -> list[Object]:
        """One to five nodes, mostly of two architectures."""
        some = self.random.sample(ARCHITECTURES, self.random.choice((1, 2, 2, 3)))
        count = self.random.randint(1, 5)
        return [self.node(f"n{number}", self.random.choice(some)) for number in range(count)]

    def node(self, name: str, architecture: str) -> Object:
        """A node with taints, a cordon, devices and a pool."""
        keys = [key for key in ("team", *PASSING) if self._chance(0.12)]
        taints = [{"key": key, "effect": "NoSchedule"} for key in keys]
        labels = {"pool": self.random.choice("ab")} if self._chance(0.5) else {}
        devices = {GPU: self.random.choice(("0", "5000"))} if self._chance(0.4) else {}
        return node(name, architecture, taints, labels, devices, cordoned=self._chance(0.12))

    def workload(self, name: str) -> Asked:
        """A workload of any kind."""
        kind = self.random.choice(("Pod", "Pod", "Deployment", "DaemonSet", "Job"))
        program, starts_on = self.random.choice(_PROGRAMS)
        spec = self._spec({"name": "c", "resources": self._resources(), **program})
        return Asked(self._object(kind, name, spec), starts_on)

    def _object(self, kind: str, name: str, spec: Object) -> Object:
        metadata = {"name": name, "labels": {"of": name}}
        template = {"metadata": {"labels": {"of": name}}, "spec": spec}
        if kind == "Pod":
            return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
        outer: Object = {"template": template}
        if kind == "Job":
            spec["restartPolicy"] = "Never"
            outer["suspend"] = self._chance(0.3)
            return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": outer}
        outer["selector"] = {"matchLabels": {"of": name}}
        return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": outer}

    def _spec(self, container: Object) -> Object:
        spec: Object = {"containers": [container], "terminationGracePeriodSeconds": 0}
        if "volumeMounts" in container:
            spec["volumes"] = [{"name": "v", "emptyDir": {}}]
        if selector := self._selector():
            spec["nodeSelector"] = selector
        if self._chance(0.3):
            spec["affinity"] = affinity(term(self._expression()))
        if self._chance(0.25):
            spec["tolerations"] = [self.random.choice((TOLERATION, {"operator": "Exists"}))]
        if self._chance(0.08):
            spec["schedulingGates"] = [{"name": "example.com/wait"}]
        if self._chance(0.08):
            spec["schedulerName"] = OTHER_SCHEDULER
        if self._chance(0.1):
            spec["runtimeClassName"] = RUNTIME_CLASS
        return spec

    def _selector(self) -> dict[str, str]:
        selector = {}
        if self._chance(0.2):
            selector["kubernetes.io/arch"] = self.random.choice(ARCHITECTURES)
        if self._chance(0.1):
            selector["pool"] = self.random.choice("abc")
        return selector

    def _expression(self) -> tuple[str, str, list[str]]:
        operator = self.random.choice(("In", "In", "NotIn", "Exists"))
        count = 0 if operator == "Exists" else self.random.choice((1, 2))
        return "kubernetes.io/arch", operator, self.random.sample(ARCHITECTURES, count)

    def _resources(self) -> Object:
        asked = {}
        if self._chance(0.12):
            asked[GPU] = "1"
        if self._chance(0.05):
            asked["cpu"] = "64"
        if self._chance(0.03):
            asked |= {"hugepages-1Gi": "1Gi", "memory": "1Mi"}
        return {"limits": asked, "requests": asked}

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability


def node(
    name: str,
    architecture: str,
    taints: list[dict[str, str]] | None = None,
    labels: dict[str, str] | None = None,
    devices: dict[str, str] | None = None,
    *,
    cordoned: bool = False,
) -> Object:
    """A node that kwok keeps ready, with room for all that is asked of small clusters."""
    own = {"kubernetes.io/arch": architecture, "kubernetes.io/os": "linux"}
    room = {"cpu": "32", "memory": "256Gi", "pods": "9000", "hugepages-1Gi": "0", **(devices or {})}
    empty = ("kubeletVersion", "osImage", "kernelVersion", "bootID", "machineID", "systemUUID")
    info = dict.fromkeys((*empty, "containerRuntimeVersion", "kubeProxyVersion"), "")
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {**own, "kubernetes.io/hostname": name, **(labels or {})},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "spec": {"taints": taints or [], "unschedulable": cordoned},
        "status": {
            "allocatable": room,
            "capacity": room,
            "nodeInfo": info | {"architecture": architecture, "operatingSystem": "linux"},
        },
    }
