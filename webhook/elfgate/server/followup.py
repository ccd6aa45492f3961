"""Reviews that could not wait: judged again afterwards, with events if they would be refused.

A review whose images are still being read is answered with an unknown. Here it is judged again
until they are read. The pods of one owner ask the same, so that they are judged once, and their
owner's event is counted up.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from elfgate.cluster.decisive import digest
from elfgate.cluster.events import Events, Subject, subjects
from elfgate.cluster.review import Review
from elfgate.cluster.workload import Point
from elfgate.errors import ElfgateError, UnknownReason
from elfgate.gate.gate import Judgement
from elfgate.policy.messages import denial

log = logging.getLogger(__name__)

JudgeReview = Callable[[Review, float, Point], Awaitable[Judgement | None]]

CASES = 256  # different reviews that are looked into at a time; what comes on top is never told
SUBJECTS = 256  # objects of one case that get an event
TRIES = 8
PATIENCE = 30.0  # seconds that one try may take
_PAUSE = 1.0  # seconds before the second try; each pause is twice as long as the one before


@dataclass(slots=True)
class _Case:
    """Reviews that ask the same."""

    review: Review
    point: Point
    subjects: list[Subject] = field(default_factory=list)


class FollowUp:
    """Follows up reviews that were admitted unknown.

    Args:
        judge: Judges a decisive review within some seconds.
        events: Tells what comes of it.
    """

    def __init__(self, judge: JudgeReview, events: Events) -> None:
        self._judge = judge
        self._events = events
        self._cases: dict[bytes, _Case] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def notice(self, asked: Review, review: Review, point: Point, judgement: Judgement) -> None:
        """Follow a review up if it was admitted and will be carried out.

        Something was still being read then.

        Args:
            asked: As it came.
            review: What of it decides.
            point: Where it was judged.
            judgement: What came of it.
        """
        if asked.dry_run or not judgement.verdict.allowed or not still_reading(judgement):
            return
        key = digest(review)
        case = self._cases.get(key)
        if case is None:
            if len(self._cases) >= CASES:
                log.warning("not followed up, too many are", extra={"uid": asked.uid})
                return
            case = self._cases[key] = _Case(review, point)
            task = asyncio.create_task(self._find_out(key, case))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if len(case.subjects) < SUBJECTS:
            case.subjects += subjects(asked)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Write events while the context lasts; a case still open at its end gets none."""
        async with self._events.writing():
            try:
                yield
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _find_out(self, key: bytes, case: _Case) -> None:
        try:
            judgement = await self._judged(case)
        except ElfgateError as error:
            log.warning("not followed up: %s", error)
            return
        finally:
            del self._cases[key]
        if judgement and not judgement.verdict.allowed:
            message = denial(judgement.verdict)
            for subject in case.subjects:
                self._events.tell(subject, message)

    async def _judged(self, case: _Case) -> Judgement | None:
        """The judgement when all is read; None if it is not after the last try."""
        for attempt in range(TRIES):
            judgement = await self._judge(case.review, PATIENCE, case.point)
            if judgement is None or not still_reading(judgement):
                return judgement
            await asyncio.sleep(_PAUSE * 2**attempt)
        return None


def still_reading(judgement: Judgement) -> bool:
    """Whether something of it is unknown only because it was not read yet."""
    findings = (finding for linkage in judgement.document.linkages for finding in linkage.findings)
    return any(finding.reason == UnknownReason.NOT_SCANNED for finding in findings)
