"""Reads out of a judgement what becomes of each container on each platform.

The policies' modes do not matter for that.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from elfgate.audit.entry import Problem, State, worst
from elfgate.gate.gate import Judgement
from elfgate.policy.document import FindingEntry, LinkageEntry, TargetEntry
from elfgate.policy.verdict import Verdict, Violation

_STATES = {"starts": State.STARTS, "cannot-start": State.FAILS, "unknown": State.UNKNOWN}
_EFFECTS = {State.FAILS: "fails", State.UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One container on one platform; the problem is None where it starts."""

    image: str
    platform: str
    state: State
    problem: Problem | None = None


def cells(judgement: Judgement, *, placed: bool = True) -> Iterator[Cell]:
    """Each container on each platform that it may land on.

    One without a platform if that is not known.

    Args:
        judgement: Of a workload.
        placed: Whether it counts how sure it is that it lands there, and the policies' way out.
    """
    document = judgement.document
    images = {container.name: container.image for container in document.containers}
    targets = {each.platform: each for each in document.targets if each.standing != "open"}
    if not targets:
        yield from map(_nowhere, images.values())
    for linkage in document.linkages:
        target = targets.get(linkage.platform)
        if target is not None:
            asked = _Asked(target, judgement) if placed else None
            yield _cell(images[linkage.container], linkage, asked)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A place where a workload may land, and what was judged of that."""

    target: TargetEntry
    judgement: Judgement

    def doubt(self) -> tuple[str, str]:
        """The reason why it may never be started there, and one clause.

        Empty if nothing says so.
        """
        openings = self.judgement.document.openings
        if not self.judgement.verdict.allowed:
            return "", ""  # it fails wherever it may come to land
        if self.target.reason or not openings:
            return self.target.reason, self.target.because
        return openings[0].reason, openings[0].because


def _cell(image: str, linkage: LinkageEntry, asked: _Asked | None) -> Cell:
    state = _STATES[linkage.verdict]
    if state is State.STARTS:
        return Cell(image, linkage.platform, state)
    effect = _EFFECTS[state]
    finding = next(each for each in linkage.findings if each.effect == effect)
    reason = finding.reason
    message = finding.message
    remedy = _known_remedy(linkage, finding)
    if asked is not None:
        remedy = _remedy(asked.judgement.verdict, linkage, finding)
        if state is State.FAILS:
            reason, because = asked.doubt()
            message = _doubted(message, because)
    if reason:
        state = State.UNKNOWN
    problem = Problem(
        image=image,
        container=linkage.container,
        platform=linkage.platform,
        state=state,
        code=finding.code,
        reason=reason,
        message=message,
        remedy=remedy,
    )
    return Cell(image, linkage.platform, state, problem)


def _doubted(message: str, because: str) -> str:
    if not because:
        return message
    return f"{message}, but {because}"


def _remedy(verdict: Verdict, linkage: LinkageEntry, finding: FindingEntry) -> str:
    """The policies' own words, if they say something of it; else what the prediction says."""
    said = (*verdict.denials, *verdict.warnings, *verdict.dryrun)
    told = (each.remedy for each in said if each.remedy and _is_of(each, linkage, finding))
    return next(told, _known_remedy(linkage, finding))


def _is_of(violation: Violation, linkage: LinkageEntry, finding: FindingEntry) -> bool:
    return (
        violation.code == finding.code
        and violation.container == linkage.container
        and linkage.platform in violation.platforms
    )


def _known_remedy(linkage: LinkageEntry, finding: FindingEntry) -> str:
    """Another image that starts there, if one is known; else what the prediction says."""
    if not linkage.alternatives:
        return finding.remedy
    return f"use {' or '.join(linkage.alternatives)}, which starts on {linkage.platform}"


def _nowhere(image: str) -> Cell:
    message = "no node is there that it may land on"
    problem = Problem(image, "", "", State.UNKNOWN, "linkage_unknown", message, "no_node")
    return Cell(image, "", State.UNKNOWN, problem)


def decision(verdict: Verdict) -> str:
    """The policies' answer in a word."""
    if not verdict.allowed:
        return "denied"
    return "warned" if verdict.warnings else "admitted"


def states(found: Iterable[tuple[str, State]]) -> dict[str, State]:
    """The worst state of each name."""
    told: dict[str, State] = {}
    for name, state in found:
        told[name] = worst((told.get(name, State.STARTS), state))
    return told
