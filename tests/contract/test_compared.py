"""``bundle test`` asks both engines the same documents, and tells where a rule means something else in one of them."""

import asyncio
from pathlib import Path

import pytest

from elfgate.policy import testing
from support import opa

pytestmark = pytest.mark.skipif(opa.OPA is None, reason="no OPA here: make policies builds one")

RULES = Path(__file__).parents[2] / "docs" / "rules"
# A conversion that is an error in one engine, and no value in the other.
DIFFERS = """\
package elfgate.rules.differs

findings contains {"message": "no"} if not is_short

is_short if {
	some container in input.containers
	hex.decode(container.name) == ""
}
"""


def test_rules_that_mean_the_same_are_let_be() -> None:
    report = asyncio.run(testing.examined(rules=RULES, opa=opa.OPA))
    assert report.failures == ()


def test_a_rule_on_which_the_engines_disagree_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "differs.rego").write_text(DIFFERS)
    report = asyncio.run(testing.examined(rules=tmp_path, opa=opa.OPA))
    told = [
        line for line in report.failures if line.startswith("the engines disagree on the case ")
    ]
    assert told
    assert "in OPA" in told[0]
