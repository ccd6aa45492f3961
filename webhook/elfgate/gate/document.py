"""Writes the document that policies judge from what was found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import repeat
from typing import Any

from elfgate.bases.offer import called, having
from elfgate.cluster.openings import Opening
from elfgate.cluster.target import Target
from elfgate.cluster.workload import Container, Point, Workload
from elfgate.errors import InputError
from elfgate.gate.breath import sliced
from elfgate.gate.labelled import Named, named
from elfgate.gate.starts import Before, Start
from elfgate.gate.told import Looks, of_containers, of_linkage, of_pod, of_request, of_target
from elfgate.images.labels import Labels
from elfgate.images.reference import Reference
from elfgate.linkage.report import Finding, Outcome
from elfgate.policy.differing import with_words
from elfgate.policy.document import (
    BeforeEntry,
    ContainerEntry,
    Document,
    ExemptionEntry,
    FindingEntry,
    LinkageEntry,
    OpeningEntry,
    PodEntry,
    Request,
    TargetEntry,
    VariantEntry,
)
from elfgate.scan.scanner import Linkage


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found out about a workload.

    Attributes:
        places: Where it may land.
        openings: Why that is not final.
        starts: The start of each container on each place.
        alternatives: Beside each start, images that would start there; empty where everything
            starts.
        elsewhere: Predictions for platforms that the pod excludes, where something fails.
        before: How the object was before an update of which something fails.
        labels: Of the images of which they are known, where policies look at them.
    """

    places: Sequence[Target]
    openings: Sequence[Opening]
    starts: Sequence[Start]
    alternatives: Sequence[Sequence[str]] = ()
    elsewhere: Sequence[tuple[Container, Linkage]] = ()
    before: Sequence[Before] = ()
    labels: Mapping[Named, Labels] = field(default_factory=dict)

    def linkages(self) -> list[Linkage]:
        """Every prediction."""
        return [
            *(start.linkage for start in self.starts),
            *(linkage for _, linkage in self.elsewhere),
        ]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a workload is asked about.

    Attributes:
        workload: As it was judged.
        point: Where the verdict is asked for.
        operation: CREATE or UPDATE.
        dry_run: The request changes nothing.
        checked: A command line asks.
        namespace: The labels of its namespace; None if they are not known.
        exemptions: Those that its namespace grants.
    """

    workload: Workload
    point: Point
    operation: str
    dry_run: bool
    checked: bool = False
    namespace: Mapping[str, str] | None = None
    exemptions: Sequence[ExemptionEntry] = ()


async def described(asked: Asked, found: Found, looks: Looks) -> Document:
    """Write it all into one document, a slice at a time.

    Args:
        asked: What is asked.
        found: What was found out about it.
        looks: What policies look at.
    """
    workload = asked.workload
    told = of_containers(workload, looks)
    linkages = [entry async for entry in sliced(_linkages(found, looks))]
    return Document(
        request=_request(asked, found, looks),
        pod=PodEntry(**of_pod(workload, looks)),
        targets=[_target(target, looks) for target in found.places],
        openings=[
            OpeningEntry(reason=opening.reason.value, because=opening.because)
            for opening in found.openings
        ],
        before=[
            BeforeEntry(platform=str(each.platform), verdict=each.outcome.value)
            for each in found.before
        ],
        containers=[
            _container(container, told.get(container.name, {})) for container in workload.containers
        ],
        linkages=with_words(linkages),
    )


def _request(asked: Asked, found: Found, looks: Looks) -> Request:
    workload = asked.workload
    return Request(
        point=asked.point.value,
        operation=asked.operation,
        kind=workload.kind,
        namespace=workload.namespace,
        name=workload.name,
        dry_run=asked.dry_run,
        checked=asked.checked,
        every_node=workload.every_node,
        same_images=_same_images(workload.before, found.starts),
        controlled=bool(workload.owners),
        owners=list(workload.owners),
        scheduler=workload.scheduler,
        gates=list(workload.gates),
        today=_today().isoformat(),
        exemptions=list(asked.exemptions),
        **of_request(workload, asked.namespace, looks),
    )


def _same_images(before: Workload | None, starts: Iterable[Start]) -> bool:
    """Whether an update leaves each container that cannot start the image that it had."""
    if before is None:
        return False
    had = {(container.name, container.image) for container in before.containers}
    return all(
        (start.container.name, start.container.image) in had
        for start in starts
        if start.linkage.outcome is Outcome.CANNOT_START
    )


def _linkages(found: Found, looks: Looks) -> Iterable[LinkageEntry]:
    for start, images in zip(found.starts, found.alternatives or repeat(()), strict=False):
        told = of_linkage(start.linkage, found.labels.get(named(start.linkage)), looks)
        yield _linkage(start.container, start.linkage, told, images)
    for (
        container,
        linkage,
    ) in found.elsewhere:  # whether it starts there: why not is nobody's question
        told = of_linkage(linkage, found.labels.get(named(linkage)), looks)
        yield _linkage(container, linkage, told).model_copy(update={"findings": []})


def _linkage(
    container: Container,
    linkage: Linkage,
    told: dict[str, Any],
    alternatives: Sequence[str] = (),
) -> LinkageEntry:
    return LinkageEntry(
        container=container.name,
        platform=str(linkage.platform),
        verdict=linkage.outcome.value,
        variant=VariantEntry.of(linkage.variant),
        needs_glibc=list(linkage.prediction.needs_glibc),
        findings=[_finding(finding, linkage) for finding in linkage.prediction.findings],
        alternatives=list(alternatives),
        **told,
    )


def _finding(finding: Finding, linkage: Linkage) -> FindingEntry:
    if not finding.versions:
        return FindingEntry.of(finding)
    names = having(finding.versions, linkage.platform.architecture, _today())
    own = called(linkage.variant.id, linkage.variant.version or "")
    return FindingEntry.of(finding, bases=names, build_on=own)


def _today() -> date:
    return datetime.now(UTC).date()


def _target(target: Target, looks: Looks) -> TargetEntry:
    platform = target.platform
    return TargetEntry(
        platform=str(platform),
        architecture=platform.architecture,
        nodes=target.nodes,
        names=list(target.names),
        standing=target.standing.value,
        reason=target.reason.value if target.reason else "",
        because=target.because,
        **of_target(target, looks),
    )


def _container(container: Container, told: dict[str, Any]) -> ContainerEntry:
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
        **told,
    )
