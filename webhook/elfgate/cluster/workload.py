"""Any kind that holds a pod template → what is to be judged of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.hooks import Hook
from elfgate.cluster.openings import DEFAULT_SCHEDULER, Opening
from elfgate.cluster.part import Part
from elfgate.linkage.inputs import Overrides

CONTAINERS = 128  # that one review looks at
PARTS = 64  # pod templates of one object that a review looks at


class Point(StrEnum):
    """The point where a verdict is asked for: policy may decide differently at each."""

    WORKLOAD = "workload"
    POD = "pod"
    BINDING = "binding"

    @classmethod
    def of_kind(cls, kind: str) -> "Point":
        """The point where an object that is created is asked about."""
        return cls.POD if kind == "Pod" else cls.WORKLOAD


class Role(StrEnum):
    """The part of a container in its pod."""

    INIT = "init"
    SIDECAR = "sidecar"  # an init container with restartPolicy Always
    MAIN = "main"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class Container:
    """One container that is to be started.

    Attributes:
        name: Its name in the pod.
        image: The image reference, as written; empty if a template leaves it to someone else (an
            injector).
        role: What it is to its pod.
        overrides: What the pod changes of the image's defaults.
        skipped: The bound of a review that it is beyond, so that neither it nor what follows it is
            looked at; empty if it is.
        doubts: Why what would fail may not, for what the pod says of it.
        hooks: What else is executed in it.
    """

    name: str
    image: str
    role: Role = Role.MAIN
    overrides: Overrides = field(default_factory=Overrides)
    skipped: str = ""
    doubts: tuple[Doubt, ...] = ()
    hooks: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels and annotations of an object, and of the pods that are made of it."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    pod_annotations: Mapping[str, str] = field(default_factory=dict)


_NO_LABELS = Labels()


@dataclass(frozen=True, slots=True)
class Workload:
    """An object with a pod (template) in it.

    Attributes:
        kind: Such as ``Deployment``.
        namespace: Empty where it is not known.
        name: Empty where the API server is still to make one up.
        containers: Every container that will be started, init containers first; of more than
            ``CONTAINERS`` one beyond.
        pod_spec: The PodSpec as it came, for its placement (nodeName, nodeSelector, affinity,
            tolerations, os).
        every_node: It runs on every node that it selects (DaemonSet), not on any one.
        placed: How many nodes have its pods, by the status of a DaemonSet; None if that is not said.
        template: Its pods are still to be made; false for a Pod.
        openings: Why its placement is not final.
        part: Which part of the object it is, such as ``spec.tasks[1].template``; empty for the
            object itself.
        others: The object's further pod templates.
        owners: The controllers that made it, the nearest first, each as ``KIND/NAME``.
        before: It as it was before the update that is asked about; None for what is new, or was of
            another shape.
        labels: Its labels and annotations, and its pods', for rules of the user's own.
    """

    kind: str
    namespace: str
    name: str
    containers: tuple[Container, ...]
    pod_spec: dict[str, object]
    every_node: bool = False
    placed: int | None = None
    template: bool = False
    openings: tuple[Opening, ...] = ()
    part: str = ""
    others: "tuple[Workload, ...]" = ()
    owners: tuple[str, ...] = ()
    before: "Workload | None" = None
    labels: Labels = _NO_LABELS

    def image_volumes(self, most: int | None = None) -> tuple[str, ...]:
        """The images that are mounted as volumes, but for those that only the nodes have.

        Args:
            most: Of how many volumes; None for all.

        Raises:
            InputError: if what says so has another shape.
        """
        return tuple(dict.fromkeys(islice(self._image_volumes(), most)))

    def _image_volumes(self) -> Iterator[str]:
        for volume in Part(self.pod_spec, None, "spec").get("volumes").items():
            image = volume.get("image")
            if image.get("reference") and image.get("pullPolicy").text() != "Never":
                yield image.get("reference").text()

    @property
    def runtime_class(self) -> str:
        """Its RuntimeClass, or empty.

        Raises:
            InputError: if what says so is not a string.
        """
        return Part(self.pod_spec, None, "spec").get("runtimeClassName").text()

    @property
    def scheduler(self) -> str:
        """The scheduler of its pods, if it is another than Kubernetes' own.

        Raises:
            InputError: if what says so is not a string.
        """
        name = Part(self.pod_spec, None, "spec").get("schedulerName").text()
        return "" if name == DEFAULT_SCHEDULER else name

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates that its pods wait for before they are scheduled (``schedulingGates``).

        Raises:
            InputError: if what says so has another shape.
        """
        gates = Part(self.pod_spec, None, "spec").get("schedulingGates").items()
        return tuple(gate.get("name").text() for gate in gates)


def parts_of(whole: Workload | None) -> "tuple[Workload, ...]":
    """An object's pod templates, each alone; none of nothing."""
    if whole is None:
        return ()
    return (replace(whole, others=()), *whole.others) if whole.others else (whole,)


def within(whole: Workload, namespace: str) -> Workload:
    """An object in a namespace, where it names none itself."""
    others = tuple(replace(other, namespace=other.namespace or namespace) for other in whole.others)
    return replace(whole, namespace=whole.namespace or namespace, others=others)
