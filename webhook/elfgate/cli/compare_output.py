"""The output of ``elfgate compare``: a table for people, and a model whose schema is published."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field
from tabulate import tabulate

from elfgate import __version__
from elfgate.cli.output import Model, PlatformOutput, ScanOutput
from elfgate.cli.text import WORDS
from elfgate.compare import Change, Row, offered
from elfgate.linkage.report import Effect, Finding
from elfgate.reports.table import Table
from elfgate.scan.scanner import Linkage

ChangeWord = Literal["lost", "doubted", "changed", "gained", "same"]


class RowOutput(Model):
    """One platform."""

    platform: str
    change: ChangeWord = Field(
        description="lost: it started, and does not any more; doubted: it started, and whether "
        "it still does is not known; changed: it needs something else; gained: it starts, and "
        "did not"
    )
    notes: list[str] = Field(description="what it needs that it did not need before")
    old: PlatformOutput
    new: PlatformOutput


class CompareOutput(Model):
    """``elfgate compare -o json``."""

    version: Literal[1] = Field(default=1, description="of this shape")
    elfgate: str = Field(description="the program's version")
    old: str
    new: str
    old_digest: str | None
    new_digest: str | None
    platforms: list[RowOutput]

    @classmethod
    def of(cls, old: str, new: str, rows: Sequence[Row]) -> "CompareOutput":
        """From what was found."""
        return cls(
            elfgate=__version__,
            old=old,
            new=new,
            old_digest=ScanOutput.of(old, [row.old for row in rows]).digest,
            new_digest=ScanOutput.of(new, [row.new for row in rows]).digest,
            platforms=[_row(row) for row in rows],
        )


def _row(row: Row) -> RowOutput:
    return RowOutput(
        platform=str(row.platform),
        change=row.change.value,
        notes=list(row.notes),
        old=PlatformOutput.of(row.old),
        new=PlatformOutput.of(row.new),
    )


def table(rows: Sequence[Row]) -> Table:
    """One row a platform."""
    cells = [(str(row.platform), _word(row.old), _word(row.new), _told(row)) for row in rows]
    return Table(("platform", "old", "new", "change"), cells)


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
    lost = [
        (str(row.platform), finding.code.value, finding.message, finding.remedy)
        for row in rows
        for finding in _deciding(row)
    ]
    parts = [table(rows)]
    parts += [Table(("platform", "code", "reason", "remedy"), lost)] if lost else []
    return "\n".join(part.markdown() for part in parts)


def _word(linkage: Linkage) -> str:
    return WORDS[linkage.outcome] if offered(linkage) else "not offered"


def _told(row: Row) -> str:
    return "; ".join((row.change.value, *row.notes))


def _deciding(row: Row) -> list[Finding]:
    """The findings for which a start is lost, or not known any more."""
    if row.change not in {Change.LOST, Change.DOUBTED}:
        return []
    return [each for each in row.new.prediction.findings if each.effect is not Effect.NOTE]


def _reasons(row: Row) -> Iterator[str]:
    for finding in _deciding(row):
        yield f"{row.platform}: {finding.message}  [{finding.code}]"
        if finding.remedy:
            yield f"  {finding.remedy}"
