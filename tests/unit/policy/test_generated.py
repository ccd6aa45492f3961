import json
import re
import subprocess
import sys
from pathlib import Path

import regorus

from elfgate.policy import bundle

ROOT = Path(__file__).parents[3]
CAPABILITIES = json.loads((ROOT / "policies" / "capabilities.json").read_text())
OPERATORS = {
    "and", "assign", "div", "eq", "equal", "gt", "gte", "internal.member_2", "internal.member_3", "lt", "lte", "minus",
    "mul", "neq", "or", "plus", "rem",
}  # fmt: skip


def test_what_is_generated_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/policies.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_embedded_engine_has_every_function_that_a_policy_may_use() -> None:
    assert [row["name"] for row in CAPABILITIES["builtins"] if not known(row)] == []


def known(builtin: dict[str, object]) -> bool:
    """Whether regorus knows a built-in function: it says so of one that it does not."""
    name, declared = builtin["name"], builtin["decl"]
    assert isinstance(declared, dict)
    if name in OPERATORS:
        return True
    arguments = ", ".join("input.x" for _ in declared.get("args", []))
    engine = regorus.Engine()
    engine.add_policy("p.rego", f"package p\nresult := {name}({arguments})")
    engine.set_input_json('{"x": "x"}')
    try:
        engine.eval_rule("data.p.result")
    except RuntimeError as error:
        return "could not find function" not in str(error)
    return True


def test_no_policy_may_reach_out_or_depend_on_the_moment() -> None:
    names = {row["name"] for row in CAPABILITIES["builtins"]}
    assert not [
        name
        for name in names
        if re.match(r"http\.|net\.|opa\.|time\.|rand\.|uuid\.rfc|io\.|rego\.", name)
    ]
    assert CAPABILITIES["allow_net"] == []


def test_no_policy_takes_another_input_than_it_is_given() -> None:
    # The embedded engine mixes up what was evaluated before and under `with`, unless it is named in full.
    assert [
        (path, line.strip())
        for path, text in bundle.load().modules.items()
        for line in text.splitlines()
        if re.search(r"\bwith (input|data)\b", line)
    ] == [
        (
            "elfgate/main/main.rego",
            "unheld := data.elfgate.main.denials with data.elfgate.unheld as true",
        )
    ]
