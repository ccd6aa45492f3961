"""A workload that is audited, and what is told of it beside its verdict.

Sources: the Kubernetes API reference (``replicas``, ``parallelism``, the phases of a Pod, the conditions of a Job).
"""

from dataclasses import dataclass

from elfgate.cluster.part import Part
from elfgate.cluster.workload import Workload

_ONE = frozenset(("Deployment", "ReplicaSet", "StatefulSet", "ReplicationController", "Rollout"))
_OVER = frozenset(("Succeeded", "Failed"))


@dataclass(frozen=True, slots=True)
class Subject:
    """A workload that is audited.

    Attributes:
        workload: It as the gate takes it.
        source: Where it was read, such as ``objects.json: items[3]``.
        replicas: How many pods it asks for; None if it does not say.
        owner: Whose it is, by a label; empty if it does not say.
    """

    workload: Workload
    source: str
    replicas: int | None = None
    owner: str = ""


def is_over(obj: Part) -> bool:
    """Whether an object has run, and does not run again: a pod or a Job that has ended.

    Raises:
        InputError: if what says so has another shape.
    """
    if obj.get("kind").text() == "Pod":
        return obj.get("status", "phase").text() in _OVER
    conditions = obj.get("status", "conditions").items() if obj.get("kind").text() == "Job" else ()
    return any(
        condition.get("type").text() in {"Complete", "Failed"}
        and condition.get("status").text() == "True"
        for condition in conditions
    )


def replicas(obj: Part) -> int | None:
    """How many pods an object asks for; None if it does not say.

    Raises:
        InputError: if what says so has another shape.
    """
    kind = obj.get("kind").text()
    if kind == "Pod":
        return 1
    if kind == "Job":
        told = obj.get("spec", "parallelism").integer()
        return 1 if told is None else told
    if kind == "DaemonSet":
        return obj.get("status", "desiredNumberScheduled").integer()
    asked = obj.get("spec").mapping().get("replicas")
    if isinstance(asked, int):
        return asked
    return 1 if kind in _ONE else None


def owner(obj: Part, label: str) -> str:
    """The value of a label or an annotation of an object, or of its pod template's label; empty if there is none.

    Raises:
        InputError: if they have another shape.
    """
    metadata = obj.get("metadata")
    template = obj.get("spec").mapping().get("template")
    inner = Part(template).get("metadata") if isinstance(template, dict) else Part({})
    places = (metadata.get("labels"), metadata.get("annotations"), inner.get("labels"))
    return next((told for place in places if (told := place.get(label).text())), "")
