import pytest
import yaml
from pydantic import ValidationError

from elfgate.errors import UnknownReason
from elfgate.policy import bundle
from elfgate.policy.config import Layer, PolicyConfig


def test_only_what_was_given_is_laid_over() -> None:
    assert PolicyConfig().overlay() == {}
    given = PolicyConfig.model_validate(
        {"unknown": {"not_scanned": "deny"}, "points": {"audit": {"require": "all"}}}
    )
    assert given.overlay() == {
        "unknown": {"not_scanned": "deny"},
        "points": {"audit": {"require": "all"}},
    }


def test_an_unquoted_off_in_yaml_is_off() -> None:
    given = PolicyConfig.model_validate(
        yaml.safe_load("{rules: {cpu_level: off}, notes: {page_size: off}}")
    )
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
        points={"pod": Layer(rules={"c": "warn"})},
        namespaces={"x": Layer(notes={"d": "warn"})},
    )
    assert config.codes() == {"a", "b", "c", "d"}


EXEMPTION = {
    "namespace": "shop",
    "owner": "team-a",
    "reason": "moves in June",
    "expires": "2026-06-30",
}


def test_an_exemption_ends_some_days_after_it_expires() -> None:
    given = PolicyConfig.model_validate(
        {"exemptions": [EXEMPTION, {**EXEMPTION, "grace_days": 0}]}
    ).overlay()
    whole = {**EXEMPTION, "image": "*", "workload": "*", "rules": []}
    assert given == {
        "exemptions": [{**whole, "ends": "2026-07-14"}, {**whole, "ends": "2026-06-30"}]
    }


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"namespace": "*"}, "needs a namespace or an image"),
        ({"namespace": "*", "image": "a/*", "workload": "web"}, "needs a namespace beside it"),
        ({"image": "a/*/*"}, "more than one"),
        ({"expires": "soon"}, "valid date"),
        ({"owner": ""}, "at least 1 character"),
        ({"reason": "a\nb"}, "match pattern"),
        ({"until": "2026-06-30"}, "Extra inputs"),
    ],
)
def test_an_exemption_without_bounds_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        PolicyConfig.model_validate({"exemptions": [{**EXEMPTION, **changes}]})


def test_a_row_of_a_support_matrix_names_architectures_that_there_are() -> None:
    row = {"repository": "example/web", "variant": "ubi", "architectures": ["s390"], "source": "x"}
    with pytest.raises(ValidationError, match="s390 is none of the known architectures"):
        PolicyConfig.model_validate({"support": [row]})
