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
    """One row for each problem of a workload on a platform, and for each platform where it has none."""
    return Table((*_WORKLOAD, *_PROBLEM), [row for entry in report.entries for row in _rows(entry)])


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
    for platform, state in entry.platforms.items():
        if platform not in wrong:
            yield (*head, platform, state.value, *("" for _ in _PROBLEM))


def audit_markdown(report: "Report", output: "AuditOutput") -> str:
    """The figures, and each reason once."""
    counts = {"workloads": output.workloads, "replicas": output.replicas, "images": output.images}
    counts |= {f"workloads on {name}": each for name, each in output.platforms.items()}
    rows = [(name, *each.model_dump().values()) for name, each in counts.items()]
    parts = ["# What runs, audited by elfgate", Table(_COUNTS, rows).markdown()]
    if report.reasons:
        parts += ["## Reasons", _reasons(report).markdown()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


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
