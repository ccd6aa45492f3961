"""What docs say of options, outputs and rules is what the program says."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_generated_docs_are_up_to_date() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "generate.py"))["generated"]
    drifted = [str(path) for path, text in generated() if not path.exists() or path.read_text("utf-8") != text]
    assert drifted == [], "run `make docs`"
