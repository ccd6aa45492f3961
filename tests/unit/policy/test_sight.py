"""What policies look at is what their METADATA says; what could have been changed counts as looking at everything."""

from datetime import date
from pathlib import Path

import pytest

from elfgate.policy import bundle
from elfgate.policy.aggregator import AGGREGATOR
from elfgate.policy.annotation import LOOKS, USUAL
from elfgate.policy.config import Exemption, PolicyConfig
from elfgate.policy.sight import EVERYTHING, Sight, sight

EXEMPTION = Exemption(namespace="shop", owner="a", reason="b", expires=date(2099, 1, 1))
ROW = {"repository": "*", "architectures": ["amd64"], "source": "its manual"}


def of(**settings: object) -> Sight:
    return sight(bundle.load(config=PolicyConfig.model_validate(settings)))


def with_rule(folder: Path, text: str) -> Sight:
    (folder / "mine.rego").write_text(text)
    return sight(bundle.load(rules=folder))


def test_the_shipped_policies_look_at_namespaces_only() -> None:
    assert of() == Sight(frozenset({"namespaces"}))


@pytest.mark.parametrize(
    ("settings", "looks"),
    [
        ({"rules": {"latest_tag": "deny"}}, {"image_names"}),
        ({"points": {"pod": {"rules": {"unpinned_tag": "dryrun"}}}}, {"image_names"}),
        ({"support": [ROW]}, {"image_names", "variants"}),
        ({"namespaces": {"shop": {"most": "warn"}}}, set()),
        ({"namespaces": {"stage=prod": {"most": "warn"}}}, {"namespace_labels"}),
        ({"rules": {"support_matrix": "off"}, "support": [ROW]}, {"image_names", "variants"}),
    ],
)
def test_a_rule_that_is_turned_on_looks_at_what_it_says(
    settings: dict[str, object], looks: set[str]
) -> None:
    assert of(**settings) == Sight(frozenset({"namespaces", *looks}))


@pytest.mark.parametrize(
    ("fields", "looks"),
    [
        ({}, set()),
        ({"workload": "web-*"}, {"pod_names"}),
        ({"image": "example/*"}, {"image_names"}),
        ({"workload": "web-*", "image": "example/*"}, {"image_names", "pod_names"}),
    ],
)
def test_an_exemption_looks_at_the_names_that_it_is_for(
    fields: dict[str, str], looks: set[str]
) -> None:
    exemptions = [EXEMPTION, EXEMPTION.model_copy(update=fields)]
    policies = bundle.load(config=PolicyConfig(exemptions=exemptions))
    assert sight(policies) == Sight(frozenset({"namespaces", *looks}))


@pytest.mark.parametrize(
    ("metadata", "looks"),
    [
        ("", USUAL),
        ("# METADATA\n# title: Mine\n", USUAL),
        ("# METADATA\n# custom:\n#   looks_at: [image_names]\n", {"image_names"}),
        ("# METADATA\n# custom:\n#   looks_at: [labels]\n", {"labels"}),
    ],
)
def test_a_rule_of_ones_own_looks_at_what_it_says_or_at_the_usual(
    tmp_path: Path, metadata: str, looks: set[str]
) -> None:
    body = f"{metadata}package elfgate.rules.mine\n\nfindings := set()\n"
    assert with_rule(tmp_path, body) == Sight(frozenset({"namespaces", *looks}))


def test_a_look_at_something_unheard_of_is_a_look_at_everything(tmp_path: Path) -> None:
    text = "# METADATA\n# custom:\n#   looks_at: [the_moon]\npackage elfgate.rules.mine\n"
    assert with_rule(tmp_path, text + "\nfindings := set()\n").looks_at == LOOKS


@pytest.mark.parametrize(
    "path",
    ["lib/exemptions/exemptions.rego", "rules/exec_format/exec_format.rego", AGGREGATOR],
)
def test_a_changed_module_looks_at_everything(path: str) -> None:
    policies = bundle.load()
    changed = {**policies.modules, path: policies.modules[path] + "\n# changed\n"}
    settings = policies.data["elfgate"]["config"]
    assert sight(bundle.sealed("x", changed, settings)) == EVERYTHING


def test_settings_of_another_shape_leave_nothing_out_of_sight() -> None:
    policies = bundle.load()
    assert sight(bundle.sealed("x", policies.modules, {"rules": []})) == EVERYTHING


def test_a_rule_that_looks_at_the_labels_of_namespaces_does_so_whatever_settings_go_by(
    tmp_path: Path,
) -> None:
    text = "# METADATA\n# custom:\n#   looks_at: [namespace_labels]\npackage elfgate.rules.mine\n"
    looks = with_rule(tmp_path, text + "\nfindings := set()\n").looks_at
    assert looks == {"namespaces", "namespace_labels"}
