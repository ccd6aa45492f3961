"""Both engines decide as the docs say: held to an independent reading of them."""

import json
from typing import Any

import pytest

from elfgate.policy import bundle
from elfgate.policy.embedded import EmbeddedEngine
from support import chance
from support.oracle import Oracle, Told

SETTINGS = 8
DOCUMENTS = 40
KINDS = ("denials", "warnings", "dryrun")


def told(violations: list[dict[str, Any]]) -> set[Told]:
    return {
        Told(
            each["code"],
            each["container"],
            tuple(each["platforms"]),
            each["headline"],
            tuple(each["lines"]),
            each["remedy"],
        )
        for each in violations
    }


def differences(verdict: dict[str, Any], oracle: Oracle) -> dict[str, Any]:
    """Where a verdict is not what the docs say."""
    expected = {
        "denials": oracle.denials,
        "warnings": oracle.told("warn"),
        "dryrun": oracle.told("dryrun"),
        "unknown": oracle.is_unknown,
        "steer": oracle.steer,
        "allowed": not oracle.denials,
    }
    later = "for now this only warns: later it is refused"
    if oracle.is_unlabelled:
        later = (
            "for now this only warns: settings go by the namespace's labels, which are not known"
        )
    for violation in verdict["warnings"]:
        violation["lines"] = [line for line in violation["lines"] if line != later]
    said = {kind: told(verdict[kind]) if kind in KINDS else verdict[kind] for kind in expected}
    return {kind: (said[kind], expected[kind]) for kind in expected if said[kind] != expected[kind]}


@pytest.mark.parametrize("seed", range(SETTINGS))
def test_the_policies_decide_as_the_docs_say(seed: int) -> None:
    loaded = bundle.load(config=chance.settings(seed))
    engine = EmbeddedEngine(loaded)
    config = loaded.data["elfgate"]["config"]
    for number in range(DOCUMENTS):
        document = chance.placed(seed * DOCUMENTS + number)
        verdict = json.loads(
            engine.query("data.elfgate.main.verdict", document.json_bytes().decode())
        )
        oracle = Oracle(json.loads(document.json_bytes()), config)
        assert differences(verdict, oracle) == {}, (seed, number)
        free = Oracle(json.loads(document.json_bytes()), config, unheld=True)
        if verdict["would_deny"]:
            assert told(verdict["would_deny"]) == free.denials


def test_the_documents_reach_what_the_docs_tell_apart() -> None:
    engine = EmbeddedEngine(bundle.load())
    verdicts = [
        json.loads(
            engine.query("data.elfgate.main.verdict", chance.placed(seed).json_bytes().decode())
        )
        for seed in range(400)
    ]
    words = json.dumps(verdicts)
    for expected in (
        "no_common_platform",
        "it is not refused, as",
        "but is not known to on",
        "set nodeSelector {kubernetes.io/arch: ",
        "kubernetes.io/arch notin",
        "more like it",
        " or /lib",
    ):
        assert expected in words
    assert any(verdict["steer"] for verdict in verdicts)
