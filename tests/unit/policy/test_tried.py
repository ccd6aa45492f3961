"""Rules of one's own that fail on any pod are refused by name before they come into force."""

import asyncio
from pathlib import Path

import pytest

from elfgate.errors import InputError
from elfgate.policy import bundle
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.tried import try_each
from elfgate.wiring.policies import Judging, engine

HEAD = "package elfgate.rules.mine\n"
WORKS = 'package elfgate.rules.works\nfindings contains {"message": "no"} if input.version == 1\n'
UNBOUND = 'findings contains {"message": said} if input.version == 2'
TWICE = 'said := "a"\nsaid := "b"\nfindings contains {"message": said}'
ITSELF = 'a if b\nb if a\nfindings contains {"message": "no"} if a'
PUT_TOGETHER = 'findings contains object.union({"message": "no"}, {"severity": "high"})'


def tried(folder: Path, *sources: str) -> None:
    for number, source in enumerate(sources):
        (folder / f"{number}.rego").write_text(source)
    loaded = bundle.load(rules=folder)
    asyncio.run(try_each(EmbeddedEngine(loaded), loaded.own))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (UNBOUND, "said"),
        (TWICE, "said"),
        (ITSELF, "recurs"),
        (PUT_TOGETHER, "a finding has no severity"),
    ],
)
def test_a_rule_that_fails_on_a_pod_is_named(tmp_path: Path, body: str, why: str) -> None:
    with pytest.raises(InputError, match=f"the rule mine fails: .*{why}"):
        tried(tmp_path, WORKS, f"{HEAD}{body}\n")


def test_rules_that_deny_or_find_nothing_are_taken(tmp_path: Path) -> None:
    tried(tmp_path, WORKS, f'{HEAD}findings contains {{"message": "no"}}\n')


def test_a_rule_may_speak_of_a_container_that_only_some_pods_have(tmp_path: Path) -> None:
    tried(tmp_path, f'{HEAD}findings contains {{"message": "no", "container": "proxy"}}\n')


def test_its_file_is_named_as_its_owner_knows_it(tmp_path: Path) -> None:
    (tmp_path / "mine.rego").write_text(f"{HEAD}{TWICE}\n")
    with pytest.raises(InputError) as raised:
        asyncio.run(engine(Judging(rules=tmp_path)))
    assert f"{tmp_path}/mine.rego:" in str(raised.value)
    assert "own/" not in str(raised.value)
