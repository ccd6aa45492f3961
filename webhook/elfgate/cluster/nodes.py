"""Nodes: what is read of a v1 Node, and what its labels and kernel tell of its CPU and page size.

Sources: the Kubernetes API reference (Node, well-known labels and taints), Node Feature Discovery's
CPU labels, the x86-64 psABI (levels), the kernel packages of Red Hat, Ubuntu, Debian and Fedora
(page sizes in their names).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.manifests import objects
from elfgate.cluster.nature import doubts_of
from elfgate.cluster.part import Part
from elfgate.cluster.resources import ROOM, offered, room
from elfgate.cluster.taints import Taint
from elfgate.errors import InputError
from elfgate.linkage.inputs import NodeFacts
from elfgate.platforms import Platform

ARCHITECTURE_LABELS = ("kubernetes.io/arch", "beta.kubernetes.io/arch")
OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")

# What an operator may tell by hand; these outrank everything found out.
CPU_LEVEL_LABEL = "elfgate.dev/cpu-level"
PAGE_SIZE_LABEL = "elfgate.dev/page-size"  # bytes or KiB: 65536 or 64k
EMULATES_LABEL = (
    "elfgate.dev/emulates"  # architectures, joined by dots, as a label's value takes no comma
)

# Architectures whose Linux has one page size only. arm64, ppc64le, loong64 and mips64le are built
# with several.
_PAGE_SIZE = dict.fromkeys(("386", "amd64", "arm", "riscv64", "s390x"), 4096)
_KERNEL_PAGE_SIZE = re.compile(
    r"[-+.](4|16|64)k$"
)  # 5.14.0-427.el9.aarch64+64k, 6.8.0-45-generic-64k
_KERNEL_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?")
_PAGE_SIZE_VALUE = re.compile(r"(\d{1,7})([kK]?)")

_CPUID = "feature.node.kubernetes.io/cpu-cpuid."
# NFD leaves the flags of v2, and BMI and LZCNT of v3, out by default, but publishes AESNI: where
# that is, its list is not one that someone narrowed, and a missing AVX512 flag means that the CPU
# does not have it.
_FULL_LIST = frozenset(_CPUID + flag for flag in ("AESNI", "AVX"))
_V3 = frozenset(_CPUID + flag for flag in ("AVX", "AVX2", "FMA3"))
_V4 = _V3 | {_CPUID + flag for flag in ("AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL")}


@dataclass(frozen=True, slots=True)
class Node:
    """A node, as far as it decides where pods may land and what starts there.

    Attributes:
        name: Its name.
        labels: All of its labels.
        taints: All of its taints, sorted.
        unschedulable: It is cordoned.
        platform: Its operating system and architecture.
        facts: What else is known of it.
        stand_in: It stands for any node of its platform: a label that it does not have counts as
            meeting whatever is asked of it.
        doubts: Why what would fail on it may not.
        offers: The devices and huge pages that it has, in thousandths.
        room: How much of each of ``resources.ROOM`` it has, in thousandths; None where it does not
            say.
    """

    name: str
    labels: dict[str, str]
    taints: tuple[Taint, ...]
    unschedulable: bool
    platform: Platform
    facts: NodeFacts
    stand_in: bool = False
    doubts: tuple[Doubt, ...] = ()
    offers: tuple[tuple[str, int], ...] = ()
    room: tuple[int | None, ...] = (None,) * len(ROOM)


def _absent(value: object) -> object:
    """Null is the same as absent, as it is to Kubernetes."""
    return {} if value is None else value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Metadata(_Model):
    name: Annotated[str, Field(min_length=1)]
    labels: Annotated[dict[str, str], BeforeValidator(_absent)] = {}


class _Taint(_Model):
    key: str
    value: str | None = None
    effect: str


class _Spec(_Model):
    taints: list[_Taint] | None = None
    unschedulable: bool | None = None


class _NodeInfo(_Model):
    architecture: str = ""
    operating_system: Annotated[str, Field(alias="operatingSystem")] = ""
    kernel_version: Annotated[str, Field(alias="kernelVersion")] = ""
    runtime_version: Annotated[str, Field(alias="containerRuntimeVersion")] = (
        ""  # containerd://2.1.4
    )


class _Status(_Model):
    node_info: Annotated[_NodeInfo, Field(alias="nodeInfo"), BeforeValidator(_absent)] = _NodeInfo()
    allocatable: Annotated[dict[str, Any], BeforeValidator(_absent)] = {}


class _Node(_Model):
    metadata: _Metadata
    spec: Annotated[_Spec, BeforeValidator(_absent)] = _Spec()
    status: Annotated[_Status, BeforeValidator(_absent)] = _Status()


class _ListMetadata(_Model):
    version: Annotated[str, Field(alias="resourceVersion")] = ""
    position: Annotated[str, Field(alias="continue")] = ""


class _NodeList(_Model):
    metadata: _ListMetadata
    items: list[_Node]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list of nodes.

    Attributes:
        items: What ``read_node`` takes.
        version: The list's resourceVersion, from which a watch goes on.
        position: Where the next part begins; empty if this is the last.
    """

    items: Sequence[Any]
    version: str
    position: str


def read_page(text: bytes) -> Page:
    """Read a part of a v1 NodeList.

    A node is some 10 kB, nearly all of it of no concern here: of a page that is in order, no
    objects are made for that. A page with a node that is not is decoded as a whole, so that
    ``read_node`` can say of which node that is.

    Raises:
        InputError: if it is not a list.
        orjson.JSONDecodeError: if it is not JSON.
    """
    try:
        found = _NodeList.model_validate_json(text)
    except ValidationError:
        answer = Part(orjson.loads(text), None, "the answer")
        metadata = answer.get("metadata")
        items = [item.value for item in answer.get("items").items()]
        return Page(items, metadata.get("resourceVersion").text(), metadata.get("continue").text())
    return Page(found.items, found.metadata.version, found.metadata.position)


def read_node(obj: Any) -> Node:
    """Read a v1 Node.

    Args:
        obj: The node, decoded, or one of a ``Page``.

    Returns:
        The node; its architecture is empty if it does not say it, as some virtual kubelets do not.

    Raises:
        InputError: if it is not a Node.
    """
    try:
        read = _Node.model_validate(obj)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"node: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    # Thousands of nodes share their labels' keys, and most of the values; a name is its node's
    # hostname most often.
    labels = {intern(key): intern(value) for key, value in read.metadata.labels.items()}
    info = read.status.node_info
    architecture = _label(labels, ARCHITECTURE_LABELS) or info.architecture
    # The kubelet's own constants are lower case; some virtual kubelets write the system's name as a
    # title.
    platform = Platform(
        _label(labels, OS_LABELS) or info.operating_system.lower() or "linux", architecture
    )
    own = Platform(info.operating_system.lower(), info.architecture)
    allocatable = read.status.allocatable
    taints = tuple(
        sorted(
            Taint(taint.key, taint.value or "", taint.effect) for taint in read.spec.taints or ()
        )
    )
    return Node(
        name=intern(read.metadata.name),
        labels=labels,
        taints=taints,
        unschedulable=read.spec.unschedulable or False,
        platform=platform,
        facts=_facts(labels, architecture, info),
        doubts=doubts_of(labels, taints, platform, own, info.kernel_version),
        offers=offered(allocatable),
        room=room(allocatable),
    )


def read_nodes(text: bytes, *, source: str = "nodes") -> tuple[Node, ...]:
    """Read what ``kubectl get nodes -o json`` or ``-o yaml`` prints.

    Args:
        text: A List, a NodeList, a single Node or several documents of these; other kinds are
            passed over.
        source: What to call it in errors.

    Raises:
        InputError: if it is neither, or holds no node.
    """
    nodes: dict[str, Node] = {}
    for manifest in objects(text, source=source):
        if manifest.obj["kind"] != "Node":
            continue
        try:
            node = read_node(manifest.obj)
        except InputError as error:
            raise InputError(f"{manifest.position}: {error}") from error
        nodes[node.name] = node
    if not nodes:
        raise InputError(
            f"{source}: there is no node in it",
            hint="write it with kubectl get nodes -o json",
        )
    return tuple(nodes.values())


def stand_in(platform: Platform) -> Node:
    """Make up a node that stands for any of its platform."""
    labels = dict.fromkeys(ARCHITECTURE_LABELS, platform.architecture) | dict.fromkeys(
        OS_LABELS, platform.os
    )
    return Node(
        name=f"any-{platform.architecture}",
        labels=labels,
        taints=(),
        unschedulable=False,
        platform=platform,
        facts=NodeFacts(page_size=_PAGE_SIZE.get(platform.architecture)),
        stand_in=True,
    )


def nodes_of(platforms: Iterable[str]) -> tuple[Node, ...]:
    """One stand-in for each platform named (``amd64``, ``linux/arm/v7``), once.

    Raises:
        InputError: if one of them is not a platform, or there is none.
    """
    nodes = tuple(stand_in(Platform.parse(text)) for text in dict.fromkeys(platforms))
    if not nodes:
        raise InputError("no architecture is named", hint="name some, such as amd64,ppc64le")
    return nodes


def _label(labels: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((labels[key] for key in keys if labels.get(key)), "")


def _facts(labels: dict[str, str], architecture: str, info: _NodeInfo) -> NodeFacts:
    return NodeFacts(
        page_size=_page_size(labels, architecture, info.kernel_version),
        cpu_level=labels.get(CPU_LEVEL_LABEL)
        or (_x86_level(labels) if architecture == "amd64" else None),
        kernel=kernel_version(info.kernel_version),
        emulates=frozenset(filter(None, labels.get(EMULATES_LABEL, "").split("."))),
        runtime=info.runtime_version.partition("://")[0] or None,
    )


def kernel_version(release: str) -> tuple[int, int, int] | None:
    """The version at the start of a kernel's release, or None if there is none.

    A release is ``5.14.0-427.el9.ppc64le``.
    """
    version = _KERNEL_VERSION.match(release)
    return (int(version[1]), int(version[2]), int(version[3] or 0)) if version else None


def _page_size(labels: dict[str, str], architecture: str, kernel: str) -> int | None:
    told = _PAGE_SIZE_VALUE.fullmatch(labels.get(PAGE_SIZE_LABEL, ""))
    if told:
        return int(told[1]) * (1024 if told[2] else 1)
    if architecture in _PAGE_SIZE:
        return _PAGE_SIZE[architecture]
    named = _KERNEL_PAGE_SIZE.search(kernel)
    return int(named[1]) * 1024 if named else None


def _x86_level(labels: dict[str, str]) -> str | None:
    flags = {key for key, value in labels.items() if value == "true" and key.startswith(_CPUID)}
    if flags >= _V4:
        return "x86-64-v4"
    narrower = (
        flags >= _V3
        and flags >= _FULL_LIST
        and not any(flag.startswith(_CPUID + "AVX512") for flag in flags)
    )
    return "x86-64-v3" if narrower else None
