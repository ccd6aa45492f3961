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
from elfgate.cluster.doubts import Doubt, doubted
from elfgate.cluster.given import runtime_doubts
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.openings import Opening
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.target import Target
from elfgate.cluster.targets import Demands, landing
from elfgate.cluster.workload import Container, Point, Workload
from elfgate.errors import InputError, UnknownReason
from elfgate.images.reference import Reference, pulled_name
from elfgate.linkage.report import Code, Effect, Finding, Outcome, Prediction
from elfgate.policy.document import (
    BeforeEntry,
    ContainerEntry,
    Document,
    FindingEntry,
    LinkageEntry,
    OpeningEntry,
    Request,
    TargetEntry,
    VariantEntry,
)
from elfgate.policy.engine import Engine
from elfgate.policy.verdict import Verdict
from elfgate.scan.asker import Asker
from elfgate.scan.scanner import Linkage, Scanner

_NOTHING_MORE = Outlook()

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
    outlook: Outlook = _NOTHING_MORE,
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
        outlook: What settings say of nodes and runtimes, beyond what is there.
        operation: CREATE or UPDATE.
        dry_run: The request changes nothing.
        pull_secrets: Knows the workload's own credentials; None if one access to images is everybody's.
        within: The most seconds to wait for what is not known yet; it is an unknown then.

    Raises:
        InputError: if the pod's placement has a shape that Kubernetes would not take.
        EngineError: if the policies gave no verdict that can be trusted.
    """
    begun = perf_counter()
    where = landing(_demands(workload), inventory, outlook)
    workload = bounded(workload, len(where.targets) + len(where.beyond))
    keyring = await pull_secrets.of(workload) if pull_secrets else None
    asker = Asker(workload.namespace, keyring)
    placed = perf_counter()
    ask = _Ask(scanner, within, asker, outlook)
    places = where.targets
    starts = await ask.starts(workload, places)
    if where.beyond and places and not _spared(places, starts):
        starts += await ask.starts(workload, where.beyond)
        places += where.beyond
    linkages = [start.linkage for start in starts]
    entries = [await _linkage_entry(ask, start) for start in starts]
    fails = any(linkage.outcome is Outcome.CANNOT_START for linkage in linkages)
    if fails:
        known = _elsewhere(workload, linkages, inventory, scanner, asker)
        entries += [entry async for entry in known]
    before = workload.before if fails else None
    document = Document(
        request=Request(
            point=point.value,
            operation=operation,
            kind=workload.kind,
            namespace=workload.namespace,
            name=workload.name,
            dry_run=dry_run,
            every_node=workload.every_node,
            same_images=workload.before is not None
            and _images(workload.before) == _images(workload),
            scheduler=workload.scheduler,
            gates=list(workload.gates),
            today=datetime.now(UTC).date().isoformat(),
        ),
        targets=[_target_entry(target) for target in places],
        openings=[_opening_entry(opening) for opening in where.openings],
        before=await _before(ask, before, inventory) if before else [],
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


@dataclass(frozen=True, slots=True)
class _Start:
    """The start of a container on a target, as predicted."""

    container: Container
    target: Target
    linkage: Linkage


@dataclass(frozen=True, slots=True)
class _Ask:
    """Predicts starts for one review: within its time, and with the credentials of whoever asks."""

    scanner: Scanner
    within: float | None
    asker: Asker
    outlook: Outlook

    async def starts(self, workload: Workload, targets: Sequence[Target]) -> list[_Start]:
        """Predict the start of each container on each target."""
        pairs = [(container, target) for target in targets for container in workload.containers]
        linkages = await self._linkages(pairs)
        runtime = runtime_doubts(workload.runtime_class, self.outlook)
        return [
            _Start(container, target, _doubted(linkage, runtime, container, target))
            for (container, target), linkage in zip(pairs, linkages, strict=True)
        ]

    async def _linkages(self, pairs: Sequence[tuple[Container, Target]]) -> list[Linkage]:
        """Predict each start; what is at hand is not waited for, as a task for each would cost more."""
        found = [_at_hand(self.scanner, *pair, self.asker) for pair in pairs]
        missing = [pair for pair, linkage in zip(pairs, found, strict=True) if linkage is None]
        if not missing:
            return [linkage for linkage in found if linkage is not None]
        reading = (_linkage(self.scanner, *pair, self.within, self.asker) for pair in missing)
        read = iter(await asyncio.gather(*reading))
        return [linkage or next(read) for linkage in found]


def _demands(workload: Workload) -> Demands:
    return Demands(
        workload.pod_spec, workload.every_node, workload.template, tuple(workload.openings)
    )


def _doubted(
    linkage: Linkage, runtime: Sequence[Doubt], container: Container, target: Target
) -> Linkage:
    prediction = doubted(linkage.prediction, (*runtime, *container.doubts, *target.doubts))
    return replace(linkage, prediction=prediction)


def _spared(places: Sequence[Target], starts: Sequence[_Start]) -> bool:
    """Tell whether nothing fails on one of the places, so that others need not be looked at."""
    failing = {
        start.target.platform for start in starts if start.linkage.outcome is Outcome.CANNOT_START
    }
    return any(place.platform not in failing for place in places)


def _images(workload: Workload) -> set[tuple[str, str]]:
    return {(container.name, container.image) for container in workload.containers}


async def _before(ask: _Ask, before: Workload, inventory: Inventory) -> list[BeforeEntry]:
    """Predict how the object was before an update, where it could land then; none if that has another shape."""
    try:
        where = landing(_demands(before), inventory, ask.outlook)
    except InputError:
        return []
    starts = await ask.starts(before, where.targets)
    return [
        BeforeEntry(platform=str(start.target.platform), verdict=start.linkage.outcome.value)
        for start in starts
    ]


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


async def _linkage_entry(ask: _Ask, start: _Start) -> LinkageEntry:
    container, target, alternatives = start.container, start.target, list[str]()
    if start.linkage.outcome is Outcome.CANNOT_START:
        alternatives = await ask.scanner.alternatives(
            container.image, target.platform, container.overrides, target.facts, asker=ask.asker
        )
    return _entry(container, start.linkage, alternatives)


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
        standing=target.standing.value,
        reason=target.reason.value if target.reason else "",
        because=target.because,
    )


def _opening_entry(opening: Opening) -> OpeningEntry:
    return OpeningEntry(reason=opening.reason.value, because=opening.because)


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
