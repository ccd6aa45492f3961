"""Openings: why a placement is not final, so that pods may land where they could not as it stands.

Sources: the Kubernetes API reference (schedulingGates, ``suspend``, RuntimeClass, resourceClaims), the
admission plug-in RuntimeClass, which adds a class's node selector and tolerations to pods and not to
their templates; Kueue, which adds those of a flavour when it admits a job.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from elfgate.cluster.part import Part
from elfgate.errors import UnknownReason

DEFAULT_SCHEDULER = "default-scheduler"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


@dataclass(frozen=True, slots=True)
class Opening:
    """One reason why a placement may still change.

    Attributes:
        reason: For policy.
        because: One clause, for people.
    """

    reason: UnknownReason
    because: str


def openings(root: Part, template: Part, *, is_pod: bool) -> tuple[Opening, ...]:
    """The openings of an object.

    Args:
        root: The object.
        template: What its pods are made of: their metadata and spec.
        is_pod: It is a Pod itself.

    Raises:
        InputError: if a part that is read has a wrong type.
    """
    spec = template.get("spec")
    if spec.get("nodeName").text():
        return ()  # nothing chooses its node any more
    return (
        *_waiting(root, template, is_pod=is_pod),
        *_placed_by_another(spec),
        *_runtime_class(spec, is_pod=is_pod),
        *_devices(spec),
    )


def _waiting(root: Part, template: Part, *, is_pod: bool) -> Iterator[Opening]:
    spec = template.get("spec")
    gates = [gate.get("name").text() for gate in spec.get("schedulingGates").items()]
    if gates:
        because = f"scheduling gates hold it ({', '.join(gates)}), and what lifts them may place it"
        yield Opening(UnknownReason.GATED, because)
    elif queue := _queue(root, template, is_pod=is_pod):
        because = f"the queue {queue} admits its pods, and may place them"
        yield Opening(UnknownReason.GATED, because)
    if not is_pod and _is_suspended(root):
        because = "it is suspended, and what resumes it may place its pods"
        yield Opening(UnknownReason.SUSPENDED, because)


def _queue(root: Part, template: Part, *, is_pod: bool) -> str:
    """Kueue's queue. A pod's own gate says it; a template's pods are still to be given theirs."""
    if is_pod:
        return ""
    own = template.get("metadata", "labels", QUEUE_LABEL).text()
    return own or root.get("metadata", "labels", QUEUE_LABEL).text()


def _is_suspended(root: Part) -> bool:
    spec = root.get("spec")
    run_policy = spec.get("runPolicy")
    return any(part.value is True for part in (spec.get("suspend"), run_policy.get("suspend")))


def _placed_by_another(spec: Part) -> Iterator[Opening]:
    name = spec.get("schedulerName").text()
    if name not in {"", DEFAULT_SCHEDULER}:
        because = f"the scheduler {name} places it, by rules of its own"
        yield Opening(UnknownReason.OTHER_SCHEDULER, because)


def _runtime_class(spec: Part, *, is_pod: bool) -> Iterator[Opening]:
    """A pod that the API server's plug-ins have been over has a priority, and what its class adds."""
    name = spec.get("runtimeClassName").text()
    if name and not (is_pod and spec.get("priority")):
        because = f"the RuntimeClass {name} may let its pods on to other nodes"
        yield Opening(UnknownReason.TEMPLATE, because)


def _devices(spec: Part) -> Iterator[Opening]:
    if spec.get("resourceClaims").items():
        because = "it claims devices, and which nodes have them is not known"
        yield Opening(UnknownReason.RESOURCE_ABSENT, because)
