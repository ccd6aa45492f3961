"""The audit's report as tables: every workload on every platform, and every reason once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from elfgate.reports.table import Table

if TYPE_CHECKING:
    from elfgate.audit.entry import Entry
    from elfgate.audit.report import Report
    from elfgate.results.audit import AuditOutput

_WORKLOAD = ("namespace", "kind", "name", "owner", "replicas", "decision", "platform", "state")
_PROBLEM = ("image", "container", "code", "reason", "message", "remedy")
_REASONS = ("state", "image", "platforms", "code", "message", "remedy", "workloads", "replicas")
_COUNTS = ("", "starts", "kept off", "unknown", "fails")


def workloads_table(report: "Report") -> Table:
    """One row for each problem of a workload, and for each platform where it has none."""
    columns = (*_WORKLOAD, *_PROBLEM)
    rows: list[tuple[object, ...]] = []
    for entry in report.entries:
        rows += _rows(entry)
    return Table(columns, rows)


def _rows(entry: "Entry") -> Iterator[tuple[object, ...]]:
    subject = entry.subject
    head = (
        entry.namespace,
        entry.kind,
        entry.name,
        subject.owner,
        subject.replicas,
        entry.decision,
    )
    for problem in entry.problems:
        told = (getattr(problem, name) for name in _PROBLEM)
        yield (*head, problem.platform, problem.state.value, *told)
    wrong = {problem.platform for problem in entry.problems}
    nothing = [""] * len(_PROBLEM)
    for platform, state in entry.platforms.items():
        if platform not in wrong:
            yield (*head, platform, state.value, *nothing)


def audit_markdown(report: "Report", output: "AuditOutput") -> str:
    """The figures, and each reason once."""
    figures = _figures(output)
    parts = ["# What runs, audited by elfgate"]
    parts.append(figures.markdown())
    if report.reasons:
        reasons = _reasons(report)
        parts.append("## Reasons")
        parts.append(reasons.markdown())
    text = "\n\n".join(part.strip() for part in parts)
    return f"{text}\n"


def _figures(output: "AuditOutput") -> Table:
    """A row of counts for all there is, and one for each platform."""
    counts = {
        "workloads": output.workloads,
        "replicas": output.replicas,
        "images": output.images,
    }
    for platform, each in output.platforms.items():
        counts[f"workloads on {platform}"] = each
    rows = []
    for name, each in counts.items():
        numbers = each.model_dump().values()
        rows.append((name, *numbers))
    return Table(_COUNTS, rows)


def _reasons(report: "Report") -> Table:
    rows = [
        (
            each.state.value,
            each.image,
            ", ".join(each.platforms),
            each.reason or each.code,
            each.message,
            each.remedy,
            len(each.entries),
            each.replicas,
        )
        for each in report.reasons
    ]
    return Table(_REASONS, rows)
