"""Findings of verbs, as cases for the formats of CI systems."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from elfgate.audit.entry import State
from elfgate.compare import Change
from elfgate.linkage.report import Effect
from elfgate.reports.case import Case, Issue, Level

if TYPE_CHECKING:
    from elfgate.audit.entry import Problem
    from elfgate.audit.report import Report
    from elfgate.compare import Row
    from elfgate.linkage.report import Finding
    from elfgate.policy.rulebook import Rulebook
    from elfgate.reports.sarif import SarifRule
    from elfgate.results.check import CheckOutput, ResultOutput
    from elfgate.results.violation import ViolationOutput
    from elfgate.scan.scanner import Linkage

_STATES: dict[State, Level] = {
    State.FAILS: "error",
    State.PLACED: "warning",
    State.UNKNOWN: "note",
}
_EFFECTS: dict[Effect, Level] = {
    Effect.FAILS: "error",
    Effect.UNKNOWN: "note",
    Effect.NOTE: "warning",  # it starts all the same
}


def check_cases(output: "CheckOutput") -> list[Case]:
    """Each object: what is denied, what is warned of, and what is not known."""
    return [
        Case(_name(result.namespace, result.kind, result.name), result.source, tuple(_said(result)))
        for result in output.results
    ]


def audit_cases(report: "Report") -> list[Case]:
    """Each workload, with what a baseline does not know of it."""
    return [
        Case(
            entry.title,
            entry.subject.source,
            tuple(_problem(each) for each in entry.problems if report.is_new(entry, each)),
        )
        for entry in report.entries
    ]


def image_cases(linkages: "Iterable[Linkage]") -> list[Case]:
    """Each image on each platform."""
    return [
        Case(f"{linkage.image} {linkage.platform}", issues=tuple(_found(linkage)))
        for linkage in linkages
    ]


def compare_cases(rows: "Sequence[Row]") -> list[Case]:
    """Each platform: a start that is lost is an error, one that is not known any more a note."""
    return [Case(f"{row.new.image} {row.platform}", issues=tuple(_changed(row))) for row in rows]


def sarif_rules(book: "Rulebook") -> "list[SarifRule]":
    """The descriptions of the rules, as SARIF has them."""
    from elfgate.reports.sarif import SarifRule

    return [
        SarifRule(rule.code, rule.title, rule.description, rule.remedy, book.link(rule.code))
        for rule in book.rules.values()
    ]


def _name(*parts: str) -> str:
    return "/".join(filter(None, parts))


def _said(result: "ResultOutput") -> Iterator[Issue]:
    for violation in result.denials:
        yield _told("error", violation)
    for violation in result.warnings:
        yield _told("note" if violation.code == "linkage_unknown" else "warning", violation)


def _told(level: Level, violation: "ViolationOutput") -> Issue:
    details = tuple(filter(None, (*violation.lines, violation.remedy, violation.help)))
    line, column = (violation.place.line, violation.place.column) if violation.place else (0, 0)
    return Issue(level, violation.code, violation.headline, details, line, column)


def _problem(problem: "Problem") -> Issue:
    where = f" on {problem.platform}" if problem.platform else ""
    title = f"{problem.image}{where}: {problem.message}" if problem.image else problem.message
    details = (problem.remedy,) if problem.remedy else ()
    return Issue(_STATES[problem.state], problem.code, title, details)


def _found(linkage: "Linkage") -> Iterator[Issue]:
    for finding in linkage.prediction.findings:
        yield _finding(_EFFECTS[finding.effect], finding)
    for other in linkage.others:  # what would fail besides what is started
        for finding in other.findings:
            yield _finding("warning", finding)


def _finding(level: Level, finding: "Finding") -> Issue:
    details = (finding.remedy,) if finding.remedy else ()
    return Issue(level, finding.code.value, finding.message, details)


def _changed(row: "Row") -> Iterator[Issue]:
    if row.change is Change.CHANGED and row.notes:
        yield Issue("warning", row.change.value, "; ".join(row.notes))
    for finding in row.reasons:
        yield _finding(_EFFECTS[finding.effect], finding)
