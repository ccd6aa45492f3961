import pytest
import yaml
from pydantic import ValidationError

from elfgate.errors import InputError, UnknownReason
from elfgate.policy import bundle
from elfgate.policy.config import Layer, PolicyConfig
from elfgate.policy.layers import configured


def test_only_what_was_given_is_laid_over() -> None:
    assert PolicyConfig().overlay() == {}
    given = PolicyConfig.model_validate(
        {"unknown": {"not_scanned": "deny"}, "points": {"pod": {"require": "all"}}}
    )
    assert given.overlay() == {
        "unknown": {"not_scanned": "deny"},
        "points": {"pod": {"require": "all"}},
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
        {"unknown": {"not_scanned": "off"}},
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
        ({"expires": "soon"}, "write a day"),
        ({"owner": ""}, "at least 1 character"),
        ({"reason": "a\nb"}, "write one line"),
        ({"until": "2026-06-30"}, "Extra inputs"),
    ],
)
def test_an_exemption_without_bounds_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        PolicyConfig.model_validate({"exemptions": [{**EXEMPTION, **changes}]})


def test_a_row_of_a_support_matrix_names_architectures_that_there_are() -> None:
    row = {"repository": "example/web", "variant": "ubi", "architectures": ["s390"], "source": "x"}
    with pytest.raises(ValidationError, match="no architecture is called s390"):
        PolicyConfig.model_validate({"support": [row]})


def exemption(**changed: object) -> dict[str, object]:
    return {"namespace": "shop", "owner": "a", "reason": "b", "expires": "2027-01-01"} | changed


def test_an_exemption_may_last_to_the_end_of_the_calendar() -> None:
    config = PolicyConfig.model_validate({"exemptions": [exemption(expires="9999-12-31")]})
    assert config.exemptions[0].data()["ends"] == "9999-12-31"


@pytest.mark.parametrize(
    "settings",
    [
        {"namespaces": {"Shop": {}}},
        {"namespaces": {"a.b": {}}},
        {"namespaces": {"a*b*": {}}},
        {"exemptions": [exemption(workload="deployment/web")]},
        {"support": [{"repository": "r", "variant": "no such", "architectures": ["amd64"]}]},
        {"rules": {"linkage_unknown": "warn"}, "unknown": {"not_scanned": "deny"}},
        {
            "rules": {"linkage_unknown": "dryrun"},
            "namespaces": {"prod": {"unknown": {"image_not_found": "deny"}}},
        },
    ],
)
def test_a_setting_that_cannot_take_effect_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PolicyConfig.model_validate(settings)


def test_an_unknown_may_deny_where_the_rule_for_unknowns_denies_again() -> None:
    PolicyConfig.model_validate(
        {
            "rules": {"linkage_unknown": "warn"},
            "namespaces": {
                "prod": {"rules": {"linkage_unknown": "deny"}, "unknown": {"not_scanned": "deny"}}
            },
        }
    )


def test_null_is_not_given() -> None:
    config = PolicyConfig.model_validate(
        {"require": "all", "namespaces": {"shop": {"require": None}}}
    )
    assert config.overlay() == {"require": "all", "namespaces": {"shop": {}}}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("docker.io/library/nginx", "docker.io/library/nginx"),
        ("index.docker.io/example/app:*", "docker.io/example/app:*"),
        ("docker.io/*", "docker.io/*"),
        ("registry.example/a/b", "registry.example/a/b"),
    ],
)
def test_an_image_pattern_keeps_its_registry(pattern: str, expected: str) -> None:
    config = PolicyConfig.model_validate({"exemptions": [exemption(image=pattern)]})
    assert config.exemptions[0].image == expected


@pytest.mark.parametrize(
    "written",
    ["2026-06-30 00:00:00", "soon", "2026-06-30T01:00:00Z", "5", "'2026-02-30'", "'2026-W01-1'"],
)
def test_an_expiry_that_is_no_day_is_told_how_to_be_one(written: str) -> None:
    given = yaml.safe_load(written)
    with pytest.raises(ValidationError, match="write a day, such as 2027-06-30"):
        PolicyConfig.model_validate({"exemptions": [exemption(expires=given)]})


def test_a_variant_is_written_as_os_release_does() -> None:
    row = {"repository": "r", "variant": "Debian", "architectures": ["amd64"], "source": "s"}
    config = PolicyConfig.model_validate({"support": [row]})
    assert config.support[0].variant == "debian"


def test_exemptions_hold_beside_those_of_the_bundle() -> None:
    own = PolicyConfig.model_validate({"exemptions": [exemption(namespace="mine")]})
    below = {"exemptions": [{"namespace": "theirs"}], "support": []}
    laid = configured(below, own)
    assert [each["namespace"] for each in laid["exemptions"]] == ["theirs", "mine"]


def test_settings_of_rules_that_only_a_followed_bundle_has_wait_for_it() -> None:
    config = PolicyConfig.model_validate(
        {
            "rules": {"ban": "warn", "exec_format": "warn"},
            "points": {"pod": {"notes": {"ban": "off"}}},
            "exemptions": [exemption(rules=["ban"]), exemption(rules=["ban", "exec_format"])],
        }
    )
    laid = bundle.load(config=config, followed=True).data["elfgate"]["config"]
    assert laid["rules"]["exec_format"] == "warn"
    assert "ban" not in laid["rules"]
    assert [each["rules"] for each in laid["exemptions"]] == [["exec_format"]]
    with pytest.raises(InputError, match="unknown rules: ban: there are"):
        bundle.load(config=config)


@pytest.mark.parametrize("repository", ["a/b:1", "registry.test:5000/a:1", "a@sha256:0"])
def test_a_supported_repository_has_no_tag(repository: str) -> None:
    row = {"repository": repository, "architectures": ["amd64"], "source": "s"}
    with pytest.raises(ValidationError, match="is not a repository: leave the tag"):
        PolicyConfig.model_validate({"support": [row]})


def test_a_repository_may_be_on_a_port() -> None:
    row = {"repository": "registry.test:5000/a", "architectures": ["amd64"], "source": "s"}
    config = PolicyConfig.model_validate({"support": [row]})
    assert config.support[0].repository == "registry.test:5000/a"


def test_a_mapping_without_entries_is_not_given() -> None:
    config = PolicyConfig.model_validate({"rules": None, "namespaces": {"a": {"notes": None}}})
    assert config.overlay() == {"namespaces": {"a": {}}}


@pytest.mark.parametrize(
    ("settings", "where", "why"),
    [
        ({"exemptions": [exemption(namespace="Shop")]}, "exemptions.0.namespace", "no namespace"),
        ({"exemptions": [exemption(image="NGINX")]}, "exemptions.0.image", "not an image"),
        ({"exemptions": [exemption(workload="Web")]}, "exemptions.0.workload", "no name"),
        ({"exemptions": [exemption(grace_days=True)]}, "exemptions.0.grace_days", "integer"),
        ({"help": "a\nb"}, "help", "write one line"),
    ],
)
def test_a_setting_of_names_says_what_is_wrong(
    settings: dict[str, object], where: str, why: str
) -> None:
    with pytest.raises(ValidationError, match=why) as raised:
        PolicyConfig.model_validate(settings)
    (error,) = raised.value.errors()
    assert ".".join(map(str, error["loc"])) == where


def test_what_the_decision_says_has_help_and_no_mode() -> None:
    config = PolicyConfig.model_validate({"rule_help": {"no_common_platform": "ask #platform"}})
    laid = bundle.load(config=config).data["elfgate"]["config"]
    assert laid["rule_help"] == {"no_common_platform": "ask #platform"}
    assert config.only(set()).rule_help == {"no_common_platform": "ask #platform"}
    for settings in ({"rules": {"no_common_platform": "warn"}}, _exempting("no_common_platform")):
        with pytest.raises(InputError, match="no_common_platform is no rule"):
            bundle.load(config=PolicyConfig.model_validate(settings))


def _exempting(code: str) -> dict[str, object]:
    return {"exemptions": [exemption(rules=[code])]}
