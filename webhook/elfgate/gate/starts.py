"""Predicts the starts that a review asks about, and what else would start where something fails."""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from elfgate.cluster.bounds import VOLUMES, Budget, bounded
from elfgate.cluster.doubts import Doubt, doubted
from elfgate.cluster.given import runtime_doubts
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.target import Target
from elfgate.cluster.targets import Demands, landing
from elfgate.cluster.workload import Container, Role, Workload
from elfgate.errors import InputError, UnknownReason
from elfgate.gate.beside import Beside
from elfgate.gate.breath import sliced
from elfgate.images.reference import pulled_name
from elfgate.linkage.report import Code, Effect, Finding, Outcome, Prediction
from elfgate.platforms import Platform
from elfgate.scan.asker import Asker
from elfgate.scan.scanner import Linkage, Scanner


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a container on a target, as predicted."""

    container: Container
    target: Target
    linkage: Linkage


@dataclass(frozen=True, slots=True)
class Before:
    """The start of a container of the object as it was before an update.

    Attributes:
        platform: Where.
        outcome: As predicted; unknown where its pods may never have been.
    """

    platform: Platform
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Starts:
    """Predicts starts for one review.

    Attributes:
        scanner: Predicts each of them.
        until: When to stop waiting for what is not known yet, in monotonic seconds; None for no
            sooner than the scanner does by itself. It is one moment for all that a review waits
            for, one after another.
        asker: Whose review it is.
        outlook: What settings say of runtimes.
    """

    scanner: Scanner
    until: float | None
    asker: Asker
    outlook: Outlook

    @property
    def within(self) -> float | None:
        """The seconds that are left to wait."""
        return None if self.until is None else max(0.0, self.until - time.monotonic())

    async def of(self, workload: Workload, targets: Sequence[Target]) -> list[Start]:
        """Predict the start of each container on each target."""
        pairs = [(container, target) for target in targets for container in workload.containers]
        linkages = await self._linkages(pairs)
        runtime = runtime_doubts(workload.runtime_class, self.outlook)
        beside = Beside(self.scanner, self.within, self.asker, runtime)
        starts = []
        async for (container, target), linkage in sliced(zip(pairs, linkages, strict=True)):
            start = Start(container, target, _doubted(linkage, runtime, container, target))
            starts.append(await _with_what_is_beside(workload, start, beside))
        return starts

    async def before(
        self, workload: Workload, inventory: Inventory, budget: Budget
    ) -> list[Before]:
        """Predict how the object was before an update, where it could land then.

        None if it was of another shape.
        """
        before = workload.before
        if before is None:
            return []
        try:
            where = landing(demands(before), inventory, self.outlook)
        except InputError:
            return []
        starts = await self.of(bounded(before, len(where.targets), budget), where.targets)
        everywhere = _is_on_each(before, where.targets)
        return [Before(start.target.platform, _outcome(start, everywhere)) for start in starts]

    async def elsewhere(
        self, workload: Workload, starts: Sequence[Start], inventory: Inventory
    ) -> list[tuple[Container, Linkage]]:
        """Stored predictions for platforms that the cluster has but the pod excludes.

        The suggested remedy.
        """
        digests = {start.container.image: start.linkage.digest for start in starts}
        excluded = {kind.platform for kind in inventory.kinds() if kind.platform.architecture}
        excluded -= {start.target.platform for start in starts}
        found = []
        for platform in sorted(excluded):
            for container in workload.containers:
                if container.skipped:
                    continue
                digest = digests[container.image]
                known = await self.scanner.kept.linkage(
                    container.image, digest, platform, container.overrides, asker=self.asker
                )
                if known is not None:
                    found.append((container, known))
        return found

    async def alternatives(self, start: Start) -> Sequence[str]:
        """Other images of the repository that would start there, if this one does not."""
        container, target = start.container, start.target
        if start.linkage.outcome is not Outcome.CANNOT_START:
            return ()
        return await self.scanner.kept.alternatives(
            container.image, target.platform, container.overrides, target.facts, asker=self.asker
        )

    async def _linkages(self, pairs: Sequence[tuple[Container, Target]]) -> list[Linkage]:
        """Predict each start.

        What is at hand is not waited for, as a task for each would cost more.
        """
        found = [self._at_hand(*pair) async for pair in sliced(pairs)]
        missing = [pair for pair, linkage in zip(pairs, found, strict=True) if linkage is None]
        if not missing:
            return [linkage for linkage in found if linkage is not None]
        read = iter(await asyncio.gather(*(self._linkage(*pair) for pair in missing)))
        return [linkage or next(read) for linkage in found]

    def _at_hand(self, container: Container, target: Target) -> Linkage | None:
        if container.skipped:
            return _skipped(container, target)
        try:
            name = pulled_name(container.image)
            linkage = self.scanner.at_hand(
                name, target.platform, container.overrides, target.facts, asker=self.asker
            )
        except InputError:
            return None
        return linkage and _as_written(linkage, container)

    async def _linkage(self, container: Container, target: Target) -> Linkage:
        try:
            linkage = await self.scanner.linkage(
                pulled_name(container.image),
                target.platform,
                container.overrides,
                target.facts,
                within=self.within,
                asker=self.asker,
            )
        except InputError as error:  # the API server takes any text for an image; the node will not
            return _unknown(
                container, target, UnknownReason.IMAGE_INVALID, error.message, error.hint
            )
        return _as_written(linkage, container)


async def _with_what_is_beside(workload: Workload, start: Start, beside: Beside) -> Start:
    """Add what fails of the container's hooks, and to the first container of the pod's volumes.

    The volumes of a pod that a debug container joins are there, or were judged before.
    """
    if start.container.skipped:
        return start
    is_first = start.container is workload.containers[0]
    brings_volumes = is_first and start.container.role is not Role.EPHEMERAL
    volumes = workload.image_volumes(VOLUMES) if brings_volumes else ()
    if not (start.container.hooks or volumes):
        return start
    added = await beside.findings(start.container, start.target, volumes)
    prediction = start.linkage.prediction
    prediction = replace(prediction, findings=(*prediction.findings, *added))
    return replace(start, linkage=replace(start.linkage, prediction=prediction))


def _is_on_each(workload: Workload, targets: Sequence[Target]) -> bool:
    """Tell whether pods are on every node that a DaemonSet selects, if its status says.

    Its namespace may keep them away (a node selector of PodNodeSelector or OpenShift), or another
    admission plugin: that is not seen.
    """
    nodes = sum(target.nodes for target in targets)
    return workload.placed is None or workload.placed >= nodes


def _outcome(start: Start, everywhere: bool) -> Outcome:  # noqa: FBT001 - private
    """The outcome, of which a start counts only where pods are on every node."""
    outcome = start.linkage.outcome
    if outcome is Outcome.STARTS and not everywhere:
        return Outcome.UNKNOWN
    return outcome


def demands(workload: Workload) -> Demands:
    """Collect a workload's demands on the nodes that it may land on."""
    return Demands(
        workload.pod_spec, workload.every_node, workload.template, tuple(workload.openings)
    )


def _doubted(
    linkage: Linkage, runtime: Sequence[Doubt], container: Container, target: Target
) -> Linkage:
    prediction = doubted(linkage.prediction, (*runtime, *container.doubts, *target.doubts))
    if prediction is linkage.prediction:
        return linkage
    return replace(linkage, prediction=prediction)


def _skipped(container: Container, target: Target) -> Linkage:
    message = (
        "this container, and those after it, are not looked at: "
        f"a review has room for no more than {container.skipped}"
    )
    return _unknown(container, target, UnknownReason.LIMIT_EXCEEDED, message)


def _unknown(
    container: Container, target: Target, reason: UnknownReason, message: str, remedy: str = ""
) -> Linkage:
    finding = Finding(
        Code.LINKAGE_UNKNOWN, "", message, remedy, effect=Effect.UNKNOWN, reason=reason
    )
    prediction = Prediction((), (finding,))
    return Linkage(container.image, "", target.platform, prediction, until=math.inf)


def _as_written(linkage: Linkage, container: Container) -> Linkage:
    return linkage if linkage.image == container.image else replace(linkage, image=container.image)
