"""Rules of one's own take values from the settings, of the types of their defaults."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from elfgate.errors import InputError
from elfgate.policy import archive, bundle
from elfgate.policy.config import PolicyConfig
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.verdict import Verdict
from support.documents import pod

RULE = """\
# METADATA
# custom:
#   parameters: {registries: [registry.example], most: 2, strict: false}
package elfgate.rules.mine

given := data.elfgate.config.parameters.mine

findings contains {"container": container.name, "message": "it is of no registry of ours"} if {
	some container in input.containers
	not allowed(container)
}

allowed(container) if {
	some registry in given.registries
	startswith(container.repository, registry)
}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "mine.rego").write_text(RULE)
    return tmp_path


def config(**values: Any) -> PolicyConfig:
    return PolicyConfig.model_validate({"parameters": {"mine": values}})


def judged(policies: bundle.Bundle) -> Verdict:
    return asyncio.run(EmbeddedEngine(policies).evaluate(pod(starts=("amd64",))))


def test_the_defaults_hold_unless_others_are_given(rules: Path) -> None:
    assert not judged(bundle.load(rules=rules)).allowed
    given = bundle.load(rules=rules, config=config(registries=["example/"]))
    assert judged(given).allowed
    assert given.data["elfgate"]["config"]["parameters"] == {
        "mine": {"registries": ["example/"], "most": 2, "strict": False}
    }


def test_they_are_part_of_a_built_bundle_and_of_its_revision(rules: Path) -> None:
    built = bundle.load(rules=rules, config=config(most=7))
    assert built.revision != bundle.load(rules=rules).revision
    again = archive.read(archive.files(built), "it", config=config(strict=True))
    assert again.data["elfgate"]["config"]["parameters"]["mine"] == {
        "registries": ["registry.example"],
        "most": 7,
        "strict": True,
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"registry": []}, "has no parameter registry; it has most, registries, strict"),
        ({"most": "3"}, "the parameter most of the rule mine is not like its default, 2"),
        ({"most": True}, "most of the rule mine is not like its default, 2"),
        ({"registries": "x"}, "registries of the rule mine is not like its default, "),
        ({"registries": ["x", 3]}, "registries of the rule mine is not like its default, "),
    ],
)
def test_what_is_none_or_of_another_type_is_refused(
    rules: Path, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        bundle.load(rules=rules, config=config(**values))


def test_parameters_of_a_rule_that_is_not_there_are_refused() -> None:
    with pytest.raises(InputError, match="unknown rules: mine: there are "):
        bundle.load(config=config(most=1))
