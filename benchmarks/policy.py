"""How long a verdict takes: remembered, by regorus in this process, and by OPA over its socket.

    python benchmarks/policy.py [ROUNDS]

OPA (left out where there is none; `.ci/opa` builds one) is asked through the engine and, side by
side, through a bare aiohttp session that does nothing with the answer. Figures are medians in
milliseconds. Then what a finding costs in a pod of 60 containers on 4 platforms, and a prediction
without one: each the slope of a line through CPU times.
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
from elfgate.policy.opa import OpaEngine
from support import opa
from support.documents import pod

ARCHITECTURES = ("amd64", "arm64", "ppc64le", "s390x")
DOCUMENTS = {
    "1 container, 1 platform, starts": pod(starts=("amd64",)),
    "1 container, 1 platform, fails": pod(fails=("ppc64le",)),
    "10 containers, 4 platforms, one fails": pod(
        containers=10, starts=ARCHITECTURES[1:], fails=("amd64",)
    ),
    "60 containers, 4 platforms, all start": pod(containers=60, starts=ARCHITECTURES),
    "60 containers, 4 platforms, all fail": pod(containers=60, fails=ARCHITECTURES),
}

PER_PLATFORM = (0, 10, 20, 30, 40, 50, 60)  # of 60 containers

Ask = Callable[[Document], Awaitable[object]]


async def median(ask: Ask, document: Document, rounds: int) -> float:
    await ask(document)
    took = []
    for _ in range(rounds):
        again = document.model_copy(deep=True)  # equal, and not the same object: as it would come
        start = time.perf_counter()
        await ask(again)
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e3


async def measure(asks: dict[str, Ask], rounds: int) -> None:
    rows = [
        [name, *[await median(ask, document, rounds) for ask in asks.values()]]
        for name, document in DOCUMENTS.items()
    ]
    print(tabulate(rows, ["ms", *asks], floatfmt=".3f"))


def slopes(embedded: EmbeddedEngine) -> None:
    """Time against findings in a pod of one size, and against pods' size without findings."""
    by_findings = [(4.0 * failing, cpu(embedded, partly(60, failing))) for failing in PER_PLATFORM]
    by_size = [(4.0 * size, cpu(embedded, partly(size, 0))) for size in PER_PLATFORM[1:]]
    print()
    for what, points in {"finding": by_findings, "prediction without one": by_size}.items():
        line = statistics.linear_regression(*zip(*points, strict=True))
        off = max(abs(line.slope * x + line.intercept - y) for x, y in points)
        cost, rest = line.slope * 1e3, line.intercept
        print(
            f"{cost:6.1f} µs of CPU for each {what}; {rest:.2f} ms without, {off:.2f} ms off the "
            "line"
        )


def partly(containers: int, failing: int) -> Document:
    """A pod of which some containers fail, on 4 platforms."""
    good, bad = (
        pod(containers=containers, starts=ARCHITECTURES),
        pod(containers=containers, fails=ARCHITECTURES),
    )
    names = {container.name for container in good.containers[:failing]}
    linkages = [
        fails if fails.container in names else starts
        for starts, fails in zip(good.linkages, bad.linkages, strict=True)
    ]
    return good.model_copy(update={"linkages": linkages})


def cpu(embedded: EmbeddedEngine, document: Document) -> float:
    """The least CPU, in milliseconds, that one of ten evaluations took."""
    took = []
    for _ in range(10):
        start = time.thread_time()
        embedded.query("data.elfgate.main.verdict", document.json_bytes().decode())
        took.append(time.thread_time() - start)
    return min(took) * 1e3


async def with_opa(
    asks: dict[str, Ask], policies: bundle.Bundle, socket: Path, rounds: int
) -> None:
    engine = OpaEngine(socket, revision=policies.revision, seconds=10)
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
    asks: dict[str, Ask] = {
        "remembered": MemoisedEngine(embedded).evaluate,
        "regorus": embedded.evaluate,
    }
    if opa.OPA is None:
        asyncio.run(measure(asks, rounds))
    else:
        with (
            tempfile.TemporaryDirectory(prefix="opa") as folder,
            opa.serving(policies, Path(folder)) as socket,
        ):
            asyncio.run(with_opa(asks, policies, socket, rounds))
    slopes(embedded)


if __name__ == "__main__":
    main()
