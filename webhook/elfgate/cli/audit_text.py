"""The audit's report for people: each reason once, with what it concerns, and the figures last."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tabulate import tabulate

from elfgate.audit.entry import State
from elfgate.printable import printable

if TYPE_CHECKING:
    from elfgate.audit.report import Reason, Report
    from elfgate.results.audit import AuditOutput, CountsOutput

_NAMED = 5  # workloads of a reason
_DECISIONS = ("denied", "would be denied", "warned", "admitted", "exempt")
_HEADS = {
    State.FAILS: "cannot start",
    State.UNKNOWN: "not known",
    State.PLACED: "kept off by their placement",
}


def audit_text(report: "Report", output: "AuditOutput") -> str:
    """The whole report."""
    lines = []
    for state, head in _HEADS.items():
        reasons = [
            each for each in report.reasons if each.state is state and _is_told(each, report)
        ]
        if reasons:
            lines += [f"{head}:", *(line for each in reasons for line in _reason(each)), ""]
    lines += [f"not read: {why}" for why in output.unread]
    lines += [f"{printable(each)} spares nothing of this" for each in output.unused]
    if not any(entry.decision for entry in report.entries) and output.platforms:
        lines += [_shares(output), ""]
    return "\n".join((*lines, *_summary(report, output), ""))


def _is_told(reason: "Reason", report: "Report") -> bool:
    return report.baseline is None or reason.new > 0


def _reason(reason: "Reason") -> Iterator[str]:
    where = f" on {_short(reason.platforms)}" if reason.platforms else ""
    yield f"  {reason.image or 'placement'}{where}  [{reason.reason or reason.code}]"
    yield f"    {reason.message}"
    if reason.remedy:
        yield f"    {reason.remedy}"
    yield from (f"    {printable(line)}" for line in reason.helps())
    yield f"    {_concerned(reason)}"
    if reason.owners():
        yield f"    owners: {', '.join(f'{name} ({count})' for name, count in reason.owners())}"


def _concerned(reason: "Reason") -> str:
    named = ", ".join(
        entry.title
        if entry.subject.replicas is None
        else f"{entry.title} ({entry.subject.replicas})"
        for entry in reason.entries[:_NAMED]
    )
    more = len(reason.entries) - _NAMED
    rest = f" and {more} more" if more > 0 else ""
    counts = f"{many(len(reason.entries), 'workload')}, {many(reason.replicas, 'replica')}"
    return f"{counts}: {named}{rest}"


def _shares(output: "AuditOutput") -> str:
    rows = [
        (
            platform.removeprefix("linux/"),
            _share(counts),
            counts.kept_off,
            counts.fails,
            counts.unknown,
        )
        for platform, counts in output.platforms.items()
    ]
    headers = ("platform", "could move today", "kept off", "cannot start", "not known")
    return tabulate(rows, headers=headers, tablefmt="plain", disable_numparse=True)


def _share(counts: "CountsOutput") -> str:
    total = counts.starts + counts.kept_off + counts.fails + counts.unknown
    return f"{counts.starts} of {total} ({100 * counts.starts // total if total else 0} %)"


def _summary(report: "Report", output: "AuditOutput") -> Iterator[str]:
    counts = output.workloads
    told = [
        f"{number} {word}"
        for number, word in (
            (counts.starts, "start"),
            (counts.kept_off, "kept off"),
            (counts.fails, "cannot start"),
            (counts.unknown, "not known"),
        )
        if number or word == "start"
    ]
    replicas = sum(output.replicas.model_dump().values())
    total = f"{many(len(report.entries), 'workload')}, {many(replicas, 'replica')}"
    yield f"{total}, {many(len(report.images()), 'image')}: {', '.join(told)}"
    decisions = report.decisions()
    if decisions.keys() - {"admitted"}:
        words = (f"{decisions[word]} {word}" for word in _DECISIONS if decisions[word])
        yield f"by the policies: {', '.join(words)}"
    if report.baseline is not None:
        new = report.new()
        yield f"new: {new[State.FAILS]} cannot start, {new[State.UNKNOWN]} not known"
    skipped = ", ".join(f"{count} {kind}" for kind, count in output.skipped.items())
    if skipped:
        yield f"skipped, as they hold no pod template: {skipped}"
    if output.over:
        yield f"skipped, as they have ended: {many(output.over, 'pod or Job', 'pods and Jobs')}"


def many(count: int, one: str, several: str = "") -> str:
    """A number of things, in the right form."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def _short(platforms: list[str]) -> str:
    return ", ".join(platform.removeprefix("linux/") for platform in platforms)
