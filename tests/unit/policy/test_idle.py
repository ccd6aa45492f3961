"""Rules that cannot find anything are not asked; whatever may find something is."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from elfgate.policy import archive, bundle
from elfgate.policy.aggregator import AGGREGATOR, aggregated
from elfgate.policy.config import PolicyConfig
from elfgate.policy.embedded import EmbeddedEngine
from support.documents import pod

SHIPPED = bundle.load(tests=True)
SETTINGS = bundle.load().data["elfgate"]["config"]
MATRIX = SHIPPED.modules["rules/support_matrix/support_matrix.rego"]
ROW = {"repository": "*", "architectures": ["amd64"], "source": "its manual"}


def asked(code: str, config: PolicyConfig | None = None) -> bool:
    """Whether the aggregator of the bundle names a rule."""
    return f"data.elfgate.rules.{code}.findings" in bundle.load(config=config).modules[AGGREGATOR]


def test_a_rule_that_is_off_everywhere_is_not_asked() -> None:
    assert not asked("latest_tag")
    assert asked("latest_tag", PolicyConfig(rules={"latest_tag": "dryrun"}))
    assert not asked("exec_format", PolicyConfig(rules={"exec_format": "off"}))


@pytest.mark.parametrize("where", ["namespaces", "points"])
def test_a_rule_that_is_on_somewhere_is_asked(where: str) -> None:
    config = PolicyConfig.model_validate({where: {"pod": {"rules": {"latest_tag": "warn"}}}})
    assert asked("latest_tag", config)


def test_the_support_matrix_is_asked_where_there_is_one() -> None:
    assert not asked("support_matrix")
    assert asked("support_matrix", PolicyConfig.model_validate({"support": [ROW]}))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("support_matrix", MATRIX + '\nfindings contains {"container": "c"}\n'),
        ("support_matrix", MATRIX.replace("> 0", ">= 0")),
        ("exec_format", SHIPPED.modules["rules/exec_format/exec_format.rego"] + "\n# mine\n"),
    ],
)
def test_a_rule_that_was_changed_is_always_asked(code: str, text: str) -> None:
    modules = dict(bundle.load().modules) | {f"rules/{code}/{code}.rego": text}
    written = aggregated(modules, SETTINGS)
    assert f'\n\t"{code}": data.elfgate.rules.{code}.findings,\n' in written


@pytest.mark.parametrize(
    "settings", [{"rules": []}, {"points": [1]}, {"namespaces": {"web": None}}]
)
def test_settings_of_another_shape_leave_no_rule_out(settings: dict[str, Any]) -> None:
    laid = {"rules": {"latest_tag": "off"}} | settings
    assert "data.elfgate.rules.latest_tag." in aggregated(bundle.load().modules, laid)


def test_tests_have_every_rule() -> None:
    aggregator = SHIPPED.modules[AGGREGATOR]
    assert aggregator == (Path(__file__).parents[3] / "policies" / AGGREGATOR).read_text()


def test_a_signed_bundle_asks_the_rules_that_the_settings_turn_on() -> None:
    contents = archive.files(bundle.load())
    laid = archive.read(contents, "it", config=PolicyConfig(rules={"unpinned_tag": "deny"}))
    verdict = asyncio.run(EmbeddedEngine(laid).evaluate(pod(starts=("amd64",))))
    assert [violation.code for violation in verdict.denials] == ["unpinned_tag"]


def test_a_signed_bundle_is_left_as_it_is_where_settings_turn_nothing_on() -> None:
    contents = archive.files(bundle.load())
    signed = {**contents, AGGREGATOR: contents[AGGREGATOR] + b"# signed\n"}
    whole = bundle.sealed(
        "x", {p: t.decode() for p, t in signed.items() if p.endswith(".rego")}, SETTINGS
    )
    read = archive.read(archive.files(whole), "it", config=PolicyConfig(require="all"))
    assert read.modules[AGGREGATOR].endswith("# signed\n")
