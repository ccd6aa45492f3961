"""Cases as a report of GitLab's code quality, which merge requests show.

Source: GitLab Docs, "Code Quality", "Code Quality report format".
"""

import json
from collections.abc import Sequence
from typing import Any

from elfgate.printable import printable
from elfgate.reports.case import Case, Issue

_SEVERITIES = {"error": "critical", "warning": "minor", "note": "info"}


def gitlab(cases: Sequence[Case]) -> str:
    """Write a list of findings; each has to have a path.

    Of what is in no file, the path is its name.
    """
    found = [_finding(case, issue) for case in cases for issue in case.issues]
    return json.dumps(found, indent=2) + "\n"


def _finding(case: Case, issue: Issue) -> dict[str, Any]:
    file, line, _ = case.place_of(issue)
    return {
        "description": issue.text,
        "check_name": issue.code,
        "fingerprint": case.fingerprint(issue),
        "severity": _SEVERITIES[issue.level],
        "location": {"path": printable(file or case.name), "lines": {"begin": line}},
    }
