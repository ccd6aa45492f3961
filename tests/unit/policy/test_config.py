import pytest
import yaml
from pydantic import ValidationError

from elfgate.errors import UnknownReason
from elfgate.policy import bundle
from elfgate.policy.config import PolicyConfig


def test_only_what_was_given_is_laid_over() -> None:
    assert PolicyConfig().overlay() == {}
    given = PolicyConfig.model_validate({"unknown": {"not_scanned": "deny"}, "points": {"audit": {"require": "all"}}})
    assert given.overlay() == {"unknown": {"not_scanned": "deny"}, "points": {"audit": {"require": "all"}}}


def test_an_unquoted_off_in_yaml_is_off() -> None:
    given = PolicyConfig.model_validate(yaml.safe_load("{rules: {cpu_level: off}, notes: {page_size: off}}"))
    assert given.overlay() == {"rules": {"cpu_level": "off"}, "notes": {"page_size": "off"}}


@pytest.mark.parametrize(
    "settings",
    [
        {"require": "most"},
        {"rules": {"cpu_level": "block"}},
        {"rules": {"cpu_level": True}},
        {"unknown": {"no_such_reason": "warn"}},
        {"unknown": {"not_scanned": "dryrun"}},
        {"notes": {"cpu_level": "deny"}},
        {"points": {"moon": {}}},
        {"namespaces": {"prod": {"namespaces": {}}}},
        {"rule": {}},
    ],
)
def test_a_setting_that_means_nothing_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PolicyConfig.model_validate(settings)


def test_the_bundles_own_settings_are_valid_and_complete() -> None:
    shipped = PolicyConfig.model_validate(bundle.load().data["elfgate"]["config"])
    assert shipped.require == "any"
    assert set(shipped.unknown) == set(UnknownReason)
    assert set(shipped.unknown.values()) == {"warn"}


def test_every_rule_spoken_of_is_known_by_its_code() -> None:
    config = PolicyConfig(
        rules={"a": "off"},
        notes={"b": "off"},
        points={"pod": {"rules": {"c": "warn"}}},
        namespaces={"x": {"notes": {"d": "warn"}}},
    )
    assert config.codes() == {"a", "b", "c", "d"}
