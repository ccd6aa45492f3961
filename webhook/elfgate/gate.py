"""The main path: start reading here.

A workload is judged in five steps: where it may land, what each of its images would do there, what else would start,
one document of all that, and the policies' verdict on it. The webhook, the CLI and the audit are doors to ``judge``;
none has a pipeline of its own, and none of these steps decides anything: policies do.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.targets import Target, targets
from elfgate.cluster.workload import Container, Point, Workload
from elfgate.errors import InputError, UnknownReason
from elfgate.images.reference import Reference
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
from elfgate.scan.scanner import Linkage, Scanner


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the document it was given on."""

    verdict: Verdict
    document: Document


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

    Raises:
        InputError: if the pod's placement has a shape that Kubernetes would not take.
        EngineError: if the policies gave no verdict that can be trusted.
    """
    landing = targets(
        workload.pod_spec, inventory, every_node=workload.every_node, extra_architectures=extra_architectures
    )
    pairs = [(container, target) for target in landing for container in workload.containers]
    linkages = await asyncio.gather(*(_linkage(scanner, container, target) for container, target in pairs))
    entries = [
        await _linkage_entry(scanner, container, target, linkage)
        for (container, target), linkage in zip(pairs, linkages, strict=True)
    ]
    document = Document(
        request=Request(
            point=point.value,
            operation=operation,
            kind=workload.kind,
            namespace=workload.namespace,
            name=workload.name,
            dry_run=dry_run,
            every_node=workload.every_node,
        ),
        targets=[_target_entry(target) for target in landing],
        containers=[_container_entry(container) for container in workload.containers],
        linkages=entries,
    )
    return Judgement(await engine.evaluate(document), document)


async def _linkage(scanner: Scanner, container: Container, target: Target) -> Linkage:
    try:
        return await scanner.linkage(container.image, target.platform, container.overrides, target.facts)
    except InputError as error:  # the API server takes any text for an image; the node will not
        finding = Finding(
            Code.LINKAGE_UNKNOWN,
            "",
            error.message,
            error.hint,
            effect=Effect.UNKNOWN,
            reason=UnknownReason.IMAGE_INVALID,
        )
        return Linkage(container.image, "", target.platform, Prediction((), (finding,)))


async def _linkage_entry(scanner: Scanner, container: Container, target: Target, linkage: Linkage) -> LinkageEntry:
    alternatives: Iterable[str] = ()
    if linkage.outcome is Outcome.CANNOT_START:
        alternatives = await scanner.alternatives(container.image, target.platform, container.overrides, target.facts)
    return LinkageEntry(
        container=container.name,
        platform=str(target.platform),
        verdict=linkage.outcome.value,
        variant=VariantEntry(
            id=linkage.variant.id, version=linkage.variant.version or "", libc=linkage.variant.libc or ""
        ),
        findings=[_finding_entry(finding) for finding in linkage.prediction.findings],
        alternatives=list(alternatives),
    )


def _finding_entry(finding: Finding) -> FindingEntry:
    return FindingEntry(
        code=finding.code.value,
        path=finding.path,
        message=finding.message,
        remedy=finding.remedy,
        effect=finding.effect.value,
        reason=finding.reason.value if finding.reason else "",
    )


def _target_entry(target: Target) -> TargetEntry:
    platform = target.platform
    return TargetEntry(
        platform=str(platform), architecture=platform.architecture, nodes=target.nodes, names=list(target.names)
    )


def _container_entry(container: Container) -> ContainerEntry:
    try:
        reference = Reference.parse(container.image)
    except InputError:
        return ContainerEntry(
            name=container.name, role=container.role.value, image=container.image, repository=container.image
        )
    return ContainerEntry(
        name=container.name,
        role=container.role.value,
        image=container.image,
        repository=reference.familiar_name,
        tag=reference.tag,
        digest=reference.digest,
    )
