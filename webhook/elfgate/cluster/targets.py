"""The places where a pod may land.

The platforms that its placement and the nodes leave, with the nodes behind each.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.groups import Group, TooManyChecksError, few, groups
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import ARCHITECTURE_LABELS, stand_in
from elfgate.cluster.openings import Opening
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.placement import CONTAINERS, PARTS, Hurdle, Placement, read_placement
from elfgate.cluster.selector import HOSTNAME_LABEL, NODE_NAME_FIELD
from elfgate.cluster.target import Landing, Standing, Target
from elfgate.cluster.ties import is_tied
from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import NodeFacts
from elfgate.platforms import ARCHITECTURES, Platform

_Fact = TypeVar("_Fact")

_NODE = frozenset((NODE_NAME_FIELD, HOSTNAME_LABEL))
_ARCHITECTURE = frozenset(ARCHITECTURE_LABELS)
_DEFAULT = Outlook()

_TOO_MUCH = Opening(
    UnknownReason.LIMIT_EXCEEDED, "it asks more of its node than can be held against all nodes"
)
_AWAY = (UnknownReason.NODE_AWAY, "its nodes are not there for the moment, and may come back")
_NO_NODE = (UnknownReason.NO_NODE, "no node has this architecture yet")
_OPENED = (UnknownReason.TEMPLATE, "its pods may be let past the taints of nodes that are virtual")


@dataclass(frozen=True, slots=True)
class Demands:
    """A pod's demands on its node, and what may become of them.

    Attributes:
        pod_spec: The PodSpec.
        every_node: It is a DaemonSet's.
        template: It is one that pods are made of, which outlives what keeps them from nodes for a
            while.
        openings: Why its placement is not final.
    """

    pod_spec: Mapping[str, object]
    every_node: bool = False
    template: bool = False
    openings: tuple[Opening, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether it may wait for nodes that are away while others could take it."""
        return self.template or is_tied(self.pod_spec)

    @property
    def opens(self) -> bool:
        """Whether taints that it does not tolerate may still be opened to it.

        A pod that the API server's plug-ins and webhooks have been over has a priority; a
        DaemonSet's controller makes pods by what the template tolerates.
        """
        admitted = not self.template and self.pod_spec.get("priority") is not None
        return not (admitted or self.every_node)


def landing(demands: Demands, inventory: Inventory, outlook: Outlook = _DEFAULT) -> Landing:
    """Find where a pod may land, now and by what may still happen.

    An architecture that no node has yet is possible if the pod asks for it by name or the outlook
    has it, and the pod's other demands on architecture and system allow it; unless the pod names
    its nodes, and there are some. Where no node matches, the pod waits for one: of the
    architectures that it asks for, if it names them whatever else it asks, and else of any, so that
    nothing is known.

    Args:
        demands: The pod's.
        inventory: The nodes.
        outlook: What may be besides.

    Raises:
        InputError: if a part of the PodSpec has a wrong type; the message names it.
    """
    remembered, key = inventory.remembered(), _key(demands, outlook)
    found = remembered.get(key)
    if found is None:
        placement = read_placement(demands.pod_spec, every_node=demands.every_node)
        found = _Search(placement, demands, inventory, outlook).landing()
        if key:
            remembered.put(key, found)
    return found


def targets(
    pod_spec: Mapping[str, object],
    inventory: Inventory,
    *,
    every_node: bool = False,
    extra_architectures: Iterable[str] = (),
) -> tuple[Target, ...]:
    """Find the platforms that a pod may land on whose placement is final, sorted.

    Raises:
        InputError: if a part of the PodSpec has a wrong type; the message names it.
    """
    outlook = Outlook(tuple(extra_architectures))
    return landing(Demands(pod_spec, every_node), inventory, outlook).targets


def _key(demands: Demands, outlook: Outlook) -> bytes:
    """Tells demands apart in a few bytes, however long they are.

    As they are written, as reading them takes longer.

    Empty if there is more in them than Python can write: nothing that deep is read either.
    """
    pod_spec = demands.pod_spec
    parts = [pod_spec.get(part) for part in PARTS]
    resources = [_resources(pod_spec.get(part)) for part in CONTAINERS]
    how = (demands.every_node, demands.template, demands.waits, demands.opens)
    others = (how, demands.openings, outlook)
    try:
        told = repr((parts, resources, others))
    except RecursionError:
        return b""
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()


def _resources(containers: object) -> object:
    """The demands of the containers that have some.

    All that there is, if they have another shape.
    """
    if not isinstance(containers, list):
        return containers
    return [
        (container["resources"], container.get("restartPolicy"))
        if isinstance(container, dict)
        else container
        for container in containers
        if not isinstance(container, dict) or container.get("resources")
    ]


class _Search:
    """Finds where one pod may land."""

    def __init__(
        self, placement: Placement, demands: Demands, inventory: Inventory, outlook: Outlook
    ) -> None:
        self._placement = placement
        self._demands = demands
        self._inventory = inventory
        self._outlook = outlook
        self._too_much = False
        self._group(outlook)

    def _group(self, outlook: Outlook) -> None:
        try:
            found = tuple(groups(self._placement, self._inventory, outlook))
        except TooManyChecksError:
            found, self._too_much = (), True
        self._groups = tuple(group for group in found if group.kind.platform.architecture)
        self._nameless = tuple(group for group in found if not group.kind.platform.architecture)

    def landing(self) -> Landing:
        """Find the places, and what is open; of what asks too much, all is."""
        if self._too_much:
            return Landing((), (_TOO_MUCH,), _sorted(self._beyond((), (_TOO_MUCH,))))
        certain = self._able(Hurdle.NONE)
        away = self._able(Hurdle.PASSING)
        if self._demands.waits or not certain:
            away += self._able(Hurdle.AWAY)
        if self._demands.opens:
            away += self._able(Hurdle.OPENED)
        if self._demands.template and certain:
            away += self._waiting_for_devices()
        openings = (*self._demands.openings, *self._without_architecture())
        lacking = () if certain or away else self._unable()
        if lacking:
            openings = (*openings, self._absent())
        found = self._found(certain, away, lacking)
        targets = self._with_wanted(found)
        if not openings:
            return Landing(_sorted(targets))
        beyond = self._beyond(targets, openings)
        loose = [self._loosened(target) for target in targets]
        # What may change and leads nowhere else changes nothing.
        return Landing(_sorted(loose), openings if beyond else (), _sorted(beyond))

    def _loosened(self, target: Target) -> Target:
        """Leave nothing known of a platform's nodes that may not hold for others of it."""
        parts = [group for group in self._groups if group.kind.platform == target.platform]
        facts = _common([target.facts, stand_in(target.platform).facts])
        return replace(target, facts=facts, doubts=_doubts(parts))

    def _able(self, hurdle: Hurdle) -> tuple[Group, ...]:
        return tuple(group for group in self._groups if group.fits and group.hurdle is hurdle)

    def _waiting_for_devices(self) -> tuple[Group, ...]:
        """The nodes whose devices are out, and that would take it when they are back."""
        return tuple(
            group
            for group in self._groups
            if not group.fits and group.hurdle <= Hurdle.AWAY and self._placement.awaits(group.kind)
        )

    def _unable(self) -> tuple[Group, ...]:
        """The nodes that would take it if they had what it asks for."""
        most = Hurdle.AWAY if self._demands.template else Hurdle.PASSING
        return tuple(group for group in self._groups if not group.fits and group.hurdle <= most)

    def _without_architecture(self) -> Iterator[Opening]:
        """Any architecture may be that of a node which does not say it."""
        for group in self._nameless:
            if group.fits and group.hurdle <= Hurdle.AWAY:
                because = f"the node {group.names[0]} does not say of which architecture it is"
                yield Opening(UnknownReason.NODE_VIRTUAL, because)

    def _absent(self) -> Opening:
        because = f"no node that it may use is known to offer {self._placement.lacking()}"
        return Opening(UnknownReason.RESOURCE_ABSENT, because)

    def _found(
        self, certain: Sequence[Group], away: Sequence[Group], lacking: Sequence[Group]
    ) -> list[Target]:
        by_platform: dict[Platform, list[Group]] = defaultdict(list)
        for group in (*certain, *away, *lacking):
            by_platform[group.kind.platform].append(group)
        sure = {group.kind.platform for group in certain}
        return [
            _target(platform, parts)
            if platform in sure
            else _target(platform, parts, Standing.POSSIBLE, *self._why(parts, lacking))
            for platform, parts in by_platform.items()
        ]

    def _why(self, parts: Sequence[Group], lacking: Sequence[Group]) -> tuple[UnknownReason, str]:
        """Why a platform is not certain: what its nodes lack, or what keeps the pod from them."""
        if lacking:
            opening = self._absent()
            return opening.reason, opening.because
        opened = all(group.hurdle is Hurdle.OPENED for group in parts)
        return _OPENED if opened else _AWAY

    def _with_wanted(self, found: list[Target]) -> list[Target]:
        """Add the architectures that it asks for, or that may come.

        They are added if no node has them that it could use.
        """
        placement = self._placement
        if not found and not placement.names(_ARCHITECTURE):
            return []
        if found and (placement.node_name or placement.names(_NODE)):
            return found
        there = {target.platform for target in found} | self._kept_off()
        return found + [
            _target_without_nodes(platform)
            for platform in self._wanted()
            if platform not in there or not found
        ]

    def _kept_off(self) -> set[Platform]:
        """The platforms of nodes that it selects, and that a taint of theirs keeps it from."""
        extra = self._outlook.extra_architectures
        return {
            group.kind.platform
            for group in self._groups
            if group.kind.platform.architecture not in extra
        }

    def _wanted(self) -> Iterator[Platform]:
        """The platforms that the pod asks for by name or that may come.

        Its own demands must leave them.
        """
        asked = (
            value
            for item in self._placement.requirements()
            if item.key in _ARCHITECTURE and item.operator == "In"
            for value in item.values
        )
        yield from self._selected((*asked, *self._outlook.extra_architectures))

    def _selected(self, architectures: Iterable[str]) -> Iterator[Platform]:
        for architecture in dict.fromkeys(architectures):
            node = stand_in(Platform(self._placement.os or "linux", architecture))
            if self._placement.selects(node, node.name, node.labels):
                yield node.platform

    def _beyond(self, targets: Iterable[Target], openings: Sequence[Opening]) -> list[Target]:
        """Every platform that nothing keeps it from but what may change."""
        reason, because = openings[0].reason, openings[0].because
        there = {target.platform for target in targets}
        nodes: dict[Platform, list[Group]] = defaultdict(list)
        for group in self._groups:
            nodes[group.kind.platform].append(group)
        known = [
            _target(platform, parts, Standing.OPEN, reason, because)
            for platform, parts in nodes.items()
            if platform not in there
        ]
        return known + [
            Target(platform, 0, (), stand_in(platform).facts, Standing.OPEN, reason, because)
            for platform in self._selected(ARCHITECTURES)
            if platform not in there | nodes.keys()
        ]


def _sorted(targets: Iterable[Target]) -> tuple[Target, ...]:
    return tuple(sorted(targets, key=lambda target: target.platform))


def _target_without_nodes(platform: Platform) -> Target:
    facts = stand_in(platform).facts
    return Target(platform, 0, (), facts, Standing.POSSIBLE, _NO_NODE[0], _NO_NODE[1])


def _target(
    platform: Platform,
    parts: Sequence[Group],
    standing: Standing = Standing.CERTAIN,
    reason: UnknownReason | None = None,
    because: str = "",
) -> Target:
    real = [group for group in parts if not group.kind.stand_in]
    return Target(
        platform=platform,
        nodes=sum(group.count for group in parts),
        names=few(name for group in real for name in group.names),
        facts=_common([group.kind.facts for group in parts]),
        standing=standing,
        reason=reason,
        because=because,
        doubts=_doubts(parts),
        groups=tuple((group.kind.labels, group.count) for group in real),
    )


def _doubts(parts: Sequence[Group]) -> tuple[Doubt, ...]:
    """Each doubt about one of the nodes: that one may be where it starts."""
    return tuple(dict.fromkeys(doubt for group in parts for doubt in group.kind.doubts))


def _common(facts: list[NodeFacts]) -> NodeFacts:
    """The facts that hold wherever the pod lands.

    Emulation is the exception: one node that has it may be where it starts.
    """
    return NodeFacts(
        page_size=_agreed({item.page_size for item in facts}),
        cpu_level=_agreed({item.cpu_level for item in facts}),
        kernel=_agreed({item.kernel for item in facts}),
        emulates=frozenset().union(*(item.emulates for item in facts)),
        runtime=_agreed({item.runtime for item in facts}),
    )


def _agreed(values: set[_Fact]) -> _Fact | None:
    return values.pop() if len(values) == 1 else None
