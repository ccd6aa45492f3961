"""Where a pod may land: the platforms that its placement and the nodes leave, with the nodes behind each."""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from elfgate.cluster.inventory import NAMES, OTHER, Inventory, Kind
from elfgate.cluster.nodes import ARCHITECTURE_LABELS, stand_in
from elfgate.cluster.placement import CONTAINERS, PARTS, Placement, read_placement
from elfgate.cluster.selector import HOSTNAME_LABEL, NODE_NAME_FIELD, Requirement
from elfgate.linkage.start import NodeFacts
from elfgate.platforms import Platform

_Fact = TypeVar("_Fact")

_NODE = frozenset((NODE_NAME_FIELD, HOSTNAME_LABEL))
_ARCHITECTURE = frozenset(ARCHITECTURE_LABELS)


@dataclass(frozen=True, slots=True)
class Target:
    """One platform that a pod may land on.

    Attributes:
        platform: Which.
        nodes: How many nodes of it the pod may land on; 0 for an architecture that is asked for but has no node yet.
        names: A few of them, sorted; none of a stand-in.
        facts: What holds for all of these nodes; what they emulate, if any of them does.
    """

    platform: Platform
    nodes: int
    names: tuple[str, ...] = ()
    facts: NodeFacts = field(default_factory=NodeFacts)


def targets(
    pod_spec: Mapping[str, object],
    inventory: Inventory,
    *,
    every_node: bool = False,
    extra_architectures: Iterable[str] = (),
) -> tuple[Target, ...]:
    """The platforms that a pod may land on, sorted.

    An architecture that no node has yet counts if the pod asks for it by name or it is in ``extra_architectures``, and
    the pod's other demands on architecture and system allow it; unless the pod names its nodes, and there are some.
    Where no node matches, the pod waits for one: of the architectures that it asks for, if it names them whatever else
    it asks, and else of any, so that nothing is known.

    Args:
        pod_spec: The PodSpec.
        inventory: The nodes.
        every_node: It is a DaemonSet's.
        extra_architectures: Those that an autoscaler may add.

    Returns:
        The targets; empty if nothing is known of where the pod may land.

    Raises:
        InputError: if a part of the PodSpec has a wrong type; the message names it.
    """
    remembered, key = inventory.remembered(), _key(pod_spec, every_node, tuple(extra_architectures))
    found = remembered.get(key)
    if found is None:
        found = _targets(
            read_placement(pod_spec, every_node=every_node), inventory, extra_architectures
        )
        if key:
            remembered[key] = found
    return found


def _key(pod_spec: Mapping[str, object], *others: object) -> bytes:
    """Tells demands apart in a few bytes, however long they are: as they are written, as reading them takes longer.

    Empty if there is more in them than Python can write: nothing that deep is read either.
    """
    demands = [pod_spec.get(part) for part in PARTS]
    resources = [_resources(pod_spec.get(part)) for part in CONTAINERS]
    try:
        told = repr((demands, resources, others))
    except RecursionError:
        return b""
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()


def _resources(containers: object) -> object:
    """What containers ask for; all that there is, where they are not what they should be."""
    if not isinstance(containers, list):
        return containers
    return [
        container.get("resources") if isinstance(container, dict) else container
        for container in containers
    ]


def _targets(
    placement: Placement, inventory: Inventory, extra_architectures: Iterable[str]
) -> tuple[Target, ...]:
    landings: dict[Platform, list[_Landing]] = defaultdict(list)
    for landing in _landings(placement, inventory):
        landings[landing.kind.platform].append(landing)
    found = [_target(platform, parts) for platform, parts in landings.items()]
    wanted = [
        Target(item, 0, facts=stand_in(item).facts)
        for item in _wanted(placement, extra_architectures)
    ]
    if found:
        there_are = {kind.platform for kind in inventory.kinds()}
        named = placement.node_name or placement.names(_NODE)
        found += [target for target in wanted if not named and target.platform not in there_are]
    elif placement.names(_ARCHITECTURE):
        found = wanted
    return tuple(sorted(found, key=lambda target: target.platform))


@dataclass(frozen=True, slots=True)
class _Landing:
    """Nodes of one kind that the pod may land on."""

    kind: Kind
    count: int
    names: tuple[str, ...]


def _landings(placement: Placement, inventory: Inventory) -> Iterator[_Landing]:
    """Judge each kind once, for all of its nodes that the pod does not single out, and those one by one."""
    singled = _singled_out(placement, inventory)
    for kind in inventory.kinds():
        apart = singled.get(kind, set())
        count = len(kind.members) - len(apart)
        if count and placement.admits(kind, OTHER, kind.labels):
            names = (
                kind.first_names
                if apart.isdisjoint(kind.first_names)
                else _few(kind.members.keys() - apart)
            )
            yield _Landing(kind, count, names)
        admitted = [name for name in apart if placement.admits(kind, name, kind.labels_of(name))]
        if admitted:
            yield _Landing(kind, len(admitted), _few(admitted))


def _singled_out(placement: Placement, inventory: Inventory) -> dict[Kind, set[str]]:
    """The nodes that the pod's demands tell apart from others of their kind, by kind."""
    names = {placement.node_name} | {
        name for requirement in placement.requirements() for name in _named(requirement, inventory)
    }
    singled: dict[Kind, set[str]] = defaultdict(set)
    for name in names:
        kind = inventory.kind_of(name)
        if kind:
            singled[kind].add(name)
    return singled


def _named(requirement: Requirement, inventory: Inventory) -> Iterable[str]:
    if requirement.key == NODE_NAME_FIELD:
        return requirement.values
    if not inventory.tells_apart(requirement.key):
        return ()
    if requirement.operator in {"Gt", "Lt"}:  # an order puts any node on either side
        return inventory.names()
    return (
        name for value in requirement.values for name in inventory.named(requirement.key, value)
    )


def _few(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(heapq.nsmallest(NAMES, names))


def _target(platform: Platform, landings: list[_Landing]) -> Target:
    real = (landing for landing in landings if not landing.kind.stand_in)
    return Target(
        platform=platform,
        nodes=sum(landing.count for landing in landings),
        names=_few(name for landing in real for name in landing.names),
        facts=_common([landing.kind.facts for landing in landings]),
    )


def _common(facts: list[NodeFacts]) -> NodeFacts:
    """What holds wherever the pod lands. Emulation is the exception: one node that has it may be where it starts."""
    return NodeFacts(
        page_size=_agreed({item.page_size for item in facts}),
        cpu_level=_agreed({item.cpu_level for item in facts}),
        kernel=_agreed({item.kernel for item in facts}),
        emulates=frozenset().union(*(item.emulates for item in facts)),
        runtime=_agreed({item.runtime for item in facts}),
    )


def _agreed(values: set[_Fact]) -> _Fact | None:
    return values.pop() if len(values) == 1 else None


def _wanted(placement: Placement, extra: Iterable[str]) -> Iterator[Platform]:
    """The platforms that the pod asks for by name or an autoscaler may add, if its own demands leave them."""
    asked = (
        value
        for item in placement.requirements()
        if item.key in _ARCHITECTURE and item.operator == "In"
        for value in item.values
    )
    for architecture in dict.fromkeys((*asked, *extra)):
        node = stand_in(Platform(placement.os or "linux", architecture))
        if placement.selects(node, node.name, node.labels):
            yield node.platform
