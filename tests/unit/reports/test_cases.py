"""Cases in the forms that CI systems and code hosts read."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from elfgate.reports.case import Case, Issue
from elfgate.reports.junit import junit
from elfgate.reports.sarif import SarifRule, sarif

DENIED = Issue("error", "loader_missing", "web cannot start on ppc64le", ("needs \x1b[31m ld64",))
CASES = (
    Case("shop/Deployment/web", "deploy.yaml:12", (DENIED,)),
    Case("shop/Pod/app", "my objects.json: items[3]", (Issue("note", "linkage_unknown", "x"),)),
    Case("shop/Pod/db", "deploy.yaml:40", (Issue("warning", "latest_tag", "uses latest"),)),
    Case("shop/Pod/ok", "deploy.yaml:50"),
)
RULE = SarifRule("loader_missing", "A loader is missing", "It is not in the image.", "add it")


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


# Our own description of what OASIS's SARIF 2.1.0 says of the objects that are written.
TEXT = closed(["text"], text={"type": "string", "minLength": 1})
PHYSICAL = closed(
    ["artifactLocation"],
    artifactLocation=closed(["uri"], uri={"type": "string", "pattern": "^[^ ]+$"}),
    region=closed(["startLine"], startLine={"type": "integer", "minimum": 1}),
)
LOGICAL = closed(
    ["fullyQualifiedName"], fullyQualifiedName={"type": "string"}, kind={"type": "string"}
)
RESULT = closed(
    ["message"],
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": -1},
    level={"enum": ["none", "note", "warning", "error"]},
    message=TEXT,
    locations={
        "type": "array",
        "items": closed(
            [], physicalLocation=PHYSICAL, logicalLocations={"type": "array", "items": LOGICAL}
        ),
    },
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
)
RULES = closed(
    ["id"], id={"type": "string"}, shortDescription=TEXT, fullDescription=TEXT, help=TEXT
)
DRIVER = closed(
    ["name"],
    name={"type": "string"},
    version={"type": "string"},
    rules={"type": "array", "uniqueItems": True, "items": RULES},
)
RUN = closed(
    ["tool"],
    tool=closed(["driver"], driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT},
)
SARIF = closed(
    ["version", "runs"],
    **{"$schema": {"type": "string", "format": "uri"}},
    version={"const": "2.1.0"},
    runs={"type": "array", "items": RUN},
)


def test_sarif_is_as_its_specification_says() -> None:
    log = json.loads(sarif(CASES, [RULE], version="1.2.3"))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [ids[result["ruleIndex"]] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]
    first, second, _ = run["results"]
    assert first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("deploy.yaml", 12)
    assert "\x1b" not in first["message"]["text"]
    uri = second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "my%20objects.json"


def test_a_finding_that_moved_in_its_file_keeps_its_fingerprint() -> None:
    moved = Case("shop/Deployment/web", "deploy.yaml:99", (DENIED,))
    prints = [
        json.loads(sarif([case], [], version="1"))["runs"][0]["results"][0]["partialFingerprints"]
        for case in (CASES[0], moved, Case("shop/Deployment/other", "deploy.yaml:12", (DENIED,)))
    ]
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


@pytest.fixture
def suite() -> ET.Element:
    (found,) = ET.fromstring(junit(CASES, suite="elfgate check"))  # noqa: S314 - our own
    return found


def test_junit_counts_what_it_holds(suite: ET.Element) -> None:
    assert suite.tag == "testsuite"
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    assert len(suite.findall("testcase")) == 4
    assert len(suite.findall("testcase/failure")) == 1
    assert len(suite.findall("testcase/skipped")) == 1


def test_junit_tells_what_failed_and_where(suite: ET.Element) -> None:
    web, _, db, _ = suite.findall("testcase")
    assert (web.get("name"), web.get("file")) == ("shop/Deployment/web", "deploy.yaml")
    failure = web.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("loader_missing", DENIED.title)
    assert failure.text == "web cannot start on ppc64le\nneeds \\x1b[31m ld64"
    assert db.findtext("system-out") == "uses latest"
