"""A workload that is audited, and what is told of it beside its verdict.

Sources: the Kubernetes API reference (``replicas``, ``parallelism``, the phases of a Pod, the
conditions of a Job).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from elfgate.cluster.part import Part
from elfgate.cluster.placement import CONTAINERS
from elfgate.cluster.workload import Workload, parts_of

_ONE = frozenset(("Deployment", "ReplicaSet", "StatefulSet", "ReplicationController", "Rollout"))
_LONG = frozenset((*CONTAINERS, "ephemeralContainers", "volumes"))
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


def slim(found: Workload) -> Workload:
    """A workload without what the gate does not read of its PodSpec.

    There may be ten thousand of them.
    """
    others = tuple(slim(each) for each in found.others)
    return replace(found, pod_spec=_slim(found.pod_spec), others=others)


def _slim(spec: Mapping[str, object]) -> dict[str, object]:
    kept = {key: value for key, value in spec.items() if key not in _LONG}
    for field in CONTAINERS:
        if isinstance(containers := spec.get(field), list):
            kept[field] = [_only(each, ("resources", "restartPolicy")) for each in containers]
    if isinstance(volumes := spec.get("volumes"), list):
        kept["volumes"] = [_only(each, ("image",)) for each in volumes]
    return kept


def _only(value: object, keys: tuple[str, ...]) -> object:
    """An object's members of these keys; what is no object, as it is."""
    if not isinstance(value, dict):
        return value
    return {key: value[key] for key in keys if key in value}


def container_names(found: Workload) -> set[str]:
    """The names of all containers of all pod templates."""
    return {each.name for part in parts_of(found) for each in part.containers}


def shape(pod: Workload) -> int:
    """A number that is the same for pods with the same containers and commands."""
    return hash(
        tuple(
            (each.name, each.image, each.overrides.command, each.overrides.args)
            for each in pod.containers
        )
    )


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
    """The number of pods that an object asks for; None if it does not say.

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
    """The value of a label or an annotation of an object, or of its pod template's label.

    Empty if there is none.

    Raises:
        InputError: if they have another shape.
    """
    metadata = obj.get("metadata")
    template = obj.get("spec").mapping().get("template")
    inner = Part(template).get("metadata") if isinstance(template, dict) else Part({})
    places = (metadata.get("labels"), metadata.get("annotations"), inner.get("labels"))
    return next((told for place in places if (told := place.get(label).text())), "")
