"""Predicts what would fail beside a container's own program.

Probes, hooks, and images of volumes.
"""

import asyncio
from dataclasses import dataclass

from elfgate.cluster.doubts import Doubt, doubted
from elfgate.cluster.target import Target
from elfgate.cluster.workload import Container
from elfgate.errors import InputError
from elfgate.images.reference import pulled_name
from elfgate.linkage.inputs import Overrides
from elfgate.linkage.report import Code, Effect, Finding, Prediction
from elfgate.scan.asker import Asker
from elfgate.scan.scanner import Scanner


@dataclass(frozen=True, slots=True)
class Beside:
    """Predicts what runs, or is mounted, beside a container's own program.

    Attributes:
        scanner: Predicts each of them.
        within: The most seconds to wait for what is not known yet; None for no more than the
            scanner's own.
        asker: Whose review it is.
        runtime: Why what would fail may not, for the pod's RuntimeClass.
    """

    scanner: Scanner
    within: float | None
    asker: Asker
    runtime: tuple[Doubt, ...] = ()

    async def findings(
        self, container: Container, target: Target, volumes: tuple[str, ...]
    ) -> tuple[Finding, ...]:
        """Find what fails; nothing is said of what is not known.

        Args:
            container: Whose probes and hooks they are.
            target: Where.
            volumes: The images of the volumes that come with it.
        """
        found, of_place = [], (*self.runtime, *target.doubts)
        for hook in container.hooks:
            prediction = await self._predicted(container.image, target, hook.overrides)
            failure = _failure(doubted(prediction, (*container.doubts, *of_place)))
            if failure:
                message = f"the {hook.name} fails: {failure.message}"
                found.append(_note(Code.PROBE_CANNOT_START, failure, message))
        pulls = [self._predicted(volume, target, Overrides()) for volume in volumes]
        for volume, prediction in zip(volumes, await asyncio.gather(*pulls), strict=True):
            failure = _failure(doubted(prediction, of_place))
            if failure and failure.code is Code.PLATFORM_MISSING:
                message = f"the volume of {volume} cannot be pulled: {failure.message}"
                found.append(Finding(Code.IMAGE_VOLUME, "", message, failure.remedy))
        return tuple(found)

    async def _predicted(self, image: str, target: Target, overrides: Overrides) -> Prediction:
        try:
            linkage = await self.scanner.linkage(
                pulled_name(image),
                target.platform,
                overrides,
                target.facts,
                within=self.within,
                asker=self.asker,
            )
        except InputError:
            return Prediction(())
        return linkage.prediction


def _failure(prediction: Prediction) -> Finding | None:
    """The first failure, where no unknown stands before it."""
    decisive = (item for item in prediction.findings if item.effect is not Effect.NOTE)
    first = next(decisive, None)
    return first if first and first.effect is Effect.FAILS else None


def _note(code: Code, failure: Finding, message: str) -> Finding:
    return Finding(code, failure.path, message, failure.remedy, Effect.NOTE)
