"""Cases as JUnit XML, which CI systems show: an error is a failure, what is not known is skipped.

Source: the Apache Ant JUnit format, as Jenkins and GitLab read it.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from elfgate.printable import printable
from elfgate.reports.case import Case, Issue


def junit(cases: Sequence[Case], *, suite: str) -> str:
    """Write cases as one suite."""
    counts = _counts(cases)
    root = ET.Element("testsuites", counts)
    inner = ET.SubElement(root, "testsuite", {"name": suite, **counts})
    for case in cases:
        _add(inner, case)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    failures = [case for case in cases if _of(case, "error")]
    skipped = [case for case in cases if _is_skipped(case)]
    return {
        "tests": str(len(cases)),
        "failures": str(len(failures)),
        "skipped": str(len(skipped)),
        "errors": "0",
    }


def _add(suite: ET.Element, case: Case) -> None:
    names = {
        "name": printable(case.name),
        "classname": printable(case.source or case.name),
    }
    if case.source:
        names["file"] = printable(case.place.file)
    element = ET.SubElement(suite, "testcase", names)
    if _of(case, "error"):
        _add_failure(element, case)
    elif _is_skipped(case):
        _add_skipped(element, case)
    warnings = _of(case, "warning")
    if warnings:
        ET.SubElement(element, "system-out").text = _texts(warnings)


def _add_failure(element: ET.Element, case: Case) -> None:
    errors = _of(case, "error")
    codes = dict.fromkeys(issue.code for issue in errors)
    told = {
        "type": ", ".join(codes),
        "message": _first(errors),
    }
    ET.SubElement(element, "failure", told).text = _texts(errors)


def _add_skipped(element: ET.Element, case: Case) -> None:
    notes = _of(case, "note")
    told = {"message": _first(notes)}
    ET.SubElement(element, "skipped", told).text = _texts(notes)


def _of(case: Case, level: str) -> list[Issue]:
    return [issue for issue in case.issues if issue.level == level]


def _is_skipped(case: Case) -> bool:
    return bool(_of(case, "note")) and not _of(case, "error")


def _first(issues: Sequence[Issue]) -> str:
    return printable(issues[0].title)


def _texts(issues: Sequence[Issue]) -> str:
    return "\n".join(issue.text for issue in issues)
