"""The main path: start reading here.

A workload is judged in five steps: where it may land, what each of its images would do there, what else would start,
one document of all that, and the policies' verdict on it. The webhook, the CLI and the audit are doors to ``judge``;
none has a pipeline of its own, and none of these steps decides anything: policies do.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

from elfgate.cluster.bounds import bounded
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.targets import Target, targets
from elfgate.cluster.workload import Container, Point, Workload
from elfgate.errors import InputError, UnknownReason
from elfgate.images.reference import Reference, pulled_name
from elfgate.linkage.report import Code, Effect, Finding, Outcome, Prediction
from elfgate.policy.document import (
    ContainerEntry,
    Document,
    FindingEntry,
    LinkageEntry,
    Request,
    TargetEntry,
    VariantEntry,
)
from elfgate.policy.engine import Engine
from elfgate.policy.verdict import Verdict
from elfgate.scan.asker import Asker
from elfgate.scan.scanner import Linkage, Scanner

if TYPE_CHECKING:  # it loads the Kubernetes client, which the command line seldom needs
    from elfgate.cluster.pullsecrets import PullSecrets


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the document it was given on.

    Attributes:
        verdict: The policies' answer.
        document: What they were asked.
        until: How long the document stays true of the same workload and nodes, in monotonic seconds.
        seconds: What the steps took: ``targets``, ``scan``, ``engine``.
    """

    verdict: Verdict
    document: Document
    until: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)


async def judge(
    workload: Workload,
    *,
    point: Point,
    inventory: Inventory,
    scanner: Scanner,
    engine: Engine,
    extra_architectures: Sequence[str] = (),
    operation: str = "CREATE",
    dry_run: bool = False,
    pull_secrets: "PullSecrets | None" = None,
    within: float | None = None,
) -> Judgement:
    """Judge a workload.

    Args:
        workload: What is to be admitted.
        point: Where the verdict is asked for.
        inventory: The nodes there are.
        scanner: Predicts starts.
        engine: Evaluates policies.
        extra_architectures: Architectures that count although no node has them yet.
        operation: CREATE or UPDATE.
        dry_run: The request changes nothing.
        pull_secrets: Knows the workload's own credentials; None if one access to images is everybody's.
        within: The most seconds to wait for what is not known yet; it is an unknown then.

    Raises:
        InputError: if the pod's placement has a shape that Kubernetes would not take.
        EngineError: if the policies gave no verdict that can be trusted.
    """
    begun = perf_counter()
    landing = targets(
        workload.pod_spec,
        inventory,
        every_node=workload.every_node,
        extra_architectures=extra_architectures,
    )
    workload = bounded(workload, len(landing))
    keyring = await pull_secrets.of(workload) if pull_secrets else None
    asker = Asker(workload.namespace, keyring)
    placed = perf_counter()
    pairs = [(container, target) for target in landing for container in workload.containers]
    linkages = await _linkages(scanner, pairs, within, asker)
    entries = [
        await _linkage_entry(scanner, container, target, linkage, asker)
        for (container, target), linkage in zip(pairs, linkages, strict=True)
    ]
    if any(linkage.outcome is Outcome.CANNOT_START for linkage in linkages):
        known = _elsewhere(workload, linkages, inventory, scanner, asker)
        entries += [entry async for entry in known]
    document = Document(
        request=Request(
            point=point.value,
            operation=operation,
            kind=workload.kind,
            namespace=workload.namespace,
            name=workload.name,
            dry_run=dry_run,
            every_node=workload.every_node,
            scheduler=workload.scheduler,
            gates=list(workload.gates),
            today=datetime.now(UTC).date().isoformat(),
        ),
        targets=[_target_entry(target) for target in landing],
        containers=[_container_entry(container) for container in workload.containers],
        linkages=entries,
    )
    until = min((linkage.until for linkage in linkages), default=math.inf)
    scanned = perf_counter()
    verdict = await engine.evaluate(document)
    seconds = {
        "targets": placed - begun,
        "scan": scanned - placed,
        "engine": perf_counter() - scanned,
    }
    return Judgement(verdict, document, until, seconds)


async def _linkages(
    scanner: Scanner,
    pairs: Sequence[tuple[Container, Target]],
    within: float | None,
    asker: Asker,
) -> list[Linkage]:
    """Predict each start; what is at hand is not waited for, as a task for each would cost more than the look-up."""
    found = [_at_hand(scanner, container, target, asker) for container, target in pairs]
    missing = [pair for pair, linkage in zip(pairs, found, strict=True) if linkage is None]
    if not missing:
        return [linkage for linkage in found if linkage is not None]
    read = iter(
        await asyncio.gather(*(_linkage(scanner, *pair, within, asker) for pair in missing))
    )
    return [linkage or next(read) for linkage in found]


def _at_hand(
    scanner: Scanner, container: Container, target: Target, asker: Asker
) -> Linkage | None:
    if container.skipped:
        return _skipped(container, target)
    try:
        name = pulled_name(container.image)
        linkage = scanner.at_hand(
            name, target.platform, container.overrides, target.facts, asker=asker
        )
    except InputError:
        return None
    return linkage and _as_written(linkage, container)


def _skipped(container: Container, target: Target) -> Linkage:
    finding = Finding(
        Code.LINKAGE_UNKNOWN,
        "",
        "this container, and those after it, are not looked at: "
        f"a review has room for no more than {container.skipped}",
        "",
        effect=Effect.UNKNOWN,
        reason=UnknownReason.LIMIT_EXCEEDED,
    )
    prediction = Prediction((), (finding,))
    return Linkage(container.image, "", target.platform, prediction, until=math.inf)


def _as_written(linkage: Linkage, container: Container) -> Linkage:
    return linkage if linkage.image == container.image else replace(linkage, image=container.image)


async def _linkage(
    scanner: Scanner,
    container: Container,
    target: Target,
    within: float | None,
    asker: Asker,
) -> Linkage:
    try:
        name = pulled_name(container.image)
        linkage = await scanner.linkage(
            name, target.platform, container.overrides, target.facts, within=within, asker=asker
        )
        return _as_written(linkage, container)
    except InputError as error:  # the API server takes any text for an image; the node will not
        finding = Finding(
            Code.LINKAGE_UNKNOWN,
            "",
            error.message,
            error.hint,
            effect=Effect.UNKNOWN,
            reason=UnknownReason.IMAGE_INVALID,
        )
        return Linkage(
            container.image, "", target.platform, Prediction((), (finding,)), until=math.inf
        )


async def _elsewhere(
    workload: Workload,
    linkages: Sequence[Linkage],
    inventory: Inventory,
    scanner: Scanner,
    asker: Asker,
) -> AsyncIterator[LinkageEntry]:
    """What is known of platforms that the cluster has and the pod keeps off: where a way out may be."""
    digests = {linkage.image: linkage.digest for linkage in linkages}
    landing = {linkage.platform for linkage in linkages}
    for platform in sorted({kind.platform for kind in inventory.kinds()} - landing):
        for container in workload.containers:
            image, overrides = container.image, container.overrides
            known = await scanner.known(image, digests[image], platform, overrides, asker=asker)
            if known is not None:
                yield _entry(container, known)


async def _linkage_entry(
    scanner: Scanner, container: Container, target: Target, linkage: Linkage, asker: Asker
) -> LinkageEntry:
    alternatives: list[str] = []
    if linkage.outcome is Outcome.CANNOT_START:
        alternatives = await scanner.alternatives(
            container.image, target.platform, container.overrides, target.facts, asker=asker
        )
    return _entry(container, linkage, alternatives)


def _entry(
    container: Container, linkage: Linkage, alternatives: Sequence[str] = ()
) -> LinkageEntry:
    return LinkageEntry(
        container=container.name,
        platform=str(linkage.platform),
        verdict=linkage.outcome.value,
        variant=VariantEntry.of(linkage.variant),
        needs_glibc=list(linkage.prediction.needs_glibc),
        findings=[FindingEntry.of(finding) for finding in linkage.prediction.findings],
        alternatives=list(alternatives),
    )


def _target_entry(target: Target) -> TargetEntry:
    platform = target.platform
    return TargetEntry(
        platform=str(platform),
        architecture=platform.architecture,
        nodes=target.nodes,
        names=list(target.names),
    )


def _container_entry(container: Container) -> ContainerEntry:
    try:
        reference = Reference.parse(container.image)
        repository, tag, digest = reference.familiar_name, reference.tag, reference.digest
    except InputError:
        repository, tag, digest = container.image, "", ""
    return ContainerEntry(
        name=container.name,
        role=container.role.value,
        image=container.image,
        repository=repository,
        tag=tag,
        digest=digest,
    )
