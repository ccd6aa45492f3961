"""docs/accuracy.md, as its generator makes it of a summary."""

import runpy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
MADE_UP: dict[str, Any] = {
    "elfgate": "9.9",
    "date": "2031-01-02",
    "machine": "Linux 9.9.9, vax",
    "kinds": {
        "made cases: a": {"agrees": 3, "unknown": 1, "started": 2, "did not start": 2},
        "made cases: b": {"agrees": 1998, "false deny": 1, "started": 1999},
    },
    "architectures": {"vax": {"agrees": 2001, "false deny": 1, "unknown": 1, "started": 2001}},
    "failures": {"loader_missing": {"all": 3, "named": 2}},
    "known": [{"cells": "a/x*", "agreement": "false deny", "count": 1, "reason": "a | b"}],
    "left_out": ["what needs root"],
}


def _generator() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "accuracy.py"))


def test_a_summary_is_told_by_kind_architecture_and_reason() -> None:
    text = _generator()["page"](MADE_UP, {})
    assert "**2,003 starts, of which 2,001 were predicted right, 1 are unknown,\n1 would" in text
    assert "| made cases: a | 4 | 2 | 2 | 3 (75 %) | 0 | 0 | 0 | 1 |" in text
    assert "| made cases: b | 1,999 | 1,999 | 0 | 1,998 (99.9 %) | 1 | 0 | 0 | 0 |" in text
    assert "| all | 2,003 | 2,001 | 2 | 2,001 (99.9 %) | 1 | 0 | 0 | 1 |" in text
    assert "| loader\\_missing | 3 | 2 | 66.6 % |" in text
    assert "| a/x\\* | false deny | 1 | a \\| b |" in text
    assert text.endswith("## What this run left out\n\n- what needs root\n")


def test_nothing_known_to_be_wrong_is_told_as_such() -> None:
    text = _generator()["page"]({**MADE_UP, "known": [], "left_out": []}, {})
    assert "## What is known to be wrong\n\nNothing.\n" in text
    assert "left out" not in text


def test_the_page_is_what_its_summary_makes() -> None:
    generator = _generator()
    kept = (generator["_read"](generator[name]) for name in ("SUMMARY", "REBASED"))
    assert generator["PAGE"].read_text(encoding="utf-8") == generator["page"](*kept)


def test_programs_put_upon_bases_are_counted_by_architecture() -> None:
    row = {
        "date": "2031-01-02",
        "machine": "Linux 9.9.9, vax",
        "programs": ["a", "b"],
        "bases": ["scratch"],
        "starts": 2,
        "started": 1,
        "right": 1,
        "wrong": 0,
        "unknown": 1,
    }
    text = _generator()["page"](MADE_UP, {"vax": row})
    assert "| vax | 2031-01-02, Linux 9.9.9, vax | 2 | 1 | 2 | 1 | 1 | 0 | 1 |" in text
