"""The findings of check and audit, as cases for JUnit and SARIF."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from elfgate.audit.entry import State
from elfgate.reports.case import Case, Issue, Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elfgate.audit.entry import Problem
    from elfgate.audit.report import Report
    from elfgate.cli.output import CheckOutput, ResultOutput
    from elfgate.policy.verdict import Violation

_LEVELS: dict[State, Level] = {
    State.FAILS: "error",
    State.PLACED: "warning",
    State.UNKNOWN: "note",
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
            tuple(_issue(each) for each in entry.problems if report.is_new(entry, each)),
        )
        for entry in report.entries
    ]


def _name(*parts: str) -> str:
    return "/".join(filter(None, parts))


def _said(result: "ResultOutput") -> Iterator[Issue]:
    for violation in result.denials:
        yield _told("error", violation)
    for violation in result.warnings:
        yield _told("note" if violation.code == "linkage_unknown" else "warning", violation)


def _told(level: Level, violation: "Violation") -> Issue:
    details = tuple(filter(None, (*violation.lines, violation.remedy)))
    return Issue(level, violation.code, violation.headline, details)


def _issue(problem: "Problem") -> Issue:
    where = f" on {problem.platform}" if problem.platform else ""
    title = f"{problem.image}{where}: {problem.message}" if problem.image else problem.message
    details = (problem.remedy,) if problem.remedy else ()
    return Issue(_LEVELS[problem.state], problem.code, title, details)


def write_junit(cases: "Sequence[Case]", verb: str) -> str:
    """Cases as JUnit XML."""
    from elfgate.reports.junit import junit

    return junit(cases, suite=f"elfgate {verb}")


def write_sarif(cases: "Sequence[Case]", options: argparse.Namespace) -> str:
    """Cases as SARIF, with what the policies say of their rules."""
    from elfgate import __version__
    from elfgate.cli.options import judging
    from elfgate.policy.metadata import NO_COMMON_PLATFORM, rules
    from elfgate.reports.sarif import SarifRule, sarif

    known = [
        SarifRule(rule.code, rule.title, rule.description, rule.remedy)
        for rule in (*rules(judging(options).bundle()), NO_COMMON_PLATFORM)
    ]
    return sarif(cases, known, version=__version__)
