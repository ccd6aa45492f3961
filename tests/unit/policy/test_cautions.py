"""Settings that hold all the same, and what their owner is told of them."""

from datetime import date
from typing import Any

import pytest

from elfgate.policy import bundle
from elfgate.policy.cautions import cautions, described, is_for
from elfgate.policy.config import PolicyConfig

TODAY = date(2026, 6, 1)
EXEMPTION = {
    "namespace": "shop",
    "workload": "Deployment/web",
    "rules": ["exec_format"],
    "owner": "team-a",
    "reason": "moves in June",
    "expires": "2027-06-30",
}
MISSPELT = "the exemption of team-a (namespace shop, workload Deploymnt/web)"
ALL_OF_IT = "is a registry, and no image: write "
REGISTRY = "the exemption of team-a (namespace shop, image registry.example)"
NAME = "the exemption of team-a (namespace shop, workload Deployment/web)"


def told(settings: dict[str, Any]) -> list[str]:
    """What is told of settings that are laid over the shipped ones."""
    loaded = bundle.load(config=PolicyConfig.model_validate(settings))
    return cautions(loaded.data["elfgate"]["config"], TODAY)


def exempt(**changes: object) -> dict[str, Any]:
    return {"exemptions": [{**EXEMPTION, **changes}]}


def row(variant: str) -> dict[str, Any]:
    return {
        "support": [
            {"repository": "a/b", "variant": variant, "architectures": ["amd64"], "source": "docs"}
        ]
    }


@pytest.mark.parametrize(
    "settings",
    [
        {},
        exempt(),
        exempt(workload="Deploy*/web"),
        row("debian"),
        row("*"),
        row("Debian"),
    ],
)
def test_of_settings_as_they_should_be_nothing_is_told(settings: dict[str, Any]) -> None:
    assert told(settings) == []


OUTAGE = (
    "deny refuses workloads while a registry is away, its own among them if it runs in the "
    "cluster: exempt its namespace"
)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"unknown": {"registry_unreachable": "deny"}},
            f"unknown.registry_unreachable: {OUTAGE}",
        ),
        (
            {"namespaces": {"prod": {"unknown": {"image_not_found": "deny"}}}},
            f"unknown.image_not_found: {OUTAGE}",
        ),
        (
            row("debain"),
            'support: no image is known to call itself debain, did you mean "debian"?',
        ),
        (
            exempt(workload="Deploymnt/web"),
            f'{MISSPELT}: no kind Deploymnt is known, did you mean "Deployment"?',
        ),
        (exempt(expires="2026-06-20"), f"{NAME} expires on 2026-06-20"),
        (exempt(expires="2026-05-30"), f"{NAME} expired on 2026-05-30: it warns until 2026-06-13"),
        (
            exempt(expires="2026-01-30"),
            f"{NAME} ended on 2026-02-13 and counts no more: remove it",
        ),
        (exempt() | {"rules": {"exec_format": "off"}}, f"{NAME} is from rules that are off"),
    ],
)
def test_what_will_surprise_its_owner_is_told(settings: dict[str, Any], line: str) -> None:
    assert told(settings) == [line]


def test_an_exemption_is_named_by_what_narrows_it() -> None:
    any_image = PolicyConfig.model_validate(exempt()).exemptions[0].data()
    assert described(any_image) == NAME


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [("shop", True), ("sh*", True), ("*p", True), ("sho", False), ("shop*shop", False)],
)
def test_an_exemption_is_for_the_namespaces_of_its_pattern(pattern: str, is_meant: bool) -> None:
    assert is_for({"namespace": pattern}, {"shop"}) is is_meant


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"notes": {"command_missing": "warn"}},
            "notes.command_missing: the rule makes no notes, so that the setting does nothing",
        ),
        (
            {"namespaces": {"shop": {"notes": {"unpinned_tag": "off"}}}},
            "notes.unpinned_tag: the rule makes no notes, so that the setting does nothing",
        ),
        (
            {"namespaces": {"kube-system": {"most": "warn"}}},
            (
                "namespaces.kube-system: elfgate judges nothing in kube-system, so that the setting "
                "does nothing"
            ),
        ),
        (
            exempt(namespace="kube-system", workload="*"),
            (
                "the exemption of team-a (namespace kube-system): elfgate judges nothing in "
                "kube-system, so that the setting does nothing"
            ),
        ),
        (
            exempt(workload="Service/web"),
            (
                "the exemption of team-a (namespace shop, workload Service/web): a Service has no pods, "
                "so the exemption does nothing"
            ),
        ),
        (
            {"rule_help": {"latest_tag": "ask"}},
            "rule_help.latest_tag: the rule is off, so that nobody reads the line",
        ),
        (
            exempt(image="registry.example", workload="*"),
            f"{REGISTRY}: registry.example {ALL_OF_IT}registry.example/* for all that it has",
        ),
        (
            {"support": [{**row("*")["support"][0], "repository": "localhost"}]},
            "support: localhost is a registry, and no image: write localhost/* for all that it has",
        ),
    ],
)
def test_settings_that_do_nothing(settings: dict[str, Any], line: str) -> None:
    assert told(settings) == [line]


@pytest.mark.parametrize("image", ["nginx", "registry.example/*", "a/b.c", "docker.io/library/a.b"])
def test_an_image_is_no_registry(image: str) -> None:
    assert told(exempt(image=image)) == []


def test_a_line_of_help_is_read_where_its_rule_is_on() -> None:
    shop = {"shop": {"rules": {"latest_tag": "warn"}}}
    assert told({"rule_help": {"latest_tag": "ask"}, "namespaces": shop}) == []


def test_rules_that_only_a_bundle_that_follows_may_have_are_told_of() -> None:
    config = PolicyConfig.model_validate(
        {"rules": {"ban": "warn", "exec_format": "warn"}, "rule_help": {"loader_mising": "ask"}}
    )
    loaded = bundle.load(config=config, followed=True)
    wait = "its settings wait for the bundle, and a bundle without it is refused"
    assert cautions(loaded.data["elfgate"]["config"], TODAY, loaded.awaited) == [
        f"elfgate ships no rule ban: {wait}",
        f'elfgate ships no rule loader_mising (did you mean "loader_missing"?): {wait}',
    ]
