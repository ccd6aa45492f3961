"""Any kind that holds a pod template → what is to be judged of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from elfgate.cluster.part import Part
from elfgate.linkage.start import Overrides

CONTAINERS = 128  # that one review looks at

_DEFAULT_SCHEDULER = "default-scheduler"


class Point(StrEnum):
    """Where a verdict is asked for: policy may decide differently at each."""

    WORKLOAD = "workload"
    POD = "pod"
    BINDING = "binding"
    CHECK = "check"


class Role(StrEnum):
    """What a container is to its pod."""

    INIT = "init"
    SIDECAR = "sidecar"  # an init container with restartPolicy Always
    MAIN = "main"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class Container:
    """One container that is to be started.

    Attributes:
        name: Its name in the pod.
        image: The image reference, as written; empty if a template leaves it to someone else (an injector).
        role: What it is to its pod.
        overrides: What the pod changes of the image's defaults.
        skipped: The bound of a review that it is beyond, so that it is not looked at; empty if it is.
    """

    name: str
    image: str
    role: Role = Role.MAIN
    overrides: Overrides = field(default_factory=Overrides)
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """An object with a pod (template) in it.

    Attributes:
        kind: Such as ``Deployment``.
        namespace: Empty where it is not known.
        name: Empty where the API server is still to make one up.
        containers: Every container that will be started, init containers first; of more than ``CONTAINERS`` one beyond.
        pod_spec: The PodSpec as it came, for its placement (nodeName, nodeSelector, affinity, tolerations, os).
        every_node: It runs on every node that it selects (DaemonSet), not on any one.
    """

    kind: str
    namespace: str
    name: str
    containers: tuple[Container, ...]
    pod_spec: dict[str, object]
    every_node: bool = False

    @property
    def scheduler(self) -> str:
        """Who schedules its pods, if it is another than Kubernetes' own scheduler.

        Raises:
            InputError: if what says so is not a string.
        """
        name = Part(self.pod_spec, None, "spec").get("schedulerName").text()
        return "" if name == _DEFAULT_SCHEDULER else name

    @property
    def gates(self) -> tuple[str, ...]:
        """What its pods wait for before they are scheduled (``schedulingGates``).

        Raises:
            InputError: if what says so has another shape.
        """
        gates = Part(self.pod_spec, None, "spec").get("schedulingGates").items()
        return tuple(gate.get("name").text() for gate in gates)
