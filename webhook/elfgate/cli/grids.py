"""Findings of verbs, as grids for the page."""

from typing import TYPE_CHECKING

from elfgate.audit.entry import State
from elfgate.compare import Change, offered
from elfgate.linkage.report import Effect, Outcome
from elfgate.reports.grid import Cell, Grid, Line, Reason, Sort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from elfgate.audit.entry import Entry, Problem
    from elfgate.audit.report import Report
    from elfgate.compare import Row
    from elfgate.linkage.report import Finding
    from elfgate.policy.rulebook import Rulebook
    from elfgate.results.check import CheckOutput, ResultOutput
    from elfgate.results.violation import ViolationOutput
    from elfgate.scan.scanner import Linkage

_STARTS = Sort("starts", "good")
_OFF = Sort("kept off", "off")
_MISSING = Sort("not offered", "off")
_UNKNOWN = Sort("unknown", "doubt")
_FAILS = Sort("cannot start", "bad")
_OUTCOMES = {
    Outcome.STARTS: _STARTS,
    Outcome.UNKNOWN: _UNKNOWN,
    Outcome.CANNOT_START: _FAILS,
}
_OFFERED = (_STARTS, _MISSING, _UNKNOWN, _FAILS)
_STATES = {
    State.STARTS: _STARTS,
    State.PLACED: _OFF,
    State.UNKNOWN: _UNKNOWN,
    State.FAILS: _FAILS,
}
_VERDICTS = {
    "admitted": Sort("admitted", "good"),
    "exempt": Sort("exempt", "off"),
    "warned": Sort("admitted with warnings", "doubt"),
    "denied": Sort("denied", "bad"),
}


def image_grid(rows: "Sequence[Sequence[Linkage]]", book: "Rulebook") -> Grid:
    """Images down, platforms across."""
    first = rows[0] if rows else []
    grid = Grid(
        title="Images and the platforms they start on",
        things="images",
        columns=[str(linkage.platform) for linkage in first],
        facets=["variant"],
        sorts=_OFFERED,
    )
    for row in rows:
        line = Line(
            name=row[0].image,
            facets=(_variant(row),),
            cells=_linkages(grid, row, book),
        )
        grid.lines.append(line)
    return grid


def _variant(row: "Sequence[Linkage]") -> str:
    """The variant of an image on the first platform that it is offered for."""
    for linkage in row:
        if linkage.digest:
            return str(linkage.variant)
    return ""


def compare_grid(rows: "Sequence[Row]", book: "Rulebook") -> Grid:
    """Platforms down, the image before and the one after across."""
    columns: list[str] = []
    if rows:
        old, new = rows[0].old, rows[0].new
        columns = [old.image, new.image]
    grid = Grid(
        title="What an update changes",
        things="platforms",
        columns=columns,
        facets=["change"],
        sorts=_OFFERED,
    )
    changes = list(Change)
    for row in sorted(rows, key=lambda each: changes.index(each.change)):
        line = Line(
            name=str(row.platform),
            facets=(row.change.value,),
            cells=_linkages(grid, (row.old, row.new), book),
            more="; ".join(row.notes),
        )
        grid.lines.append(line)
    return grid


def check_grid(output: "CheckOutput") -> Grid:
    """Objects down, the verdict across."""
    grid = Grid(
        title="Manifests, as the webhook judges them",
        things="objects",
        columns=["verdict"],
        facets=["namespace", "kind"],
        sorts=tuple(_VERDICTS.values()),
    )
    for result in output.results:
        line = Line(
            name=result.name or result.source,
            facets=(result.namespace, result.kind),
            cells=(_result(grid, result),),
            more=result.source,
        )
        grid.lines.append(line)
    return grid


def audit_grid(report: "Report", book: "Rulebook") -> Grid:
    """Workloads down, platforms across."""
    platforms = list(report.shares())
    columns = [*platforms]
    if any(_is_anywhere(entry) for entry in report.entries):
        platforms.append("")
        columns.append("anywhere")
    grid = Grid(
        title="Workloads and the platforms they start on",
        things="workloads",
        columns=columns,
        facets=["namespace", "kind", "owner"],
        sorts=tuple(_STATES.values()),
    )
    for entry in report.entries:
        cells = [_entry(grid, entry, platform, book) for platform in platforms]
        line = Line(
            name=entry.name,
            facets=(entry.namespace, entry.kind, entry.subject.owner),
            cells=tuple(cells),
            more=", ".join(entry.images),
        )
        grid.lines.append(line)
    return grid


def _linkages(
    grid: Grid,
    linkages: "Iterable[Linkage]",
    book: "Rulebook",
) -> tuple[Cell, ...]:
    return tuple(_linkage(grid, linkage, book) for linkage in linkages)


def _linkage(grid: Grid, linkage: "Linkage", book: "Rulebook") -> Cell:
    sort = _MISSING
    if offered(linkage):
        sort = _OUTCOMES[linkage.outcome]
    places = []
    for finding in _deciding(linkage.prediction.findings):
        reason = _finding(finding, book)
        places.append(grid.place(reason))
    return Cell(sort, tuple(places))


def _deciding(findings: "Iterable[Finding]") -> "Iterator[Finding]":
    for finding in findings:
        if finding.effect is not Effect.NOTE:
            yield finding


def _finding(finding: "Finding", book: "Rulebook") -> Reason:
    code = finding.code.value
    return Reason(
        code=code,
        title=book.title(code),
        message=finding.message,
        remedy=finding.remedy,
        link=book.link(code),
    )


def _result(grid: Grid, result: "ResultOutput") -> Cell:
    told = (
        *result.denials,
        *result.warnings,
        *result.would_deny,
    )
    reasons = map(_violation, told)
    places = dict.fromkeys(map(grid.place, reasons))
    return Cell(_verdict(result), tuple(places))


def _verdict(result: "ResultOutput") -> Sort:
    word = "exempt" if result.exempt else result.verdict
    return _VERDICTS[word]


def _violation(violation: "ViolationOutput") -> Reason:
    lines = (violation.headline, *violation.lines)
    return Reason(
        code=violation.code,
        title=violation.title,
        message="\n".join(lines),
        remedy=violation.remedy,
        link=violation.link,
    )


def _is_anywhere(entry: "Entry") -> bool:
    """Whether a problem of a workload is about no platform in particular."""
    return any(not problem.platform for problem in entry.problems)


def _entry(
    grid: Grid,
    entry: "Entry",
    platform: str,
    book: "Rulebook",
) -> Cell | None:
    """A workload on a platform; None where it is not to land."""
    problems = [each for each in entry.problems if each.platform == platform]
    if not problems and platform not in entry.platforms:
        return None
    state = entry.platforms.get(platform, State.UNKNOWN)
    reasons = (_problem(each, book) for each in problems)
    places = dict.fromkeys(map(grid.place, reasons))
    return Cell(_STATES[state], tuple(places))


def _problem(problem: "Problem", book: "Rulebook") -> Reason:
    code = problem.code
    message = problem.message
    if problem.image:
        message = f"{problem.image}\n{message}"
    return Reason(
        code=code,
        title=book.title(code),
        message=message,
        remedy=problem.remedy,
        link=book.link(code),
    )
