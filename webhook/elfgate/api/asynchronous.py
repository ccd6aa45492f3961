"""The calls: what each verb of the command line does, with objects and results instead of files."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from elfgate.api.options import Options
from elfgate.audit.collection import Collection
from elfgate.audit.judging import Judge, ToCome, Today, once_more
from elfgate.audit.judging import audit as audited
from elfgate.audit.report import Report
from elfgate.cluster.exempt import Exemption
from elfgate.cluster.kinds import TEMPLATES, Template
from elfgate.cluster.manifests import of_values
from elfgate.cluster.namespaces import Given, Namespaces
from elfgate.cluster.nodes import Node, nodes_of, read_node
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.workloads import workloads
from elfgate.errors import InputError
from elfgate.gate.exemptions import NamespaceExemptions
from elfgate.gate.gate import Gate
from elfgate.platforms import Platform
from elfgate.policy.rulebook import Rulebook
from elfgate.results.audit import AuditOutput
from elfgate.results.check import CheckOutput
from elfgate.results.image import ScanOutput
from elfgate.wiring.checking import checked
from elfgate.wiring.gate import gate as gate_of
from elfgate.wiring.gate import idle_exemptions
from elfgate.wiring.images import scanner as scanner_of

_DEFAULT = Options()


async def scan_async(
    image: str, *, platforms: Sequence[str] = (), options: Options | None = None
) -> ScanOutput:
    """Tell whether an image starts, platform by platform, and why not.

    Args:
        image: A reference, or a location such as ``oci:DIR``.
        platforms: Such as ``linux/arm64``; those that the image offers if none are given.
        options: How it is read.

    Returns:
        The document of ``elfgate scan -o json``.

    Raises:
        InputError: if something that is given cannot be used.
        UnreadableError: if the image cannot be read and no platform is given.
    """
    told = options or _DEFAULT
    asked = [Platform.parse(text) for text in platforms]
    async with scanner_of(told.reading()) as scanner:
        found = asked or await scanner.images.platforms(image)
        calls = (scanner.linkage(image, platform) for platform in found)
        linkages = await asyncio.gather(*calls)
    return ScanOutput.of(image, linkages, _book(told))


async def check_async(
    objects: Iterable[Mapping[str, Any]],
    *,
    nodes: Sequence[str | Mapping[str, Any]],
    namespace: str = "default",
    options: Options | None = None,
) -> CheckOutput:
    """Judge objects as the webhook would.

    Args:
        objects: Kubernetes objects, and Lists of them.
        nodes: What pods may land on: Node objects, or architectures for one node of each.
        namespace: Of objects that name none.
        options: How images are read, and by which policies it is judged.

    Returns:
        The document of ``elfgate check -o json``.

    Raises:
        InputError: if something that is given cannot be used.
        EngineError: if the policies gave no verdict that can be trusted.
    """
    told = options or _DEFAULT
    manifests = of_values(objects, source="objects")
    found = list(workloads(manifests, _templates(told), namespace))
    namespaces = Given.of(manifest for manifest, _ in found)
    granted = _granted(told, (manifest.obj for manifest, _ in found), namespace)
    async with _gate(told, _nodes(nodes), namespaces, granted) as gate:
        return await checked(found, gate, _book(told), _exempt(told))


async def audit_async(
    objects: Iterable[Mapping[str, Any]],
    *,
    nodes: Sequence[str | Mapping[str, Any]] = (),
    platforms: Sequence[str] = (),
    owner_label: str = "",
    options: Options | None = None,
) -> AuditOutput:
    """Judge what runs, all at once.

    Args:
        objects: Kubernetes objects, and Lists of them; Nodes among them are what pods may land on.
        nodes: Further nodes: Node objects, or architectures for one node of each.
        platforms: Those that workloads are to move to; then nodes do not matter.
        owner_label: The label that says whose a workload is.
        options: How images are read, and by which policies it is judged.

    Returns:
        The document of ``elfgate audit -o json``.

    Raises:
        InputError: if something that is given cannot be used, or there is no node.
        EngineError: if the policies gave no verdict that can be trusted.
    """
    told = options or _DEFAULT
    collection = Collection(_templates(told), owner_label)
    for manifest in of_values(objects, source="objects"):
        collection.add(manifest)
    places = [*collection.nodes, *_nodes(nodes)]
    if not places and not platforms:
        raise InputError("there is no node", hint="give nodes, or platforms to move to")
    namespaces = Given.of(collection.namespaces)
    granted = _granted(told, collection.exemptions, "default")
    async with _gate(told, places, namespaces, granted) as gate:
        judge = _judge(told, gate, platforms)
        found = [entry async for entry in audited(collection.subjects(), judge)]
        report = Report.of(await once_more(found, judge))
        unused = [] if platforms else idle_exemptions(gate)
        return AuditOutput.of(report, collection, gate.engine.revision, _book(told), unused)


def _gate(
    told: Options, nodes: Iterable[Node], namespaces: Namespaces, granted: NamespaceExemptions
) -> AbstractAsyncContextManager[Gate]:
    outlook = told.settings.nodes.outlook if told.settings else Outlook()
    judging, reading = told.judging(), told.reading()
    return gate_of(judging, reading, nodes, outlook, namespaces, exemptions=granted)


def _granted(
    told: Options, objects: Iterable[Mapping[str, Any]], namespace: str
) -> NamespaceExemptions:
    """The exemptions that namespaces grant by the ConfigMaps among some objects."""
    config = told.judging().config
    allowed = config.exempting_namespaces if config else ()
    return NamespaceExemptions.given(allowed, objects, namespace)


def _exempt(told: Options) -> Exemption:
    return Exemption(told.settings.admission.exempt_namespaces if told.settings else (), own="")


def _judge(told: Options, gate: Gate, platforms: Sequence[str]) -> Judge:
    if not platforms:
        return Today(gate, _exempt(told))
    return ToCome.of(gate, [Platform.parse(name) for name in dict.fromkeys(platforms)])


def _nodes(told: Sequence[str | Mapping[str, Any]]) -> list[Node]:
    """Nodes of objects, and stand-ins of architectures."""
    names = [each for each in told if isinstance(each, str)]
    objects = [read_node(each) for each in told if not isinstance(each, str)]
    return [*objects, *(nodes_of(names) if names else ())]


def _templates(told: Options) -> tuple[Template, ...]:
    own = told.settings.admission.kinds if told.settings else ()
    return (*own, *TEMPLATES)


def _book(told: Options) -> Rulebook:
    return Rulebook.of(told.judging().bundle())
