"""``bundle test`` asks both engines the same documents, and tells where a rule means something else in one of them."""

import asyncio
from pathlib import Path

import pytest

from elfgate.errors import InputError
from elfgate.policy import bundle, testing
from elfgate.wiring.policies import prove_bundle
from support import opa

pytestmark = pytest.mark.skipif(opa.OPA is None, reason="no OPA here: make policies builds one")

RULES = Path(__file__).parents[2] / "docs" / "rules"
# A conversion that is an error in one engine, and no value in the other.
DIFFERS = """\
package elfgate.rules.differs

findings contains {"message": "no"} if not is_short

is_short if {
	some container in input.containers
	container.name != "app" # of the pod that each rule is asked about first
	hex.decode(container.name) == ""
}
"""


def test_rules_that_mean_the_same_are_let_be() -> None:
    report = asyncio.run(testing.examined(rules=RULES, opa=opa.OPA))
    assert report.failures == ()


def test_a_rule_on_which_the_engines_disagree_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "differs.rego").write_text(DIFFERS)
    report = asyncio.run(testing.examined(rules=tmp_path, opa=opa.OPA))
    for asked in ("the case ", "the document by chance "):
        told = [
            line for line in report.failures if line.startswith(f"the engines disagree on {asked}")
        ]
        assert told
        assert "in OPA" in told[0]


def test_such_a_rule_is_not_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert opa.OPA
    monkeypatch.setenv("PATH", str(Path(opa.OPA).parent))
    (tmp_path / "differs.rego").write_text(DIFFERS)
    loaded = bundle.load(rules=tmp_path)
    with pytest.raises(InputError, match="the engines disagree on the case"):
        asyncio.run(prove_bundle(loaded))
