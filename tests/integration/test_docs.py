"""What docs say of options, outputs and rules is what the program says."""

import runpy
from pathlib import Path

from support.chaos import faults, opa_faults

ROOT = Path(__file__).parents[2]


def test_what_each_fault_costs_is_told() -> None:
    told = (ROOT / "docs" / "chaos.md").read_text("utf-8")
    tried = [fault.name for fault in (*faults.FAULTS, *opa_faults.FAULTS, faults.VALKEY_GONE)]
    assert [name for name in tried if f"| {name} |" not in told] == []


def test_generated_docs_are_up_to_date() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "generate.py"))["generated"]
    drifted = [
        str(path)
        for path, text in generated()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    assert drifted == [], "run `make docs`"
