"""Nodes that a pod selects, in groups that are alike to it.

Each kind is judged once, and nodes that it names apart.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from elfgate.cluster.inventory import NAMES, OTHER, Inventory, Kind
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.placement import Hurdle, Placement
from elfgate.cluster.selector import NODE_NAME_FIELD, Requirement


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes of one kind that a pod selects.

    Attributes:
        kind: Of which.
        count: How many.
        names: The first few, sorted.
        hurdle: What keeps the pod from them.
        fits: They could take it if they had nothing else to do.
    """

    kind: Kind
    count: int
    names: tuple[str, ...]
    hurdle: Hurdle
    fits: bool


def groups(placement: Placement, inventory: Inventory, outlook: Outlook) -> Iterator[Group]:
    """Group the nodes that a pod selects by labels, affinity, system and node's name."""
    singled = _singled_out(placement, inventory)
    for kind in inventory.kinds():
        apart = singled.get(kind, set())
        count = len(kind.members) - len(apart)
        others = count and placement.selects(kind, OTHER, kind.labels)
        named = [name for name in apart if _is_selected(placement, kind, name)]
        if not others and not named:
            continue
        hurdle, fits = placement.hurdle(kind, outlook), placement.fits(kind)
        if others:
            yield Group(kind, count, _others(kind, apart), hurdle, fits)
        if named:
            yield Group(kind, len(named), few(named), hurdle, fits)


def few(names: Iterable[str]) -> tuple[str, ...]:
    """Return the first names, sorted: as many as are shown to people."""
    return tuple(heapq.nsmallest(NAMES, names))


def _is_selected(placement: Placement, kind: Kind, name: str) -> bool:
    labels: Mapping[str, str] = kind.labels_of(name)
    return placement.selects(kind, name, labels)


def _others(kind: Kind, apart: set[str]) -> tuple[str, ...]:
    if apart.isdisjoint(kind.first_names):
        return kind.first_names
    return few(kind.members.keys() - apart)


def _singled_out(placement: Placement, inventory: Inventory) -> dict[Kind, set[str]]:
    """Find the nodes that the pod's demands tell apart from others of their kind, by kind."""
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
