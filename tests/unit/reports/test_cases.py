"""Cases in the forms that CI systems and code hosts read."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from elfgate.reports.case import Case, Issue
from elfgate.reports.github import github
from elfgate.reports.gitlab import gitlab
from elfgate.reports.junit import junit
from elfgate.reports.sarif import SarifRule, sarif
from support.published_schemas import SARIF as SARIF_SCHEMA

DENIED = Issue(
    "error", "loader_missing", "web cannot start on ppc64le", ("needs \x1b[31m ld64",), 18, 16
)
CASES = (
    Case("shop/Deployment/web", "deploy.yaml:12", (DENIED,)),
    Case("shop/Pod/app", "my objects.json: items[3]", (Issue("note", "linkage_unknown", "x"),)),
    Case("shop/Pod/db", "deploy.yaml:40", (Issue("warning", "latest_tag", "uses latest"),)),
    Case("shop/Pod/ok", "deploy.yaml:50"),
)
IMAGE = Case("example/app:2 linux/arm64", issues=(Issue("error", "exec_format", "no\r::error::x"),))
HELP = "https://docs.example/codes.md#loader_missing"
RULE = SarifRule("loader_missing", "A loader is missing", "It is not in the image.", "add it", HELP)


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
    region=closed(
        ["startLine"],
        startLine={"type": "integer", "minimum": 1},
        startColumn={"type": "integer", "minimum": 1},
    ),
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
    ["id"],
    id={"type": "string"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=TEXT,
    helpUri={"type": "string", "format": "uri", "pattern": "^https://"},
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
    log = json.loads(sarif((*CASES, IMAGE), [RULE], version="1.2.3"))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [ids[result["ruleIndex"]] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]
    first, second, _, last = run["results"]
    assert "physicalLocation" not in last["locations"][0]
    assert run["tool"]["driver"]["rules"][0]["helpUri"] == HELP
    assert first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "deploy.yaml"
    assert place["region"] == {"startLine": 18, "startColumn": 16}
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


# What Jenkins' and GitLab's readers of the Ant format take: elements, what may be in them, and what they must say.
JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, {"tests"}, {"failures", "errors", "skipped"}),
    "testsuite": ({"testcase"}, {"name", "tests"}, {"failures", "errors", "skipped"}),
    "testcase": ({"failure", "skipped", "system-out"}, {"name", "classname"}, {"file"}),
    "failure": (set(), {"message", "type"}, set()),
    "skipped": (set(), {"message"}, set()),
    "system-out": (set(), set(), set()),
}


def test_junit_is_as_its_readers_take_it() -> None:
    root = ET.fromstring(junit((*CASES, IMAGE), suite="elfgate scan"))  # noqa: S314 - our own
    for element in root.iter():
        children, required, optional = JUNIT[element.tag]
        assert {child.tag for child in element} <= children
        assert required <= set(element.keys()) <= required | optional


# Our own description of GitLab Docs, "Code Quality report format".
GITLAB = {
    "type": "array",
    "items": closed(
        ["description", "check_name", "fingerprint", "severity", "location"],
        description={"type": "string", "minLength": 1},
        check_name={"type": "string", "minLength": 1},
        fingerprint={"type": "string", "pattern": "^[0-9a-f]{32}$"},
        severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
        location=closed(
            ["path", "lines"],
            path={"type": "string", "pattern": "^[^/]"},
            lines=closed(["begin"], begin={"type": "integer", "minimum": 1}),
        ),
    ),
}


def test_code_quality_is_as_gitlab_describes_it() -> None:
    report = json.loads(gitlab((*CASES, IMAGE)))
    jsonschema.validate(report, GITLAB)
    assert [each["severity"] for each in report] == ["critical", "info", "minor", "critical"]
    assert report[0]["location"] == {"path": "deploy.yaml", "lines": {"begin": 18}}
    assert len({each["fingerprint"] for each in report}) == 4


COMMAND = re.compile(r"::(?P<level>error|warning|notice) (?P<properties>[^:]*)::(?P<message>.*)")


def unescaped(text: str) -> str:
    for code, sign in {"%0A": "\n", "%0D": "\r", "%3A": ":", "%2C": ",", "%25": "%"}.items():
        text = text.replace(code, sign)
    return text


def test_annotations_are_one_command_a_line() -> None:
    """As the runner reads them: a command, properties between commas, and a message."""
    commands = [COMMAND.fullmatch(line) for line in github((*CASES, IMAGE)).splitlines()]
    assert all(commands)
    first, *_, last = (match for match in commands if match)
    told = dict(each.split("=", 1) for each in first["properties"].split(","))
    assert (first["level"], told["file"], told["line"], told["col"]) == (
        "error",
        "deploy.yaml",
        "18",
        "16",
    )
    assert unescaped(told["title"]) == "shop/Deployment/web: loader_missing"
    assert unescaped(first["message"]) == "web cannot start on ppc64le\nneeds \\x1b[31m ld64"
    assert "file=" not in last["properties"]
    assert "::error::x" in last["message"]


def test_sarif_is_as_its_published_schema_says() -> None:
    log = json.loads(sarif((*CASES, IMAGE), [RULE], version="1.2.3"))
    validator = jsonschema.Draft4Validator(SARIF_SCHEMA.schema())
    assert [error.message for error in validator.iter_errors(log)] == []


def test_the_published_schema_refuses_what_is_no_sarif() -> None:
    validator = jsonschema.Draft4Validator(SARIF_SCHEMA.schema())
    assert not validator.is_valid({"version": "2.1.0", "runs": [{}]})


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("./deploy/web.yaml:3", "deploy/web.yaml"),
        ("{here}/deploy/web.yaml:3", "deploy/web.yaml"),
        ("../web.yaml:3", "../web.yaml"),
        ("/elsewhere/web.yaml:3", "/elsewhere/web.yaml"),
        ("standard input:3", "standard input"),
    ],
)
def test_a_file_is_named_from_the_working_directory_on(source: str, file: str) -> None:
    case = Case("web", source.format(here=Path.cwd()), (DENIED,))
    (finding,) = json.loads(gitlab([case]))
    assert finding["location"]["path"] == case.place.file == file
