"""Nodes that a pod selects, in groups that are alike to it.

Each kind is judged once, and nodes that it names apart.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from elfgate.cluster.inventory import NAMES, OTHER, Inventory, Kind
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.placement import Hurdle, Placement
from elfgate.cluster.selector import NODE_NAME_FIELD, Requirement

MOST_CHECKS = 100_000  # of a demand against a node or a kind: some tenths of a second, in one step


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


class TooManyChecksError(Exception):
    """A pod asks more of its node than can be held against all nodes between two other reviews."""


def groups(placement: Placement, inventory: Inventory, outlook: Outlook) -> Iterator[Group]:
    """Group the nodes that a pod selects by labels, affinity, system and node's name.

    Raises:
        TooManyChecksError: if that would take more than ``MOST_CHECKS``.
    """
    singled = _singled_out(placement, inventory)
    kinds = tuple(inventory.kinds())
    if _checks(placement, kinds, sum(map(len, singled.values()))) > MOST_CHECKS:
        raise TooManyChecksError
    for kind in kinds:
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


def _checks(placement: Placement, kinds: Sequence[Kind], singled: int) -> int:
    """How many demands are held against a node or a kind, or a taint of one, at most."""
    demands = sum(1 for _ in placement.requirements()) + len(placement.terms or ())
    taints = sum(len(kind.taints) for kind in kinds)
    return demands * (len(kinds) + singled) + len(placement.tolerations) * taints


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
    requirements = tuple(placement.requirements())
    names = {placement.node_name}
    if any(_orders(requirement, inventory) for requirement in requirements):
        names.update(inventory.names())
    else:
        names.update(name for each in requirements for name in _named(each, inventory))
    singled: dict[Kind, set[str]] = defaultdict(set)
    for name in names:
        kind = inventory.kind_of(name)
        if kind:
            singled[kind].add(name)
    return singled


def _orders(requirement: Requirement, inventory: Inventory) -> bool:
    """Whether it may put any node on either side."""
    return requirement.operator in {"Gt", "Lt"} and inventory.tells_apart(requirement.key)


def _named(requirement: Requirement, inventory: Inventory) -> Iterable[str]:
    if requirement.key == NODE_NAME_FIELD:
        return requirement.values
    if not inventory.tells_apart(requirement.key):
        return ()
    return (
        name for value in requirement.values for name in inventory.named(requirement.key, value)
    )
