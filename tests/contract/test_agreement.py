"""regorus, in this process, and OPA say the same of thousands of documents by chance.

Each round has settings and documents of its own: ``AGREEMENT_ROUNDS=400`` asks 100,000.
"""

import json
import os
from pathlib import Path

import pytest

from elfgate.policy import bundle
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
from support import chance, opa

pytestmark = pytest.mark.skipif(opa.OPA is None, reason="no OPA here: make policies builds one")

ROUNDS = int(os.environ.get("AGREEMENT_ROUNDS", "8"))
DOCUMENTS = 250


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_both_engines_give_the_same_verdicts(seed: int, tmp_path: Path) -> None:
    policies = bundle.load(config=chance.settings(seed))
    documents = [_document(seed * DOCUMENTS + number) for number in range(DOCUMENTS)]
    engine = EmbeddedEngine(policies)
    here = [
        json.loads(engine.query("data.elfgate.main.verdict", each.json_bytes().decode()))
        for each in documents
    ]
    there = opa.verdicts(policies, documents, tmp_path)
    assert len(there) == len(here)
    assert [pair for pair in zip(here, there, strict=True) if pair[0] != pair[1]] == []


def _document(seed: int) -> Document:
    """Every other one in a placement that may not be final."""
    return chance.placed(seed) if seed % 2 else chance.labelled(seed)


def test_the_documents_by_chance_are_judged_in_every_way() -> None:
    engine = EmbeddedEngine(bundle.load())
    verdicts = [
        json.loads(
            engine.query("data.elfgate.main.verdict", chance.labelled(seed).json_bytes().decode())
        )
        for seed in range(DOCUMENTS)
    ]
    assert {verdict["version"] for verdict in verdicts} == {1}
    codes = {violation["code"] for verdict in verdicts for violation in verdict["denials"]}
    assert {"no_common_platform", "loader_missing"} <= codes
    for shown in ("denials", "warnings", "dryrun"):
        assert sum(bool(verdict[shown]) for verdict in verdicts) > 20
