"""Openings: why a placement is not final, so that pods may land where they could not as it stands.

Sources: the Kubernetes API reference (schedulingGates, ``suspend``, ``managedBy``, RuntimeClass,
resourceClaims), the admission plug-in RuntimeClass, which adds a class's node selector and
tolerations to pods and not to their templates; Kueue, which adds those of a flavour when it admits
a job, or has another cluster run it; Volcano, whose jobs name the scheduler of all of their tasks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from elfgate.cluster.part import Part
from elfgate.errors import UnknownReason

DEFAULT_SCHEDULER = "default-scheduler"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"

# Controllers that run an object where it is: each is its kind's own, named as if nothing were.
_OWN_CONTROLLERS = ("*-controller", "*-operator")


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

    What holds a template back, and who places it, may be said at any height above it: a CronJob's
    of its Jobs.

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
    above = () if is_pod else _above(root, template)
    return (
        *_waiting(template, above, is_pod=is_pod),
        *_run_by_another(above),
        *_placed_by_another(spec, above),
        *_runtime_class(spec, is_pod=is_pod),
        *_devices(spec),
    )


def _above(root: Part, template: Part) -> tuple[Part, ...]:
    """The objects that the template lies in, and what else says how it is run."""
    found = [root, root.get("spec"), _member(root.get("spec"), "runPolicy")]
    part = template.parent
    while part is not None:
        found.append(part)
        part = part.parent
    return tuple(part for part in found if isinstance(part.value, dict))


def _member(part: Part, *names: str) -> Part:
    """A member of what may be anything."""
    for name in names:
        part = part.get(name) if isinstance(part.value, dict) else Part(None)
    return part


def _words(parts: Iterable[Part], *names: str) -> Iterator[str]:
    """The texts that any of these objects has under this name."""
    values = (_member(part, *names).value for part in parts)
    return (value for value in values if isinstance(value, str) and value)


def _waiting(template: Part, above: tuple[Part, ...], *, is_pod: bool) -> Iterator[Opening]:
    gates = [gate.get("name").text() for gate in template.get("spec", "schedulingGates").items()]
    if gates:
        because = f"scheduling gates hold it ({', '.join(gates)}), and what lifts them may place it"
        yield Opening(UnknownReason.GATED, because)
    elif queue := _queue(template, above, is_pod=is_pod):
        because = f"the queue {queue} admits its pods, and may place them"
        yield Opening(UnknownReason.GATED, because)
    if any(_member(part, "suspend").value is True for part in above):
        because = "it is suspended, and what resumes it may place its pods"
        yield Opening(UnknownReason.SUSPENDED, because)


def _queue(template: Part, above: tuple[Part, ...], *, is_pod: bool) -> str:
    """Kueue's queue.

    A pod that the API server's plug-ins have been over has a gate if Kueue holds it.
    """
    if is_pod and template.get("spec", "priority"):
        return ""
    return next(_words((template, *above), "metadata", "labels", QUEUE_LABEL), "")


def _run_by_another(above: tuple[Part, ...]) -> Iterator[Opening]:
    for name in _words(above, "managedBy"):
        if not any(fnmatchcase(name, pattern) for pattern in _OWN_CONTROLLERS):
            because = f"{name} runs it, and may do so in another cluster"
            yield Opening(UnknownReason.GATED, because)
            return


def _placed_by_another(spec: Part, above: tuple[Part, ...]) -> Iterator[Opening]:
    own = spec.get("schedulerName").text()
    name = own or next(_words(above, "schedulerName"), "")
    if name not in {"", DEFAULT_SCHEDULER}:
        because = f"the scheduler {name} places it, by rules of its own"
        yield Opening(UnknownReason.OTHER_SCHEDULER, because)


def _runtime_class(spec: Part, *, is_pod: bool) -> Iterator[Opening]:
    """The opening that a RuntimeClass makes, which may add tolerations and a node selector.

    A pod that the API server's plug-ins have been over has a priority, and what its class adds.
    """
    name = spec.get("runtimeClassName").text()
    if name and not (is_pod and spec.get("priority")):
        because = f"the RuntimeClass {name} may let its pods on to other nodes"
        yield Opening(UnknownReason.TEMPLATE, because)


def _devices(spec: Part) -> Iterator[Opening]:
    if spec.get("resourceClaims").items():
        because = "it claims devices, and which nodes have them is not known"
        yield Opening(UnknownReason.RESOURCE_ABSENT, because)
