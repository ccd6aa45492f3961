"""Several formats of one report at once, on standard output and in files."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from support.manifests import pod

if TYPE_CHECKING:
    import subprocess

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TEXT = json.dumps(pod("web", "example/server:2-alpine", on="ppc64le"))
IMAGE = ["--image", "example/server:2-alpine=oci:layout:2-alpine"]
VERBS = {"check": ["check", "-"], "audit": ["audit", "-f", "-"]}


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
