"""The nodes there are, grouped by what matters.

Judging a pod so costs by kinds of node and not by nodes.

Nodes of one kind share platform, facts, taints and labels, but for the values of labels that tell
single nodes apart:
the hostname, and any label that turns out to have very many values. Of these the kind has
``OTHER``, a value that no selector can name; each node keeps its own, and an index finds the nodes
that a selector does name. As there may be many thousands, what is kept for each of them is a row of
strings, and its name in two or three tables.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.nodes import Node
from elfgate.cluster.resources import widest
from elfgate.cluster.selector import HOSTNAME_LABEL
from elfgate.cluster.taints import Taint
from elfgate.linkage.inputs import NodeFacts
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.platforms import Platform

NAMES = 4  # how many of a kind's nodes are named to people
OTHER = "\0"
PLACEMENTS = declare(
    "placements", "where pods may land, by what they ask of these very nodes", max_bytes=4 << 20
)

_MANY_VALUES = 256  # zones and instance types have fewer; serial numbers have more


@dataclass(slots=True, eq=False)
class Kind:
    """Nodes that are alike.

    Attributes:
        labels: What all of them have; ``OTHER`` stands for values that tell them apart.
        taints: All of their taints, sorted.
        unschedulable: They are cordoned.
        platform: Their operating system and architecture.
        facts: What else is known of them.
        stand_in: They stand for any node of their platform.
        doubts: Why what would fail on them may not.
        offers: The devices and huge pages that each has, in thousandths.
        room: The most of each of ``resources.ROOM`` that one of them has had.
        apart: The labels that tell them apart.
        members: Their values of these, by the node's name.
    """

    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    unschedulable: bool
    platform: Platform
    facts: NodeFacts
    stand_in: bool
    doubts: tuple[Doubt, ...]
    offers: tuple[tuple[str, int], ...]
    room: tuple[int | None, ...]
    apart: tuple[str, ...]
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _first: tuple[str, ...] = ()

    @property
    def first_names(self) -> tuple[str, ...]:
        """The first few names, sorted."""
        if not self._first:
            self._first = tuple(heapq.nsmallest(NAMES, self.members))
        return self._first

    def own_labels(self, name: str) -> dict[str, str]:
        """The facts that tell a node from the others."""
        return dict(zip(self.apart, self.members[name], strict=True))

    def labels_of(self, name: str) -> dict[str, str]:
        """All labels of a node."""
        return {**self.labels, **self.own_labels(name)}

    def add(self, name: str, labels: Mapping[str, str]) -> None:
        """Add a node, or replace the one of that name."""
        self.members[name] = tuple([labels[key] for key in self.apart])
        if len(self._first) < NAMES or name < self._first[-1]:
            self._first = ()

    def discard(self, name: str) -> None:
        """Remove a node."""
        del self.members[name]
        if name in self._first:
            self._first = ()


class Inventory:
    """The current nodes.

    Not thread-safe: whoever watches the nodes and whoever asks share one event loop.

    Attributes:
        generation: Raised with every change that could matter to a pod.
        stale_since: When these were last known to be the cluster's nodes, in monotonic seconds, if
            that is too long ago to refuse anything by them; None as long as it is not.
    """

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self.generation = 0
        self._remembered_of = 0
        self._remembered: Recent[bytes, Any] = Recent(PLACEMENTS)
        self.stale_since: float | None = None
        self._individual = {HOSTNAME_LABEL}
        self._values: dict[str, set[str]] = {}
        self._kinds: dict[object, Kind] = {}
        self._kind_of: dict[str, Kind] = {}
        self._index = _Index()
        for node in nodes:
            self.upsert(node)

    def __len__(self) -> int:
        return len(self._kind_of)

    def remembered(self) -> Recent[bytes, Any]:
        """Results worked out from these very nodes.

        A caller may keep its own here until the nodes change.
        """
        if self._remembered_of != self.generation:
            self._remembered_of = self.generation
            self._remembered.clear()
        return self._remembered

    def take(self, other: "Inventory") -> None:
        """Forget everything and have the nodes of another inventory instead.

        The other one is not used any more.
        """
        self.generation += 1
        # Of the same class.
        self._individual, self._values = other._individual, other._values  # noqa: SLF001
        self._kinds, self._kind_of = other._kinds, other._kind_of  # noqa: SLF001
        self._index = other._index  # noqa: SLF001

    def upsert(self, node: Node) -> None:
        """Add a node, or replace the one of that name.

        Nothing happens if it is as it was: most news are heartbeats.
        """
        if self._has(node):
            return
        self.remove(node.name)
        self.generation += 1
        if self._learn(node.labels):
            self._regroup()
        self._insert(node)

    def remove(self, name: str) -> None:
        """Remove a node; nothing happens if there is none of that name."""
        kind = self._kind_of.pop(name, None)
        if kind is None:
            return
        self.generation += 1
        for key, value in kind.own_labels(name).items():
            self._index.discard(key, value, name)
        kind.discard(name)
        if not kind.members:
            del self._kinds[_key(kind, kind.labels)]

    def doubt(self, since: float) -> None:
        """Note that nothing has been heard of the nodes since then, in monotonic seconds."""
        self.stale_since = since
        self.generation += 1

    def trust(self) -> None:
        """Note that these are the cluster's nodes again; nothing happens if nobody doubted it."""
        if self.stale_since is not None:
            self.stale_since = None
            self.generation += 1

    def kinds(self) -> Iterable[Kind]:
        """The kinds of node there are."""
        return self._kinds.values()

    def kind_of(self, name: str) -> Kind | None:
        """The kind of the node of that name; None if there is no such node."""
        return self._kind_of.get(name)

    def tells_apart(self, key: str) -> bool:
        """Whether this label tells single nodes apart.

        Kinds have ``OTHER`` for its value then.
        """
        return key in self._individual

    def named(self, key: str, value: str) -> Iterable[str]:
        """The names of the nodes with this value of a label that tells nodes apart."""
        return self._index.named(key, value)

    def names(self) -> Iterable[str]:
        """The names of all nodes."""
        return self._kind_of.keys()

    def _has(self, node: Node) -> bool:
        kind = self._kind_of.get(node.name)
        return (
            kind is not None
            and kind.labels_of(node.name) == node.labels
            and _rest(kind) == _rest(node)
            and widest(kind.room, node.room) == kind.room
        )

    def _insert(self, node: Node) -> None:
        apart = tuple(sorted(self._individual & node.labels.keys()))
        shared = {**node.labels, **dict.fromkeys(apart, OTHER)}
        key = _key(node, shared)
        kind = self._kinds.get(key)
        if kind is None:
            kind = Kind(
                shared,
                node.taints,
                node.unschedulable,
                node.platform,
                node.facts,
                node.stand_in,
                node.doubts,
                node.offers,
                node.room,
                apart,
            )
            self._kinds[key] = kind
        kind.room = widest(kind.room, node.room)
        kind.add(node.name, node.labels)
        self._kind_of[node.name] = kind
        for label in apart:
            self._index.add(label, node.labels[label], node.name)

    def _learn(self, labels: Mapping[str, str]) -> bool:
        """Take note of the labels' values.

        True if a label has just turned out to tell single nodes apart.
        """
        learnt = False
        for key in labels.keys() - self._individual:
            values = self._values.setdefault(key, set())
            values.add(labels[key])
            if len(values) > _MANY_VALUES:
                del self._values[key]
                self._individual.add(key)
                learnt = True
        return learnt

    def _regroup(self) -> None:
        """Group anew, once for each label found to tell nodes apart."""
        nodes = list(self._nodes())
        self._kinds, self._kind_of, self._index = {}, {}, _Index()
        for node in nodes:
            self._insert(node)

    def _nodes(self) -> Iterator[Node]:
        for kind in self._kinds.values():
            for name in kind.members:
                labels = kind.labels_of(name)
                yield Node(
                    name,
                    labels,
                    kind.taints,
                    kind.unschedulable,
                    kind.platform,
                    kind.facts,
                    kind.stand_in,
                    kind.doubts,
                    kind.offers,
                    kind.room,
                )


class _Index:
    """The names of the nodes with a value of a label.

    Most values have one node, whose name alone is kept for it.
    """

    def __init__(self) -> None:
        self._names: dict[str, dict[str, str | set[str]]] = {}

    def named(self, key: str, value: str) -> Iterable[str]:
        found = self._names.get(key, {}).get(value, ())
        return (found,) if isinstance(found, str) else found

    def add(self, key: str, value: str, name: str) -> None:
        names = self._names.setdefault(key, {})
        found = names.setdefault(value, name)
        if isinstance(found, set):
            found.add(name)
        elif found != name:
            names[value] = {found, name}

    def discard(self, key: str, value: str, name: str) -> None:
        names = self._names[key]
        found = names[value]
        if isinstance(found, set) and len(found) > 1:
            found.remove(name)
        else:
            del names[value]


def _rest(one: Node | Kind) -> tuple[object, ...]:
    return (
        one.taints,
        one.unschedulable,
        one.platform,
        one.facts,
        one.stand_in,
        one.doubts,
        one.offers,
    )


def _key(one: Node | Kind, labels: Mapping[str, str]) -> object:
    return frozenset(labels.items()), _rest(one)
