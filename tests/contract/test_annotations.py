"""The meta-policy that holds every module of the policies to an annotation."""

import json
import os
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
    said = subprocess.run(
        [ROOT / ".ci" / "annotations", folder],
        env=os.environ | {"OPA": opa.OPA},
        capture_output=True,
        check=False,
    )
    found = list(json.loads(said.stdout))
    assert (said.returncode == 0) is (found == [])
    return found


def changed(tmp_path: Path, pattern: str, replacement: str, module: str = RULE) -> Path:
    folder = Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))
    text = (folder / module).read_text()
    (folder / module).write_text(re.sub(pattern, replacement, text, count=1, flags=re.DOTALL))
    assert (folder / module).read_text() != text
    return folder


def test_every_module_says_what_it_is() -> None:
    assert complaints(ROOT / "policies") == []


@pytest.mark.parametrize(
    ("pattern", "replacement", "complaint"),
    [
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
    assert complaint in complaints(changed(tmp_path, pattern, replacement))


def test_a_module_without_an_annotation_is_told(tmp_path: Path) -> None:
    said = complaints(changed(tmp_path, r"# METADATA.*(?=package)", ""))
    assert "data.elfgate.rules.exec_format has no annotation" in said


TAG = "rules/latest_tag/latest_tag.rego"
UNKNOWN = "rules/linkage_unknown/linkage_unknown.rego"
MATRIX = "rules/support_matrix/support_matrix.rego"


@pytest.mark.parametrize(
    ("module", "pattern", "replacement", "complaint"),
    [
        (TAG, r"image_names, ", "", "latest_tag looks at image_names, "),
        (TAG, r", namespaces", "", "latest_tag looks at namespaces by way of data.elfgate.lib."),
        (UNKNOWN, r"\t\}\n", '\t}\n\tinput.request.name != "x"\n', "looks at pod_names, "),
        (UNKNOWN, r"\t\}\n", '\t}\n\tinput["request"]["name"]\n', "looks at pod_names, "),
        (UNKNOWN, r"\t\}\n", "\t}\n\tinput.request[_]\n", "looks at pod_names, "),
        (UNKNOWN, r"\t\}\n", "\t}\n\twalk(input, [_, _])\n", "looks at variants, "),
        (
            UNKNOWN,
            r"\t\}\n",
            '\t}\n\tobject.get(input.linkages[_], ["variant", "id"], "")\n',
            "looks at variants, ",
        ),
        (UNKNOWN, r"\t\}\n", "\t}\n\tinput.containers[_].image\n", "looks at image_names, "),
        (RULE, "$", "\nfindings := set() if false\n", "does more than take the prediction"),
        (RULE, r"by_code.exec_format$", "by_code.page_size", "does more than take"),
        (RULE, r"#   asks: prediction\n", "", "its annotation lacks asks: prediction"),
        (MATRIX, r"count\(config.effective.support\) > 0", "true", "without the setting"),
        (TAG, r"looks_at:", "says: [variants]\n#   looks_at:", "decides by what its annotation"),
    ],
)
def test_a_rule_that_does_other_than_it_says_is_told(
    tmp_path: Path, module: str, pattern: str, replacement: str, complaint: str
) -> None:
    said = complaints(changed(tmp_path, pattern, replacement, module))
    assert any(complaint in line for line in said), said
