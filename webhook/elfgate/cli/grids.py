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
    platforms = [str(linkage.platform) for linkage in rows[0]] if rows else []
    sorts = (_STARTS, _MISSING, _UNKNOWN, _FAILS)
    grid = Grid("Images and the platforms they start on", "images", platforms, ["variant"], sorts)
    for row in rows:
        cells = tuple(_linkage(grid, linkage, book) for linkage in row)
        variant = next((str(linkage.variant) for linkage in row if linkage.digest), "")
        grid.lines.append(Line(row[0].image, (variant,), cells))
    return grid


def compare_grid(rows: "Sequence[Row]", book: "Rulebook") -> Grid:
    """Platforms down, the image before and the one after across."""
    columns = [rows[0].old.image, rows[0].new.image] if rows else []
    sorts = (_STARTS, _MISSING, _UNKNOWN, _FAILS)
    grid = Grid("What an update changes", "platforms", columns, ["change"], sorts)
    for row in sorted(rows, key=lambda each: list(Change).index(each.change)):
        cells = tuple(_linkage(grid, linkage, book) for linkage in (row.old, row.new))
        more = "; ".join(row.notes)
        grid.lines.append(Line(str(row.platform), (row.change.value,), cells, more))
    return grid


def check_grid(output: "CheckOutput") -> Grid:
    """Objects down, the verdict across."""
    facets = ["namespace", "kind"]
    sorts = tuple(_VERDICTS.values())
    grid = Grid("Manifests, as the webhook judges them", "objects", ["verdict"], facets, sorts)
    for result in output.results:
        told = (*result.denials, *result.warnings, *result.would_deny)
        places = tuple(dict.fromkeys(grid.place(_violation(each)) for each in told))
        cell = Cell(_verdict(result), places)
        facet = (result.namespace, result.kind)
        grid.lines.append(Line(result.name or result.source, facet, (cell,), result.source))
    return grid


def audit_grid(report: "Report", book: "Rulebook") -> Grid:
    """Workloads down, platforms across."""
    platforms = list(report.shares())
    facets = ["namespace", "kind", "owner"]
    sorts = tuple(_STATES.values())
    grid = Grid("Workloads and the platforms they start on", "workloads", platforms, facets, sorts)
    nowhere = any(_nowhere(entry) for entry in report.entries)
    grid.columns = [*platforms, *(["anywhere"] if nowhere else [])]
    for entry in report.entries:
        cells = [_entry(grid, entry, platform, book) for platform in platforms]
        cells += [_entry(grid, entry, "", book)] if nowhere else []
        facet = (entry.namespace, entry.kind, entry.subject.owner)
        images = ", ".join(entry.images)
        grid.lines.append(Line(entry.name, facet, tuple(cells), images))
    return grid


def _linkage(grid: Grid, linkage: "Linkage", book: "Rulebook") -> Cell:
    sort = _OUTCOMES[linkage.outcome] if offered(linkage) else _MISSING
    findings = _deciding(linkage.prediction.findings)
    reasons = (_finding(finding, book) for finding in findings)
    return Cell(sort, tuple(grid.place(reason) for reason in reasons))


def _deciding(findings: "Iterable[Finding]") -> "Iterator[Finding]":
    return (each for each in findings if each.effect is not Effect.NOTE)


def _finding(finding: "Finding", book: "Rulebook") -> Reason:
    code = finding.code.value
    return Reason(code, book.title(code), finding.message, finding.remedy, book.link(code))


def _verdict(result: "ResultOutput") -> Sort:
    return _VERDICTS["exempt" if result.exempt else result.verdict]


def _violation(violation: "ViolationOutput") -> Reason:
    message = "\n".join((violation.headline, *violation.lines))
    return Reason(violation.code, violation.title, message, violation.remedy, violation.link)


def _nowhere(entry: "Entry") -> "list[Problem]":
    """The problems of a workload that are about no platform in particular."""
    return [problem for problem in entry.problems if not problem.platform]


def _entry(grid: Grid, entry: "Entry", platform: str, book: "Rulebook") -> Cell | None:
    """A workload on a platform; None where it is not to land."""
    problems = [each for each in entry.problems if each.platform == platform]
    if not problems and platform not in entry.platforms:
        return None
    state = entry.platforms.get(platform, State.UNKNOWN)
    reasons = dict.fromkeys(grid.place(_problem(each, book)) for each in problems)
    return Cell(_STATES[state], tuple(reasons))


def _problem(problem: "Problem", book: "Rulebook") -> Reason:
    code = problem.code
    message = f"{problem.image}\n{problem.message}" if problem.image else problem.message
    return Reason(code, book.title(code), message, problem.remedy, book.link(code))
