"""Cases as JUnit XML, which CI systems show: an error is a failure, what is not known is skipped.

Source: the Apache Ant JUnit format, as Jenkins and GitLab read it.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from elfgate.printable import printable
from elfgate.reports.case import Case, Issue


def junit(cases: Sequence[Case], *, suite: str) -> str:
    """Write cases as one suite."""
    counts = {
        "tests": len(cases),
        "failures": sum(_of(case, "error") != [] for case in cases),
        "skipped": sum(_is_skipped(case) for case in cases),
        "errors": 0,
    }
    told = {name: str(count) for name, count in counts.items()}
    root = ET.Element("testsuites", told)
    inner = ET.SubElement(root, "testsuite", {"name": suite, **told})
    for case in cases:
        _add(inner, case)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add(suite: ET.Element, case: Case) -> None:
    names = {"name": printable(case.name), "classname": printable(case.source or case.name)}
    if case.source:
        names["file"] = printable(case.place.file)
    element = ET.SubElement(suite, "testcase", names)
    if errors := _of(case, "error"):
        codes = ", ".join(dict.fromkeys(issue.code for issue in errors))
        failure = ET.SubElement(element, "failure", {"type": codes, "message": _first(errors)})
        failure.text = _texts(errors)
    elif _is_skipped(case):
        notes = _of(case, "note")
        ET.SubElement(element, "skipped", {"message": _first(notes)}).text = _texts(notes)
    if warnings := _of(case, "warning"):
        ET.SubElement(element, "system-out").text = _texts(warnings)


def _of(case: Case, level: str) -> list[Issue]:
    return [issue for issue in case.issues if issue.level == level]


def _is_skipped(case: Case) -> bool:
    return bool(_of(case, "note")) and not _of(case, "error")


def _first(issues: Sequence[Issue]) -> str:
    return printable(issues[0].title)


def _texts(issues: Sequence[Issue]) -> str:
    return "\n".join(issue.text for issue in issues)
