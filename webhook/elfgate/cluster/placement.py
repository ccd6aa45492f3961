"""The demands of a pod on the node that it lands on.

Sources: the scheduler's plug-ins NodeName, NodeAffinity, NodeUnschedulable and TaintToleration
(``pkg/scheduler/framework/plugins``), the kubelet's own check of a pod that names its node
(``pkg/kubelet/lifecycle/predicate.go``), the tolerations of a DaemonSet's pods
(``pkg/controller/daemon/util``), the admission plug-in ExtendedResourceToleration.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from elfgate.cluster.outlook import LIFE_CYCLE_TAINTS, Outlook, is_opened
from elfgate.cluster.part import Part
from elfgate.cluster.resources import devices, fits, is_extended, requests
from elfgate.cluster.selector import Requirement, Term, read_term
from elfgate.cluster.taints import (
    NO_EXECUTE,
    NO_SCHEDULE,
    Taint,
    Toleration,
    read_tolerations,
    tolerated,
)
from elfgate.errors import InputError
from elfgate.platforms import Platform

_SCHEDULER = frozenset((NO_SCHEDULE, NO_EXECUTE))
_KUBELET = frozenset((NO_EXECUTE,))
_CORDON = Taint("node.kubernetes.io/unschedulable", "", NO_SCHEDULE)

# Of a PodSpec, all that is read: these, and the resources of these.
PARTS = ("nodeName", "os", "nodeSelector", "affinity", "tolerations", "resources", "overhead")
CONTAINERS = ("initContainers", "containers")

# Each is held against each kind of node, while others wait.
_MOST_DEMANDS = 2000
_MOST_VALUES = 1 << 14  # in all terms together: the largest clusters have 15,000 nodes to be named


class Candidate(Protocol):
    """A node, or a group of nodes that are alike in this."""

    @property
    def platform(self) -> Platform:
        """Its operating system and architecture."""

    @property
    def taints(self) -> tuple[Taint, ...]:
        """All of its taints."""

    @property
    def unschedulable(self) -> bool:
        """It is cordoned."""

    @property
    def stand_in(self) -> bool:
        """It stands for any node of its platform."""

    @property
    def offers(self) -> tuple[tuple[str, int], ...]:
        """Its devices and huge pages, in thousandths."""

    @property
    def room(self) -> tuple[int | None, ...]:
        """How much of each of ``resources.ROOM`` it has, in thousandths."""


class Hurdle(IntEnum):
    """The hurdles between a pod and a node that it selects: the lowest is over soonest."""

    NONE = 0
    PASSING = 1  # a state of the node's life cycle
    AWAY = 2  # a cordon, or a taint of a node that starts up or is being replaced
    OPENED = 3  # a taint past which a provider may let pods
    TAINT = 4  # a taint that the pod does not tolerate


@dataclass(frozen=True, slots=True)
class Placement:
    """A pod's demands on its node.

    Attributes:
        node_name: ``nodeName``, or empty.
        os: ``os.name``, or empty.
        labels: ``nodeSelector``.
        terms: Those of the required node affinity, ORed; None if there is no such affinity.
        tolerations: Its own, and those that it will be given.
        passing: Keys of taints that do not count.
        requests: What its node must have, in thousandths, by resource.
    """

    node_name: str
    os: str
    labels: Mapping[str, str]
    terms: tuple[Term, ...] | None
    tolerations: tuple[Toleration, ...]
    passing: frozenset[str] = LIFE_CYCLE_TAINTS
    requests: Mapping[str, int] = field(default_factory=dict)

    def admits(self, candidate: Candidate, name: str, labels: Mapping[str, str]) -> bool:
        """Whether the pod may land on a node of this name and these labels."""
        return self.selects(candidate, name, labels) and self.tolerates(candidate)

    def selects(self, candidate: Candidate, name: str, labels: Mapping[str, str]) -> bool:
        """Whether nodeName, os, nodeSelector and the required affinity leave the node."""
        stand_in = candidate.stand_in
        return (
            (stand_in or self.node_name in {"", name})
            and self.os in {"", candidate.platform.os}
            and all(
                labels.get(key, value if stand_in else None) == value
                for key, value in self.labels.items()
            )
            and (
                self.terms is None
                or any(term.matches(name, labels, stand_in=stand_in) for term in self.terms)
            )
        )

    def tolerates(self, candidate: Candidate) -> bool:
        """Whether the node's taints leave it to the pod.

        A pod that names its node has passed the scheduler by.
        """
        taints = [taint for taint in candidate.taints if taint.key not in self.passing]
        if self.node_name:
            return tolerated(taints, self.tolerations, _KUBELET)
        if candidate.unschedulable:
            taints.append(_CORDON)
        return tolerated(taints, self.tolerations, _SCHEDULER)

    def hurdle(self, candidate: Candidate, outlook: Outlook) -> Hurdle:
        """The node's highest hurdle: it keeps the pod from a node that the pod selects."""
        if not candidate.taints and not candidate.unschedulable:
            return Hurdle.NONE
        effects = _KUBELET if self.node_name else _SCHEDULER
        against = [
            taint
            for taint in candidate.taints
            if not tolerated((taint,), self.tolerations, effects)
        ]
        if candidate.unschedulable and not self.node_name:
            against += [] if tolerated((_CORDON,), self.tolerations, effects) else [_CORDON]
        return max((_height(taint, outlook) for taint in against), default=Hurdle.NONE)

    def fits(self, candidate: Candidate) -> bool:
        """Whether the node could take the pod if it had nothing else to do."""
        if candidate.stand_in or self.node_name or not self.requests:
            return True
        return fits(self.requests, candidate.room, candidate.offers)

    def awaits(self, candidate: Candidate) -> bool:
        """Whether the node has a device that the pod asks for, and none of it to give.

        That is so while the device's plug-in is away.
        """
        return any(not amount and name in self.requests for name, amount in candidate.offers)

    def lacking(self) -> str:
        """The demand that no node may meet, for people."""
        return ", ".join(sorted(devices(self.requests))) or "as much as it asks for"

    def names(self, keys: AbstractSet[str]) -> bool:
        """Each of its alternatives lists the values that a label or field of ``keys`` may have."""
        return not keys.isdisjoint(self.labels) or (
            bool(self.terms) and all(term.names(keys) for term in self.terms or ())
        )

    def requirements(self) -> Iterator[Requirement]:
        """Every requirement on labels and fields, in nodeSelector and in any term."""
        for key, value in self.labels.items():
            yield Requirement(key, "In", (value,))
        for term in self.terms or ():
            yield from term.labels
            yield from term.fields


def read_placement(
    pod_spec: Mapping[str, object],
    *,
    every_node: bool = False,
    passing: frozenset[str] = LIFE_CYCLE_TAINTS,
) -> Placement:
    """Read the placement of a PodSpec.

    Args:
        pod_spec: The PodSpec.
        every_node: It is a DaemonSet's: its pods tolerate cordoned nodes.
        passing: Keys of taints that do not count.

    Raises:
        InputError: if a part has a wrong type, or there are more demands than anyone would write.
    """
    spec = Part(pod_spec, None, "spec")
    asking = [container for part in CONTAINERS for container in spec.get(part).having("resources")]
    _bound(sum(_quantities(container) for container in asking))
    required = spec.get(
        "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
    )
    alternatives = required.get("nodeSelectorTerms").items()
    if sum(map(_values, alternatives)) > _MOST_VALUES:
        raise InputError(f"spec names more than {_MOST_VALUES} values of nodes' labels")
    terms = tuple(map(read_term, alternatives))
    granted = (_exists(_CORDON.key),) if every_node else _resource_tolerations(asking)
    placement = Placement(
        node_name=spec.get("nodeName").text(),
        os=spec.get("os", "name").text(),
        labels=spec.get("nodeSelector").texts(),
        terms=terms if required else None,
        tolerations=read_tolerations(spec.get("tolerations")) + granted,
        passing=passing,
        requests=requests(spec),
    )
    _bound(len(terms) + sum(1 for _ in placement.requirements()) + len(placement.tolerations))
    return placement


def _values(term: Part) -> int:
    """How many values a NodeSelectorTerm names, which are not read for that."""
    found = (term.get(part).items() for part in ("matchExpressions", "matchFields"))
    return sum(item.get("values").count() for items in found for item in items)


def _bound(demands: int) -> None:
    if demands > _MOST_DEMANDS:
        raise InputError(f"spec asks more than {_MOST_DEMANDS} things of its node")


def _height(taint: Taint, outlook: Outlook) -> Hurdle:
    if taint.key in LIFE_CYCLE_TAINTS:
        return Hurdle.PASSING
    if outlook.is_away(taint.key):
        return Hurdle.AWAY
    return Hurdle.OPENED if is_opened(taint.key) else Hurdle.TAINT


def _quantities(container: Part) -> int:
    """How many quantities a container asks for, or 1 if it asks for none.

    Each costs as much as a label.
    """
    resources = container.get("resources")
    amounts = (resources.get(part).mapping() for part in ("requests", "limits"))
    return max(1, sum(map(len, amounts)))


def _resource_tolerations(asking: Iterable[Part]) -> tuple[Toleration, ...]:
    """A pod that asks for an extended resource may be given a toleration of that name.

    Such a resource is ``nvidia.com/gpu``.

    The admission plug-in ExtendedResourceToleration does so to pods, not to their templates:
    without this, a workload made for tainted GPU nodes would seem to land anywhere else. It must
    not add nodes to a DaemonSet's, which has to start on each of them.
    """
    resources = [container.get("resources") for container in asking]
    names = {
        name
        for part in ("requests", "limits")
        for resource in resources
        for name in resource.get(part).mapping()
    }
    return tuple(_exists(name) for name in sorted(filter(is_extended, names)))


def _exists(key: str) -> Toleration:
    return Toleration(key, "Exists", "", NO_SCHEDULE)
