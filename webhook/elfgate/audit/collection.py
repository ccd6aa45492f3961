"""The objects of a cluster → the workloads that are audited.

What one owner makes is audited once, as its owner's.

A controller's own object is taken where it is there. Where it is not (only pods were listed), what
it made stands for it, and is looked at as if it were to be placed anew.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain as chain_of
from typing import Any

from elfgate.audit.subject import (
    Subject,
    container_names,
    is_over,
    owner,
    replicas,
    shape,
    slim,
)
from elfgate.cluster.kinds import TEMPLATES, Template
from elfgate.cluster.manifests import Manifest
from elfgate.cluster.nodes import Node, read_node
from elfgate.cluster.owners import owners as owners_of
from elfgate.cluster.part import Part
from elfgate.cluster.template import workload
from elfgate.cluster.workload import Container, Role, Workload
from elfgate.errors import InputError
from elfgate.gate.exemptions import CONFIG_MAP

Key = tuple[str, str]  # a namespace, and KIND/NAME

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(slots=True)
class _Made:
    """Objects of one shape that one controller made; of pods, how many."""

    subject: Subject
    count: int = 0


@dataclass(slots=True)
class Collection:
    """Takes objects in any order, and gives the workloads that are to be audited.

    Attributes:
        templates: The kinds that hold pod templates.
        owner_label: The label, or annotation, that says whose a workload is; its namespace's counts
            if it has none.
        nodes: The nodes among the objects.
        namespaces: The namespaces among the objects.
        exemptions: The ConfigMaps by which namespaces exempt themselves.
        owners: Whose namespaces are, by name.
        skipped: How many objects hold no pod template, by kind.
        over: How many pods and Jobs have ended.
        unread: Why an object could not be read, with its place.
    """

    templates: tuple[Template, ...] = TEMPLATES
    owner_label: str = ""
    nodes: list[Node] = field(default_factory=list)
    namespaces: list[Manifest] = field(default_factory=list)
    exemptions: list[Mapping[str, Any]] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    over: int = 0
    unread: list[str] = field(default_factory=list)
    _own: dict[Key, Subject] = field(default_factory=dict)
    _makers: dict[Key, Key] = field(default_factory=dict)
    _sets: dict[Key, Subject] = field(default_factory=dict)
    _pods: dict[tuple[Key, str, int], _Made] = field(default_factory=dict)
    _count: Counter[Key] = field(default_factory=Counter)

    def add(self, manifest: Manifest) -> None:
        """Take one object."""
        try:
            self._add(manifest)
        except InputError as error:
            self.unread.append(f"{manifest.position}: {error.message}")

    def subjects(self) -> list[Subject]:
        """The workloads, each once."""
        found = dict(self._own)
        added: dict[Key, list[_Made]] = defaultdict(list)
        for key, subject in self._sets.items():
            root = self._root(found, key)
            if root is None:
                _join(found, _as_owner(subject))
            else:
                added[root].append(_Made(subject))
        for (nearest, last, _), made in self._pods.items():
            root = self._made_by(found, (nearest[1], last), nearest[0])
            if root is None:
                _join(found, replace(_as_owner(made.subject), replicas=made.count))
            else:
                added[root].append(made)
        return [
            self._owned(_with(subject, added.get(key, ()), self._count[key]))
            for key, subject in found.items()
        ]

    def _owned(self, subject: Subject) -> Subject:
        """A workload that is its namespace's owner's, if nothing else is said."""
        if subject.owner:
            return subject
        inherited = self.owners.get(subject.workload.namespace, "")
        return replace(subject, owner=inherited)

    def _add(self, manifest: Manifest) -> None:
        obj = Part(manifest.obj)
        if manifest.kind == "Node":
            self.nodes.append(read_node(manifest.obj))
        elif manifest.kind == "Namespace":
            self.namespaces.append(manifest)
            if self.owner_label:
                self.owners[obj.get("metadata", "name").text()] = owner(obj, self.owner_label)
        elif manifest.kind == "ConfigMap" and obj.get("metadata", "name").value == CONFIG_MAP:
            self.exemptions.append(manifest.obj)
        else:
            self._add_workload(manifest, obj)

    def _add_workload(self, manifest: Manifest, obj: Part) -> None:
        if self._is_counted(manifest, obj):
            return
        found = workload(manifest.obj, templates=self.templates)
        if found is None:
            self.skipped[manifest.kind or "no Kubernetes object"] += 1
        elif is_over(obj):
            self.over += 1
        else:
            whose = owner(obj, self.owner_label) if self.owner_label else ""
            self._take(Subject(slim(found), manifest.position, replicas(obj), whose))

    def _is_counted(self, manifest: Manifest, obj: Part) -> bool:
        """Count a pod that has no container but its owner's, which is known already.

        Most pods are no more.
        """
        if manifest.kind != "Pod" or is_over(obj):
            return False
        chain = owners_of(obj.get("metadata"))
        root = self._made_by(self._own, chain, obj.get("metadata", "namespace").text())
        if root is None:
            return False
        known = container_names(self._own[root].workload)
        if not _names(obj.get("spec")) <= known:
            return False
        self._count[root] += 1
        return True

    def _take(self, subject: Subject) -> None:
        found = subject.workload
        chain = [owner for owner in found.owners if not owner.startswith("Node/")]
        own = _key(found, f"{found.kind}/{found.name}")
        if not chain:
            # Its twin may be of another file, and objects of files may have no name.
            if own in self._own:
                own = _key(found, f"{own[1]} of {subject.source}")
            self._own[own] = subject
            return
        nearest = _key(found, chain[0])
        if found.kind != "Pod":
            self._makers[own] = nearest
            if subject.replicas:
                self._sets[own] = subject
            return
        made = self._pods.setdefault((nearest, chain[-1], shape(found)), _Made(subject))
        made.count += 1

    def _made_by(
        self, found: Mapping[Key, Subject], chain: Sequence[str], namespace: str
    ) -> Key | None:
        """The audited workload that made an object with these owners."""
        if not chain:
            return None
        root = self._root(found, (namespace, chain[0]))
        if root is not None:
            return root
        guess = namespace, chain[-1]
        return guess if guess in found else None

    def _root(self, found: Mapping[Key, Subject], key: Key) -> Key | None:
        """The audited workload that in the end made what an object of this key made."""
        seen = set[Key]()
        while key not in found and key in self._makers and key not in seen:
            seen.add(key)
            key = self._makers[key]
        return key if key in found else None


def _names(spec: Part) -> set[str]:
    """The names of a PodSpec's containers."""
    first = spec.get("initContainers").items()
    then = spec.get("containers").items()
    return {each.get("name").text() for each in (*first, *then)}


def _key(found: Workload, name: str) -> Key:
    return found.namespace, name


def _as_owner(subject: Subject) -> Subject:
    """The workload of an absent owner, in its name, as if it were to be placed anew."""
    found = subject.workload
    kind, _, name = found.owners[-1].partition("/")
    spec = {key: value for key, value in found.pod_spec.items() if key != "nodeName"}
    every_node = kind == "DaemonSet"
    if every_node:
        spec["affinity"] = _without_names(spec.get("affinity"))
    owned = replace(
        found, kind=kind, name=name, pod_spec=spec, every_node=every_node, template=True
    )
    return replace(subject, workload=owned)


def _without_names(affinity: object) -> object:
    """An affinity without the node's name, which a DaemonSet's controller gives each pod."""
    required = Part(affinity).get("nodeAffinity", _REQUIRED)
    terms = [
        {key: value for key, value in term.mapping().items() if key != "matchFields"}
        for term in required.get("nodeSelectorTerms").items()
    ]
    left = [term for term in terms if term]
    if not left:
        return None
    return {"nodeAffinity": {_REQUIRED: {"nodeSelectorTerms": left}}}


def _join(found: dict[Key, Subject], subject: Subject) -> None:
    """Add a workload, or what there is more of one."""
    one = subject.workload
    key = _key(one, f"{one.kind}/{one.name}")
    before = found.get(key)
    if before is None:
        found[key] = subject
        return
    count = (before.replicas or 0) + (subject.replicas or 0)
    others = (*before.workload.others, replace(one, others=()))
    found[key] = replace(before, replicas=count, workload=replace(before.workload, others=others))


def _with(subject: Subject, made: Sequence[_Made], counted: int) -> Subject:
    """A workload with what admission added to its pods, and their count if it does not say one."""
    count = counted + sum(each.count for each in made)
    if subject.replicas is None and count:
        subject = replace(subject, replicas=count)
    known = container_names(subject.workload)
    added = {
        each.name: each
        for each in chain_of.from_iterable(_lasting(each.subject.workload) for each in made)
        if each.name not in known
    }
    if not added:
        return subject
    containers = (*subject.workload.containers, *added.values())
    return replace(subject, workload=replace(subject.workload, containers=containers))


def _lasting(pod: Workload) -> Iterator[Container]:
    """The containers that another pod of this owner will have too."""
    return (each for each in pod.containers if each.role is not Role.EPHEMERAL)
