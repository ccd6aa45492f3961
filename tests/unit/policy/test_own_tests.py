"""Tests of two rules in one folder do not see each other's findings."""

import asyncio
from pathlib import Path

from elfgate.policy import bundle, testing
from elfgate.policy.own_tests import trials

RULE = """\
package elfgate.rules.{name}

findings contains {{"message": "{name}"}}
"""
TEST = """\
package elfgate.rules.{name}_test

import data.elfgate.lib.sample

test_only_this_rule_denies if {{
	document := sample.document(["amd64"], [sample.starts("web", "amd64")])
	verdict := data.elfgate.main.verdict with input as document
	[denial.code | some denial in verdict.denials] == ["{name}"]
}}
"""


def written(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / f"{name}.rego").write_text(RULE.format(name=name))
        (folder / f"{name}_test.rego").write_text(TEST.format(name=name))
    return folder


def test_each_rule_is_tested_as_the_only_one(tmp_path: Path) -> None:
    report = asyncio.run(testing.examined(rules=written(tmp_path, "one", "two"), opa=""))
    assert report.failures == ()
    assert "2 of your own" in report.summary


def test_a_test_beside_no_rule_sees_all_of_them(tmp_path: Path) -> None:
    whole = bundle.load(rules=written(tmp_path, "one", "two"), tests=True)
    stray = "data.elfgate.rules.both_test.test_x"
    found = list(trials(whole, ["data.elfgate.rules.one_test.test_y", stray]))
    assert [(each.bundle.own, each.tests) for each in found] == [
        (("one",), ("data.elfgate.rules.one_test.test_y",)),
        (("one", "two"), (stray,)),
    ]
