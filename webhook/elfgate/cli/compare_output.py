"""The output of ``elfgate compare``: a table for people, and a model whose schema is published."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field
from tabulate import tabulate

from elfgate import __version__
from elfgate.cli.output import Model, PlatformOutput, ScanOutput
from elfgate.compare import Change, Row, offered
from elfgate.linkage.report import Effect, Outcome
from elfgate.scan.scanner import Linkage

ChangeWord = Literal["lost", "doubted", "changed", "gained", "same"]
_WORDS = {
    Outcome.STARTS: "starts",
    Outcome.CANNOT_START: "cannot start",
    Outcome.UNKNOWN: "unknown",
}


class RowOutput(Model):
    """One platform."""

    platform: str
    change: ChangeWord = Field(
        description="lost: it started, and does not any more; doubted: it started, and whether it still does is not "
        "known; changed: it needs something else; gained: it starts, and did not"
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


def compare_text(rows: Sequence[Row], *, markdown: bool = False) -> str:
    """One row a platform, and under the table why a start is lost."""
    cells = [(str(row.platform), _word(row.old), _word(row.new), _told(row)) for row in rows]
    headers = ("platform", "old", "new", "change")
    form = "github" if markdown else "plain"
    table = tabulate(cells, headers=headers, tablefmt=form, disable_numparse=True)
    reasons = [line for row in rows for line in _reasons(row)]
    counts = Counter(row.change for row in rows)
    summary = ", ".join(f"{counts[change]} {change}" for change in Change if counts[change])
    return "\n".join((table, *(("", *reasons) if reasons else ()), "", summary, ""))


def _word(linkage: Linkage) -> str:
    return _WORDS[linkage.outcome] if offered(linkage) else "not offered"


def _told(row: Row) -> str:
    return "; ".join((row.change.value, *row.notes))


def _reasons(row: Row) -> Iterator[str]:
    if row.change not in {Change.LOST, Change.DOUBTED}:
        return
    for finding in row.new.prediction.findings:
        if finding.effect is not Effect.NOTE:
            yield f"{row.platform}: {finding.message}  [{finding.code}]"
            if finding.remedy:
                yield f"  {finding.remedy}"
