"""What took a predictor too much is unknown, and not asked again: here, after a restart, or by a replica."""

import asyncio
from collections.abc import Iterator

import pytest

from elfgate.errors import UnknownReason
from elfgate.isolation.children import Zygote
from elfgate.isolation.figures import Figures
from elfgate.isolation.pool import Pool
from elfgate.isolation.worker import Patience
from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.inquiry import Foreseen, Inquiry
from elfgate.scan.located import Contents
from elfgate.scan.overruns import Overruns
from elfgate.scan.predictions import Predictions
from elfgate.store.memory import MemoryStore
from support import tarball
from support.image import alpine

AMD64 = Platform("linux", "amd64")
IMAGE, OTHER = (
    Contents(
        f"sha256:{number:064x}",
        AMD64,
        ImageDefaults(("/bin/sh",)),
        (("", tarball.layer(alpine())),),
    )
    for number in range(2)
)


@pytest.fixture(scope="module")
def conquered() -> Iterator[Zygote]:
    zygote = Zygote("support.conquered")
    yield zygote
    zygote.close()


def asked(*args: str) -> Inquiry:
    return Inquiry(AMD64, Overrides(args=args))


def reason(answer: Foreseen) -> UnknownReason | None:
    assert answer.prediction.outcome is Outcome.UNKNOWN
    return answer.prediction.findings[0].reason


async def settled(predictions: Predictions) -> None:
    """Wait until nothing is asked again."""
    while predictions._again:
        await asyncio.gather(*predictions._again)
        await asyncio.sleep(0)


def test_a_question_that_takes_too_much_is_asked_twice_and_never_again(conquered: Zygote) -> None:
    figures = Figures()

    async def main() -> None:
        pool = spinning(conquered, figures)
        predictions = Predictions(pool, Overruns())
        for _ in range(3):
            answer = await predictions.of(IMAGE, asked())
            assert reason(answer) is UnknownReason.LIMIT_EXCEEDED
            await settled(predictions)
        await pool.close()

    asyncio.run(main())
    assert figures.kills == {"time": 2}


def test_after_a_restart_it_is_not_asked_at_all(conquered: Zygote) -> None:
    figures, store = Figures(), MemoryStore()

    async def main() -> None:
        pool = spinning(conquered, figures)
        first, second = (Predictions(pool, Overruns(store)) for _ in range(2))
        await first.of(IMAGE, asked())
        await settled(first)
        before = figures.kills.copy()
        await second.load()
        assert reason(await second.of(IMAGE, asked())) is UnknownReason.LIMIT_EXCEEDED
        assert figures.kills == before
        await second.of(IMAGE, asked("another question"))
        assert figures.kills != before
        await settled(second)
        await pool.close()

    asyncio.run(main())


def test_an_image_of_three_such_questions_is_asked_nothing_more(conquered: Zygote) -> None:
    figures = Figures()

    async def main() -> None:
        pool = spinning(conquered, figures)
        predictions = Predictions(pool, Overruns())
        for number in range(3):
            await predictions.of(IMAGE, asked(str(number)))
        await settled(predictions)
        before = figures.kills.copy()
        answer = await predictions.of(IMAGE, asked("a fourth"))
        assert reason(answer) is UnknownReason.LIMIT_EXCEEDED
        assert figures.kills == before
        await predictions.of(OTHER, asked())
        assert figures.kills != before
        await settled(predictions)
        await pool.close()

    asyncio.run(main())


def test_what_cannot_be_asked_now_is_not_held_against_the_image(conquered: Zygote) -> None:
    async def main() -> None:
        silent = Patience(cpu=0.1, wall=0.2)
        pool = Pool(conquered, injected=("say nothing",), first=silent)
        overruns = Overruns()
        predictions = Predictions(pool, overruns)
        assert reason(await predictions.of(IMAGE, asked())) is UnknownReason.NOT_SCANNED
        assert not overruns.known(IMAGE.digest, asked().key(IMAGE.digest))
        await pool.close()

    asyncio.run(main())


def spinning(zygote: Zygote, figures: Figures) -> Pool:
    """A pool whose every question takes for ever."""
    first, last = Patience(cpu=0.05, wall=60.0), Patience(cpu=0.1, wall=60.0)
    return Pool(zygote, injected=("spin",), first=first, last=last, on_kill=figures.killed)
