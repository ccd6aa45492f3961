"""Judges workloads, some at a time: where they may land today, or on platforms that are to come."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from elfgate.audit.entry import Entry, Problem, State
from elfgate.audit.facts import Cell, cells, decision, states
from elfgate.audit.subject import Subject
from elfgate.cluster.exempt import Exemption
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import stand_in
from elfgate.cluster.targets import landing
from elfgate.cluster.workload import Workload, parts_of
from elfgate.errors import InputError
from elfgate.gate.gate import Case, Gate, Judgement
from elfgate.gate.starts import demands
from elfgate.images.reference import Reference
from elfgate.platforms import Platform

_NEVER_REFUSED = Exemption(own="")
AT_ONCE = 4  # workloads: each reads its images side by side

_PLACEMENT = ("nodeName", "nodeSelector", "affinity")
_DECISIONS = ("admitted", "warned", "denied")


class Judge(Protocol):
    """Judges one workload."""

    async def __call__(self, subject: Subject) -> Entry:
        """The workload's outcome.

        Raises:
            EngineError: if the policies gave no verdict that can be trusted.
        """


async def audit(subjects: Iterable[Subject], judge: Judge) -> AsyncIterator[Entry]:
    """Judge workloads; what is found comes in their order."""
    waiting: deque[asyncio.Task[Entry]] = deque()
    try:
        for subject in subjects:
            waiting.append(asyncio.create_task(_readable(subject, judge)))
            if len(waiting) >= AT_ONCE:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()


async def once_more(entries: Sequence[Entry], judge: Judge) -> list[Entry]:
    """Judge once more what fails and has another tag among the images.

    That tag may have been read meanwhile.
    """
    tags: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for image in entry.images:
            tags[_repository(image)].add(image)

    def has_others(image: str) -> bool:
        return len(tags[_repository(image)]) > 1

    return await judged_again(
        entries,
        judge,
        lambda entry: any(map(has_others, entry.failing)),
    )


async def judged_again(
    entries: Sequence[Entry], judge: Judge, is_wanted: Callable[[Entry], bool]
) -> list[Entry]:
    """Judge some workloads anew; the others stay as they are."""
    failing = {place: entry.subject for place, entry in enumerate(entries) if is_wanted(entry)}
    again = [entry async for entry in audit(failing.values(), judge)]
    told = dict(zip(failing, again, strict=True))
    return [told.get(place, entry) for place, entry in enumerate(entries)]


def _repository(image: str) -> str:
    try:
        return Reference.parse(image).name
    except InputError:
        return image


async def _readable(subject: Subject, judge: Judge) -> Entry:
    """The finding; an unknown for what Kubernetes itself would not take."""
    try:
        return await judge(subject)
    except InputError as error:
        problem = Problem(
            image="",
            container="",
            platform="",
            state=State.UNKNOWN,
            code="linkage_unknown",
            message=error.message,
            reason="shape_unknown",
            remedy=error.hint,
        )
        return Entry(subject, problems=(problem,))


@dataclass(frozen=True, slots=True)
class Today:
    """Judges a workload where it may land today.

    Attributes:
        gate: Of the cluster.
        exemption: What the webhook never refuses.
    """

    gate: Gate
    exemption: Exemption = _NEVER_REFUSED

    async def __call__(self, subject: Subject) -> Entry:
        """The workload's outcome, and the policies' verdict on it."""
        judged = [await _judged(self.gate, part) for part in parts_of(subject.workload)]
        found = [cell for judgement in judged for cell in cells(judgement)]
        entry = _entry(subject, found)
        if self.exemption.covers(entry.namespace, None):
            return replace(entry, decision="exempt")
        said = max((decision(each.verdict) for each in judged), key=_DECISIONS.index)
        would_deny = any(each.verdict.would_deny for each in judged)
        return replace(entry, decision=said, would_deny=would_deny, help=_help(judged))


@dataclass(frozen=True, slots=True)
class ToCome:
    """Judges a workload on platforms that it is to move to, whatever its placement says of them.

    Attributes:
        gate: Whose nodes stand for the platforms.
        platforms: Which.
    """

    gate: Gate
    platforms: Sequence[Platform]

    @classmethod
    def of(cls, gate: Gate, platforms: Sequence[Platform]) -> "ToCome":
        """Judge by a gate's images and policies, with nodes of these platforms."""
        nodes = Inventory(stand_in(platform) for platform in platforms)
        return cls(replace(gate, inventory=nodes), platforms)

    async def __call__(self, subject: Subject) -> Entry:
        """The workload's outcome on each of the platforms."""
        found: list[Cell] = []
        for part in parts_of(subject.workload):
            judgement = await _judged(self.gate, _loose(part))
            found += cells(judgement, placed=False)
            found += self._kept_off(part)
        return _entry(subject, found)

    def _kept_off(self, part: Workload) -> Iterable[Cell]:
        """The platforms on which its placement does not let it."""
        bound = {key: value for key, value in part.pod_spec.items() if key != "nodeName"}
        asked = demands(replace(part, pod_spec=bound))
        places = landing(asked, self.gate.inventory, self.gate.outlook)
        let = {target.platform for target in places.targets}
        for platform in self.platforms:
            if platform not in let:
                yield _placed(platform, part)


def _help(judged: Iterable[Judgement]) -> dict[str, str]:
    """The owner's lines beside what is refused, or would be, by the rule's code."""
    verdicts = [judgement.verdict for judgement in judged]
    said = (each for verdict in verdicts for each in (*verdict.denials, *verdict.would_deny))
    return {violation.code: violation.help for violation in said if violation.help}


def _placed(platform: Platform, part: Workload) -> Cell:
    problem = Problem(
        image="",
        container="",
        platform=str(platform),
        state=State.PLACED,
        code="placement",
        message=f"its placement keeps it off {platform}: {_said(part)}",
        remedy=f"let its nodeSelector, or its node affinity, take {platform.architecture}",
    )
    return Cell("", str(platform), State.PLACED, problem)


def _said(part: Workload) -> str:
    """The parts of a PodSpec that place it, for people."""
    said = [key for key in (*_PLACEMENT[1:], "os") if part.pod_spec.get(key)]
    return " and ".join(said) or "its kind"


def _loose(part: Workload) -> Workload:
    """A workload that may land on any node that has room for it."""
    spec = {key: value for key, value in part.pod_spec.items() if key not in _PLACEMENT}
    return replace(part, pod_spec=spec, openings=())


async def _judged(gate: Gate, part: Workload) -> Judgement:
    return await gate.judge(Case.of_check(part))


def _entry(subject: Subject, found: Sequence[Cell]) -> Entry:
    problems = tuple(cell.problem for cell in found if cell.problem)
    return Entry(
        subject=subject,
        platforms=states((cell.platform, cell.state) for cell in found if cell.platform),
        images=states((cell.image, cell.state) for cell in found if cell.image),
        problems=problems,
    )
