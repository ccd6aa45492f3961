"""The output of ``elfgate compare`` for people: tables."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tabulate import tabulate

from elfgate.cli.text import WORDS
from elfgate.compare import Change, Row, offered
from elfgate.linkage.report import Finding
from elfgate.reports.table import Table
from elfgate.scan.scanner import Linkage


def table(rows: Sequence[Row]) -> Table:
    """One row a platform."""
    cells = [(str(row.platform), _word(row.old), _word(row.new), _told(row)) for row in rows]
    return Table(("platform", "old", "new", "change"), cells)


def reasons_table(rows: Sequence[Row]) -> Table:
    """One row for each reason why a platform is lost, and for each platform without one."""
    told = table(rows)
    cells = [
        (*cell, *why)
        for cell, row in zip(told.rows, rows, strict=True)
        for why in [_why(finding) for finding in row.reasons] or [("", "", "")]
    ]
    return Table((*told.columns, "code", "message", "remedy"), cells)


def _why(finding: Finding) -> tuple[str, str, str]:
    return finding.code.value, finding.message, finding.remedy


def compare_text(rows: Sequence[Row]) -> str:
    """The table, and under it why a start is lost."""
    told = table(rows)
    plain = tabulate(told.rows, headers=told.columns, tablefmt="plain", disable_numparse=True)
    reasons = [line for row in rows for line in _reasons(row)]
    counts = Counter(row.change for row in rows)
    summary = ", ".join(f"{counts[change]} {change}" for change in Change if counts[change])
    return "\n".join((plain, *(("", *reasons) if reasons else ()), "", summary, ""))


def compare_markdown(rows: Sequence[Row]) -> str:
    """The table, and under it a table of what is lost."""
    lost = [(str(row.platform), *_why(finding)) for row in rows for finding in row.reasons]
    parts = [table(rows)]
    parts += [Table(("platform", "code", "reason", "remedy"), lost)] if lost else []
    return "\n".join(part.markdown() for part in parts)


def _word(linkage: Linkage) -> str:
    return WORDS[linkage.outcome] if offered(linkage) else "not offered"


def _told(row: Row) -> str:
    return "; ".join((row.change.value, *row.notes))


def _reasons(row: Row) -> Iterator[str]:
    for finding in row.reasons:
        yield f"{row.platform}: {finding.message}  [{finding.code}]"
        if finding.remedy:
            yield f"  {finding.remedy}"
