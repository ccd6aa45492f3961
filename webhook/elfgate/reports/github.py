"""Cases as commands of GitHub's workflows, which become annotations beside the lines of files.

Source: GitHub Docs, "Workflow commands" (notice, warning and error, and what is escaped in them).
"""

from collections.abc import Iterator, Sequence

from elfgate.printable import printable
from elfgate.reports.case import Case, Issue

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_IN_MESSAGES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = {**_IN_MESSAGES, ":": "%3A", ",": "%2C"}


def github(cases: Sequence[Case]) -> str:
    """Write a command a line for each issue."""
    return "".join(_command(case, issue) for case in cases for issue in case.issues)


def _command(case: Case, issue: Issue) -> str:
    properties = ",".join(f"{name}={value}" for name, value in _properties(case, issue))
    message = _escaped(issue.text, _IN_MESSAGES)
    return f"::{_COMMANDS[issue.level]} {properties}::{message}\n"


def _properties(case: Case, issue: Issue) -> Iterator[tuple[str, str]]:
    file, line, column = case.place_of(issue)
    if file:
        yield "file", _escaped(printable(file), _IN_PROPERTIES)
        yield "line", str(line)
    if file and column:
        yield "col", str(column)
    title = printable(f"{case.name}: {issue.code}")
    yield "title", _escaped(title, _IN_PROPERTIES)


def _escaped(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in text)
