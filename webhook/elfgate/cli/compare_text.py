"""The output of ``elfgate compare`` for people: tables."""

from collections import Counter
from collections.abc import Iterator, Sequence

from elfgate.cli.text import WORDS, plain
from elfgate.compare import Change, Row, offered
from elfgate.linkage.report import Finding
from elfgate.reports.table import Table
from elfgate.scan.scanner import Linkage

_COLUMNS = ("platform", "old", "new", "change")
_REASON = ("code", "message", "remedy")
_NO_REASON = ("", "", "")


def table(rows: Sequence[Row]) -> Table:
    """One row a platform."""
    return Table(
        columns=_COLUMNS,
        rows=[_cells(row) for row in rows],
    )


def reasons_table(rows: Sequence[Row]) -> Table:
    """One row for each reason why a platform is lost, and for each platform without one."""
    cells = []
    for row in rows:
        head = _cells(row)
        reasons = [_why(finding) for finding in row.reasons]
        cells += [(*head, *why) for why in reasons or [_NO_REASON]]
    columns = (*_COLUMNS, *_REASON)
    return Table(columns, cells)


def _cells(row: Row) -> tuple[str, ...]:
    change = (row.change.value, *row.notes)
    return (
        str(row.platform),
        _word(row.old),
        _word(row.new),
        "; ".join(change),
    )


def _why(finding: Finding) -> tuple[str, str, str]:
    return (
        finding.code.value,
        finding.message,
        finding.remedy,
    )


def compare_text(rows: Sequence[Row]) -> str:
    """The table, and under it why a start is lost."""
    told = table(rows)
    lines = [plain(told)]
    reasons = list(_reasons(rows))
    if reasons:
        lines += ["", *reasons]
    lines += ["", _summary(rows), ""]
    return "\n".join(lines)


def _summary(rows: Sequence[Row]) -> str:
    """The number of platforms of each change."""
    counts = Counter(row.change for row in rows)
    told = [f"{counts[change]} {change}" for change in Change if counts[change]]
    return ", ".join(told)


def compare_markdown(rows: Sequence[Row]) -> str:
    """The table, and under it a table of what is lost."""
    text = table(rows).markdown()
    lost = []
    for row in rows:
        platform = str(row.platform)
        lost += [(platform, *_why(finding)) for finding in row.reasons]
    if not lost:
        return text
    columns = ("platform", "code", "reason", "remedy")
    reasons = Table(columns, lost).markdown()
    return f"{text}\n{reasons}"


def _word(linkage: Linkage) -> str:
    if offered(linkage):
        return WORDS[linkage.outcome]
    return "not offered"


def _reasons(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for finding in row.reasons:
            yield f"{row.platform}: {finding.message}  [{finding.code}]"
            if finding.remedy:
                yield f"  {finding.remedy}"
