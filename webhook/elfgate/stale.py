"""What may still be refused when the cluster's nodes are not followed: nothing that rests on which nodes there are.

A node of another architecture may have joined meanwhile, or the last one of an architecture may have gone. What would
be refused in a cluster without any node (the pod names the architectures that it wants) stays refused. Of everything
else it is not known whether it starts, and policies are asked again with that.
"""

import time
from dataclasses import replace
from typing import Protocol

from elfgate.cluster.inventory import Inventory
from elfgate.errors import UnknownReason
from elfgate.gate import Judgement
from elfgate.linkage.report import Effect, Outcome
from elfgate.policy.document import Document, FindingEntry, LinkageEntry
from elfgate.policy.engine import Engine


class Ask(Protocol):
    """``gate.judge`` of one workload, given everything but the nodes."""

    async def __call__(self, *, inventory: Inventory) -> Judgement:
        """Judge it by these nodes."""


async def as_of(inventory: Inventory, ask: Ask, engine: Engine) -> Judgement:
    """Judge by the nodes as they are known, and refuse only what is certain if that is stale.

    Args:
        inventory: The nodes.
        ask: Judges.
        engine: What ``ask`` evaluates policies with.

    Raises:
        InputError: as ``gate.judge`` does.
        EngineError: the same.
    """
    judgement = await ask(inventory=inventory)
    since = inventory.stale_since
    if since is None or judgement.verdict.allowed:
        return judgement
    if not (await ask(inventory=Inventory())).verdict.allowed:
        return judgement
    document = _doubted(judgement.document, time.monotonic() - since)
    return replace(judgement, verdict=await engine.evaluate(document), document=document, until=0.0)


def _doubted(document: Document, age: float) -> Document:
    """The document of nodes that were there ``age`` seconds ago: what cannot start on them may start on others."""
    addition = f"; the list of nodes is {age:.0f} s old, as the API server does not tell of them"
    return document.model_copy(
        update={"linkages": [_unknown(entry, addition) for entry in document.linkages]}
    )


def _unknown(entry: LinkageEntry, addition: str) -> LinkageEntry:
    if entry.verdict != Outcome.CANNOT_START.value:
        return entry
    findings = [_doubtful(finding, addition) for finding in entry.findings]
    return entry.model_copy(update={"verdict": Outcome.UNKNOWN.value, "findings": findings})


def _doubtful(finding: FindingEntry, addition: str) -> FindingEntry:
    if finding.effect != Effect.FAILS.value:
        return finding
    return finding.model_copy(
        update={
            "effect": Effect.UNKNOWN.value,
            "reason": UnknownReason.NODES_STALE.value,
            "message": finding.message + addition,
        }
    )
