"""Several formats of one report at once, on standard output and in files."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from elfgate import __version__
from elfgate.cli.forms import FORMS
from elfgate.cli.main import main
from support.manifests import pod

if TYPE_CHECKING:
    import subprocess

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TEXT = json.dumps(pod("web", "example/server:2-alpine", on="ppc64le"))
IMAGE = ["--image", "example/server:2-alpine=oci:layout:2-alpine"]
VERBS = {"check": ["check", "-"], "audit": ["audit", "-f", "-"]}
ALPINE = "oci:layout:2-alpine"
JUDGING = {
    "scan": ["scan", ALPINE],
    "matrix": ["matrix", ALPINE],
    "check": ["check", "-", "--arch", "ppc64le", *IMAGE],
    "audit": ["audit", "-f", "-", "--arch", "ppc64le", *IMAGE],
    "compare": ["compare", "oci:layout:2-debian", ALPINE],
}
PLAIN = {"rules": ["rules"], "explain": ["explain", "loader_missing"]}
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
SIDECAR = "kind: Pod\nmetadata: {name: other}\nspec:\n  containers: [{name: server, image: x/y}]\n"
DENIED = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: server
    image: example/server:2-alpine # the one
"""


@pytest.mark.parametrize("verb", VERBS)
def test_text_is_shown_and_the_others_are_written(elfgate: Run, tmp_path: Path, verb: str) -> None:
    files = {form: tmp_path / f"report.{form}" for form in ("json", "junit", "sarif")}
    forms = [word for form, file in files.items() for word in ("-o", f"{form}={file}")]
    words = [*VERBS[verb], "--arch", "ppc64le", *IMAGE, "-o", "text", *forms]
    ran = elfgate(*words, text=TEXT)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "[loader_missing]" in ran.stdout
    assert json.loads(files["json"].read_text())["revision"]
    (suite,) = ET.fromstring(files["junit"].read_text())  # noqa: S314 - our own
    assert (suite.get("name"), suite.get("failures")) == (f"elfgate {verb}", "1")
    (run,) = json.loads(files["sarif"].read_text())["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("loader_missing", "error")
    assert run["tool"]["driver"]["rules"][0]["shortDescription"]["text"]


@pytest.mark.parametrize("verb", JUDGING)
def test_every_verb_that_judges_has_every_format(elfgate: Run, tmp_path: Path, verb: str) -> None:
    files = {form: tmp_path / form for form in FORMS}
    forms = [word for form, file in files.items() for word in ("-o", f"{form}={file}")]
    ran = elfgate(*JUDGING[verb], *forms, text=TEXT)
    assert (ran.returncode, ran.stderr, ran.stdout) == (1, "", "")
    told = {form: file.read_text().replace("\\_", "_") for form, file in files.items()}
    assert all("loader_missing" in told[form] for form in FORMS if form != "junit")
    assert json.loads(told["json"]) == yaml.safe_load(told["yaml"])
    assert ET.fromstring(told["junit"]).get("failures") != "0"  # noqa: S314 - our own
    assert "::error " in told["github"]
    assert "critical" in {each["severity"] for each in json.loads(told["gitlab"])}


@pytest.mark.parametrize("verb", JUDGING)
def test_json_of_verbs_that_judge_follows_the_schema_that_it_names(elfgate: Run, verb: str) -> None:
    follows_its_schema(verb, elfgate(*JUDGING[verb], "-o", "json", text=TEXT).stdout)


@pytest.mark.parametrize("verb", PLAIN)
def test_json_of_other_verbs_does_too(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PLAIN[verb], "-o", "json"]) == 0
    follows_its_schema(verb, capsys.readouterr().out)


def follows_its_schema(verb: str, text: str) -> None:
    document = json.loads(text)
    schema = json.loads((SCHEMAS / f"{verb}.json").read_text())
    jsonschema.validate(document, schema)
    assert document["$schema"] == schema["$id"]
    assert (document["version"], document["elfgate"]) == (2, __version__)


def test_a_denial_names_its_image_nodes_rule_and_place(elfgate: Run, tmp_path: Path) -> None:
    manifest = tmp_path / "deploy.yaml"
    manifest.write_text(f"{SIDECAR}---\n{DENIED}")
    words = ["check", str(manifest), "--arch", "ppc64le", *IMAGE, "-o", "json"]
    *_, result = json.loads(elfgate(*words).stdout)["results"]
    (denial,) = result["denials"]
    about = {name: denial[name] for name in ("container", "image", "tag", "title")}
    assert about == {
        "container": "server",
        "image": "example/server:2-alpine",
        "tag": "2-alpine",
        "title": "The dynamic loader is not in the image",
    }
    assert denial["digest"].startswith("sha256:")
    assert [each["platform"] for each in denial["nodes"]] == ["linux/ppc64le"]
    assert denial["link"].endswith("codes.md#loader_missing")
    line = manifest.read_text().splitlines()[denial["place"]["line"] - 1]
    assert denial["place"]["file"] == str(manifest)
    assert line[denial["place"]["column"] - 1 :] == "example/server:2-alpine # the one"


def test_an_audit_in_csv_has_a_row_for_each_platform(elfgate: Run) -> None:
    words = [*VERBS["audit"], "--for", "amd64,ppc64le", *IMAGE, "-o", "csv"]
    rows = list(csv.DictReader(io.StringIO(elfgate(*words, text=TEXT).stdout)))
    states = {(row["platform"], row["state"], row["code"]) for row in rows}
    assert states == {
        ("linux/amd64", "kept-off", "placement"),
        ("linux/ppc64le", "fails", "loader_missing"),
    }


def test_an_audit_in_markdown_has_its_figures_and_reasons(elfgate: Run) -> None:
    words = [*VERBS["audit"], "--arch", "ppc64le", *IMAGE, "-o", "markdown"]
    told = elfgate(*words, text=TEXT).stdout
    assert "| workloads | 0 | 0 | 0 | 1 |" in told
    assert "## Reasons" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "json=a", "-o", "yaml=a"], "a is named for 2 formats"),
        (["-o", "json", "-o", "yaml=-"], "only one format can be on standard output"),
        (["-o", "sarf"], 'did you mean "sarif"?'),
        (["-o", "text", "-o", "json"], "only one format can be on standard output"),
        (["-o", "json="], "names no file"),
        (["-o", "json=/nowhere/report.json"], "/nowhere/report.json"),
    ],
)
def test_outputs_that_cannot_be_are_refused_in_one_line(
    elfgate: Run, words: list[str], said: str
) -> None:
    ran = elfgate("check", "-", "--arch", "ppc64le", *IMAGE, *words, text=TEXT)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert said in ran.stderr
