"""The case tables: what is found, and the exact words that come of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from elfgate.linkage.report import Code
from elfgate.policy import bundle
from elfgate.policy.config import PolicyConfig
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.words import denial, warnings
from support.documents import document

CASES: list[dict[str, Any]] = [
    case
    for table in sorted((Path(__file__).parents[1] / "cases").glob("*.yaml"))
    for case in yaml.safe_load(table.read_text())
]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_words_are_exactly_these(case: dict[str, Any]) -> None:
    config = PolicyConfig.model_validate(case.get("config", {}))
    engine = EmbeddedEngine(bundle.load(config=config))
    asked = document(targets=case["targets"], containers=case["containers"], request=case.get("request"))
    verdict = asyncio.run(engine.evaluate(asked))
    assert denial(verdict) == case.get("denied", "")
    assert warnings(verdict) == case.get("warned", [])
    assert verdict.allowed is ("denied" not in case)


def test_every_code_has_a_case() -> None:
    shown = {code for case in CASES for code in case.get("codes", [])}
    shown |= {
        finding["code"]
        for case in CASES
        for container in case["containers"].values()
        for found in container["found"].values()
        if found != "starts"
        for finding in found.get("findings", [])
    }
    assert shown == {*Code, "no_common_platform", "latest_tag", "support_matrix", "unpinned_tag"}
