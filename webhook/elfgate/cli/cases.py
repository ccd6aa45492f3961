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
    return [_object(result) for result in output.results]


def _object(result: "ResultOutput") -> Case:
    parts = (result.namespace, result.kind, result.name)
    return Case(
        name="/".join(filter(None, parts)),
        source=result.source,
        issues=tuple(_said(result)),
    )


def audit_cases(report: "Report") -> list[Case]:
    """Each workload, with what a baseline does not know of it."""
    cases = []
    for entry in report.entries:
        new = [each for each in entry.problems if report.is_new(entry, each)]
        case = Case(
            name=entry.title,
            source=entry.subject.source,
            issues=tuple(map(_problem, new)),
        )
        cases.append(case)
    return cases


def image_cases(linkages: "Iterable[Linkage]") -> list[Case]:
    """Each image on each platform."""
    return [_image(linkage) for linkage in linkages]


def _image(linkage: "Linkage") -> Case:
    name = f"{linkage.image} {linkage.platform}"
    return Case(name, issues=tuple(_found(linkage)))


def compare_cases(rows: "Sequence[Row]") -> list[Case]:
    """Each platform: a start that is lost is an error, one that is not known any more a note."""
    return [_platform(row) for row in rows]


def _platform(row: "Row") -> Case:
    name = f"{row.new.image} {row.platform}"
    return Case(name, issues=tuple(_changed(row)))


def sarif_rules(book: "Rulebook") -> "list[SarifRule]":
    """The descriptions of the rules, as SARIF has them."""
    from elfgate.reports.sarif import SarifRule

    return [
        SarifRule(
            code=rule.code,
            title=rule.title,
            description=rule.description,
            remedy=rule.remedy,
            link=book.link(rule.code),
        )
        for rule in book.rules.values()
    ]


def _said(result: "ResultOutput") -> Iterator[Issue]:
    for violation in result.denials:
        yield _told("error", violation)
    for violation in result.warnings:
        is_unknown = violation.code == "linkage_unknown"
        yield _told("note" if is_unknown else "warning", violation)


def _told(level: Level, violation: "ViolationOutput") -> Issue:
    details = (
        *violation.lines,
        violation.remedy,
        violation.help,
    )
    place = violation.place
    return Issue(
        level=level,
        code=violation.code,
        title=violation.headline,
        details=tuple(filter(None, details)),
        line=place.line if place else 0,
        column=place.column if place else 0,
    )


def _problem(problem: "Problem") -> Issue:
    title = problem.message
    if problem.image:
        where = f" on {problem.platform}" if problem.platform else ""
        title = f"{problem.image}{where}: {title}"
    return Issue(
        level=_STATES[problem.state],
        code=problem.code,
        title=title,
        details=_details(problem.remedy),
    )


def _details(remedy: str) -> tuple[str, ...]:
    return (remedy,) if remedy else ()


def _found(linkage: "Linkage") -> Iterator[Issue]:
    for finding in linkage.prediction.findings:
        yield _finding(_EFFECTS[finding.effect], finding)
    for other in linkage.others:  # what would fail besides what is started
        for finding in other.findings:
            yield _finding("warning", finding)


def _finding(level: Level, finding: "Finding") -> Issue:
    return Issue(
        level=level,
        code=finding.code.value,
        title=finding.message,
        details=_details(finding.remedy),
    )


def _changed(row: "Row") -> Iterator[Issue]:
    if row.change is Change.CHANGED and row.notes:
        notes = "; ".join(row.notes)
        yield Issue("warning", row.change.value, notes)
    for finding in row.reasons:
        yield _finding(_EFFECTS[finding.effect], finding)
