"""The meta-policy that holds every module of the policies to an annotation."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import opa

ROOT = Path(__file__).parents[2]
RULE = "rules/exec_format/exec_format.rego"

pytestmark = pytest.mark.skipif(opa.OPA is None, reason="no OPA here: make policies builds one")


def complaints(folder: Path) -> list[str]:
    assert opa.OPA
    inspected = subprocess.run(
        [opa.OPA, "inspect", "--annotations", "--format", "json", folder],
        capture_output=True,
        check=True,
    ).stdout
    command = [
        opa.OPA,
        "eval",
        "--stdin-input",
        "--format",
        "raw",
        "--data",
        str(ROOT / ".ci" / "annotations.rego"),
    ]
    said = subprocess.run(
        [*command, "data.elfgate.annotations.complaints"],
        input=inspected,
        capture_output=True,
        check=True,
    )
    return list(json.loads(said.stdout))


def changed(tmp_path: Path, pattern: str, replacement: str) -> Path:
    folder = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    text = (folder / RULE).read_text()
    (folder / RULE).write_text(re.sub(pattern, replacement, text, count=1, flags=re.DOTALL))
    assert (folder / RULE).read_text() != text
    return folder


def test_every_module_says_what_it_is() -> None:
    assert complaints(ROOT / "policies") == []


@pytest.mark.parametrize(
    ("pattern", "replacement", "complaint"),
    [
        (r"# METADATA.*(?=package)", "", "data.elfgate.rules.exec_format has no annotation"),
        (r"# title: [^\n]*\n", "", "data.elfgate.rules.exec_format: its annotation lacks title"),
        (
            r"#   remedy: [^\n]*\n",
            "",
            "data.elfgate.rules.exec_format: its annotation lacks custom.remedy",
        ),
        (
            "code: exec_format",
            "code: other",
            "data.elfgate.rules.exec_format: its annotation is of other",
        ),
    ],
)
def test_what_is_missing_is_told(
    tmp_path: Path, pattern: str, replacement: str, complaint: str
) -> None:
    assert complaints(changed(tmp_path, pattern, replacement)) == [complaint]
