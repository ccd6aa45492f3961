"""Cases as JUnit XML, which CI systems show: an error is a failure, what is not known is skipped.

Source: the Apache Ant JUnit format, as Jenkins and GitLab read it.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from elfgate.printable import printable
from elfgate.reports.case import Case, Issue

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def junit(cases: Sequence[Case], *, suite: str) -> str:
    """Write cases as one suite."""
    counts = _counts(cases)
    root = ET.Element("testsuites", counts)
    named = {
        "name": suite,
        **counts,
    }
    inner = ET.SubElement(root, "testsuite", named)
    for case in cases:
        _add(inner, case)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f"{_HEAD}\n{text}\n"


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    """The numbers of cases, as attributes of a suite."""
    failures = sum(bool(_of(case, "error")) for case in cases)
    skipped = sum(_is_skipped(case) for case in cases)
    return {
        "tests": str(len(cases)),
        "failures": str(failures),
        "skipped": str(skipped),
        "errors": "0",
    }


def _add(suite: ET.Element, case: Case) -> None:
    """Add a case: that it fails or is skipped, and its warnings."""
    element = ET.SubElement(suite, "testcase", _names(case))
    errors = _of(case, "error")
    notes = _of(case, "note")
    warnings = _of(case, "warning")
    if errors:
        _add_failure(element, errors)
    elif notes:
        _add_skipped(element, notes)
    if warnings:
        output = ET.SubElement(element, "system-out")
        output.text = _texts(warnings)


def _names(case: Case) -> dict[str, str]:
    """The name of a case, and its place, as attributes."""
    name = printable(case.name)
    if not case.source:
        return {
            "name": name,
            "classname": name,
        }
    return {
        "name": name,
        "classname": printable(case.source),
        "file": printable(case.place.file),
    }


def _add_failure(case: ET.Element, errors: Sequence[Issue]) -> None:
    """Add what fails, under the codes of the rules."""
    codes = dict.fromkeys(issue.code for issue in errors)
    told = {
        "type": ", ".join(codes),
        "message": _first(errors),
    }
    failure = ET.SubElement(case, "failure", told)
    failure.text = _texts(errors)


def _add_skipped(case: ET.Element, notes: Sequence[Issue]) -> None:
    """Add what is not known, for which a case counts as skipped."""
    told = {"message": _first(notes)}
    skipped = ET.SubElement(case, "skipped", told)
    skipped.text = _texts(notes)


def _of(case: Case, level: str) -> list[Issue]:
    """The issues of one level."""
    return [issue for issue in case.issues if issue.level == level]


def _is_skipped(case: Case) -> bool:
    """Whether nothing fails, and something is not known."""
    if _of(case, "error"):
        return False
    return bool(_of(case, "note"))


def _first(issues: Sequence[Issue]) -> str:
    """The first issue's title."""
    title = issues[0].title
    return printable(title)


def _texts(issues: Sequence[Issue]) -> str:
    """All that is said of issues."""
    texts = [issue.text for issue in issues]
    return "\n".join(texts)
