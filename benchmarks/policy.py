"""How long a verdict takes: remembered, by regorus in this process, and by OPA over its socket.

    python benchmarks/policy.py [ROUNDS]

OPA (left out where there is none; `.ci/opa` builds one) is asked through the engine and, side by side, through a bare
aiohttp session that does nothing with the answer. Figures are medians in milliseconds.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import aiohttp
from tabulate import tabulate

from elfgate.policy import bundle
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.memo import MemoisedEngine
from elfgate.policy.server import OpaServer
from support import opa
from support.documents import pod

ARCHITECTURES = ("amd64", "arm64", "ppc64le", "s390x")
DOCUMENTS = {
    "1 container, 1 platform, starts": pod(starts=("amd64",)),
    "1 container, 1 platform, fails": pod(fails=("ppc64le",)),
    "10 containers, 4 platforms, one fails": pod(containers=10, starts=ARCHITECTURES[1:], fails=("amd64",)),
    "60 containers, 4 platforms, all start": pod(containers=60, starts=ARCHITECTURES),
    "60 containers, 4 platforms, all fail": pod(containers=60, fails=ARCHITECTURES),
}

Ask = Callable[[Document], Awaitable[object]]


async def median(ask: Ask, document: Document, rounds: int) -> float:
    await ask(document)
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        await ask(document)
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e3


async def measure(asks: dict[str, Ask], rounds: int) -> None:
    rows = [
        [name, *[await median(ask, document, rounds) for ask in asks.values()]] for name, document in DOCUMENTS.items()
    ]
    print(tabulate(rows, ["ms", *asks], floatfmt=".3f"))


async def with_opa(asks: dict[str, Ask], policies: bundle.Bundle, socket: Path, rounds: int) -> None:
    engine = OpaServer(socket, revision=policies.revision, seconds=10)
    session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(socket)))

    async def bare(document: Document) -> object:
        asked = {"input": document.model_dump(mode="json")}
        async with session.post("http://opa/v1/data/elfgate/main/verdict", json=asked) as response:
            return await response.json()

    await measure(asks | {"OPA": engine.evaluate, "OPA, bare aiohttp": bare}, rounds)
    await session.close()
    await engine.close()


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 100
    policies = bundle.load()
    embedded = EmbeddedEngine(policies)
    asks: dict[str, Ask] = {"remembered": MemoisedEngine(embedded).evaluate, "regorus": embedded.evaluate}
    if opa.OPA is None:
        asyncio.run(measure(asks, rounds))
        return
    with tempfile.TemporaryDirectory(prefix="opa") as folder, opa.serving(policies, Path(folder)) as socket:
        asyncio.run(with_opa(asks, policies, socket, rounds))


if __name__ == "__main__":
    main()
