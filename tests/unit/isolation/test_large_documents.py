"""A document of many findings is evaluated in a process, which holds nobody up and may die."""

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import Awaitable, Callable

from elfgate.isolation.rules import LARGE, BoundedEngine
from elfgate.policy import bundle
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.verdict import Verdict
from support.documents import pod

SECONDS = 30.0  # a loaded machine is slow
LARGE_ONE = pod(fails=("ppc64le",), containers=LARGE + 1)
OTHER_ONE = pod(starts=("ppc64le",), containers=LARGE + 1)
SMALL_ONE = pod(fails=("ppc64le",), containers=2)


def ask(use: Callable[[BoundedEngine], Awaitable[None]]) -> None:
    async def main() -> None:
        engine = BoundedEngine(bundle.load(), seconds=SECONDS)
        try:
            await use(engine)
        finally:
            await engine.close()

    asyncio.run(main())


async def expected(document: Document) -> Verdict:
    return await EmbeddedEngine(bundle.load()).evaluate(document)


def test_only_a_large_one_takes_a_process() -> None:
    async def use(engine: BoundedEngine) -> None:
        assert await engine.evaluate(SMALL_ONE) == await expected(SMALL_ONE)
        assert engine.pid is None
        assert await engine.evaluate(LARGE_ONE) == await expected(LARGE_ONE)
        assert engine.pid is not None

    ask(use)


def test_others_are_looked_at_meanwhile() -> None:
    async def use(engine: BoundedEngine) -> None:
        await engine.evaluate(LARGE_ONE)  # the process begins
        evaluation = asyncio.ensure_future(engine.evaluate(LARGE_ONE))
        looks = 0
        while not evaluation.done():
            await asyncio.sleep(0)
            looks += 1
        assert looks > 10

    ask(use)


def test_a_process_that_dies_costs_no_verdict() -> None:
    async def use(engine: BoundedEngine) -> None:
        await engine.evaluate(LARGE_ONE)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        assert await engine.evaluate(LARGE_ONE) == await expected(LARGE_ONE)

    ask(use)


def test_a_start_that_is_given_up_shifts_no_answer_to_the_next_document() -> None:
    async def use(engine: BoundedEngine) -> None:
        evaluation = asyncio.ensure_future(engine.evaluate(LARGE_ONE))
        for _ in itertools.takewhile(lambda _: engine.pid is None, itertools.count()):
            await asyncio.sleep(0)
        evaluation.cancel()  # a review whose client has hung up
        with contextlib.suppress(asyncio.CancelledError):
            await evaluation
        assert await engine.evaluate(LARGE_ONE) == await expected(LARGE_ONE)
        assert await engine.evaluate(OTHER_ONE) == await expected(OTHER_ONE)

    ask(use)
