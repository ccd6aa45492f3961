"""The gate of a command line: its engine and its scanner, closed at the end."""

import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.namespaces import Namespaces
from elfgate.cluster.nodes import Node
from elfgate.cluster.outlook import Outlook
from elfgate.gate.exemptions import NamespaceExemptions
from elfgate.gate.gate import Gate
from elfgate.policy.cautions import described
from elfgate.policy.granted import Granted
from elfgate.policy.memo import MemoisedEngine
from elfgate.wiring.images import Reading, scanner
from elfgate.wiring.policies import Judging, engine


def granted(gate: Gate) -> Granted:
    """The exemptions of a gate that this module made, and which of them spared something."""
    if not isinstance(gate.engine, MemoisedEngine):
        raise TypeError("this gate was made elsewhere")
    found: Granted = gate.engine.live.granted
    return found


def idle_exemptions(gate: Gate) -> list[str]:
    """The exemptions that have not ended and spared nothing of what a gate has judged, in words."""
    return [described(each) for each in granted(gate).unused(gate.engine.revision)]


def tell_failed_rule(name: str, why: str) -> None:
    """Tell whoever asks on a command line why a rule of their own failed."""
    sys.stderr.write(f"elfgate: the rule {name} failed and was left out: {why}\n")


@asynccontextmanager
async def gate(
    judging: Judging,
    reading: Reading,
    nodes: Iterable[Node],
    outlook: Outlook,
    namespaces: Namespaces | None = None,
    *,
    exemptions: NamespaceExemptions | None = None,
) -> AsyncIterator[Gate]:
    """A gate for as long as the block lasts.

    Args:
        judging: By which policies, and with which engine.
        reading: How images are read.
        nodes: The nodes that pods may land on.
        outlook: What settings say of nodes and runtimes, beyond what is there.
        namespaces: Knows the labels of namespaces.
        exemptions: Those that namespaces grant.

    Raises:
        InputError: if the policies, a reference or the store cannot be used.
        EngineError: if the policies do not load.
    """
    live = await engine(judging, told=tell_failed_rule)
    try:
        async with scanner(reading) as scanning:
            yield Gate(
                Inventory(nodes),
                scanning,
                live,
                outlook,
                looks=live.looks,
                namespaces=namespaces,
                exemptions=exemptions,
            )
    finally:
        await live.close()
