"""Cases as SARIF 2.1.0, which code hosts show beside the lines of files.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from elfgate.printable import printable
from elfgate.reports.case import Case, Issue

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, slots=True)
class SarifRule:
    """A rule that results are of.

    Attributes:
        code: Its stable name.
        title: What it finds, in a few words.
        description: What that means.
        remedy: The way out.
        link: The page that explains it.
    """

    code: str
    title: str
    description: str
    remedy: str
    link: str = ""


def sarif(cases: Sequence[Case], rules: Sequence[SarifRule], *, version: str) -> str:
    """Write cases as one run.

    Args:
        cases: What was judged.
        rules: What is known of rules; a code without one is a rule without a text.
        version: The program's.
    """
    codes = list(dict.fromkeys(issue.code for case in cases for issue in case.issues))
    known = {rule.code: rule for rule in rules}
    driver = {
        "name": "elfgate",
        "version": version,
        "rules": [_rule(code, known.get(code)) for code in codes],
    }
    results = [_result(case, issue, codes) for case in cases for issue in case.issues]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [run],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(code: str, rule: SarifRule | None) -> dict[str, Any]:
    if rule is None:
        return {"id": code}
    texts = {
        "shortDescription": rule.title,
        "fullDescription": rule.description,
        "help": rule.remedy,
    }
    told: dict[str, Any] = {name: {"text": text} for name, text in texts.items() if text}
    link = {"helpUri": rule.link} if rule.link else {}
    return {"id": code} | link | told


def _result(case: Case, issue: Issue, codes: Sequence[str]) -> dict[str, Any]:
    return {
        "ruleId": issue.code,
        "ruleIndex": codes.index(issue.code),
        "level": issue.level,
        "message": {"text": issue.text},
        "locations": [_location(case, issue)],
        "partialFingerprints": {"elfgate/v1": case.fingerprint(issue)},
    }


def _location(case: Case, issue: Issue) -> dict[str, Any]:
    logical = {"fullyQualifiedName": printable(case.name), "kind": "resource"}
    file, line, column = case.place_of(issue)
    if not file:
        return {"logicalLocations": [logical]}
    region = {"startLine": line}
    if column:
        region["startColumn"] = column
    place = {
        "artifactLocation": {"uri": quote(file)},
        "region": region,
    }
    return {"physicalLocation": place, "logicalLocations": [logical]}
