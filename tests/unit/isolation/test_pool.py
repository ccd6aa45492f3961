"""Predictors are killed when they take too much or say what they may not, and replaced."""

import asyncio
import os
import select
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from elfgate.cluster.bounds import PAIRS
from elfgate.isolation import pool as pool_module
from elfgate.isolation.children import Zygote
from elfgate.isolation.figures import Figures
from elfgate.isolation.pool import Pool
from elfgate.isolation.worker import Patience
from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.inquiry import BusyError, FaultError, Inquiry, KilledError
from elfgate.scan.located import Contents
from support import tarball
from support.conquered import DEEDS
from support.control_plane import until
from support.image import alpine

AMD64 = Platform("linux", "amd64")
QUEUED = 64
SHORT = Patience(cpu=0.1, wall=60.0)
LAYER = tarball.layer(alpine())
IMAGE = Contents(
    "sha256:" + "0" * 64,
    AMD64,
    ImageDefaults(entrypoint=("/bin/sh",)),
    (("sha256:" + "1" * 64, LAYER),),
)
# A child that neither works nor speaks takes no processor time: it is ended by the wall's clock.
SILENT = {"answer with half a frame", "say nothing"}
ENDED: dict[str, type[Exception]] = {
    "eat memory": KilledError,
    "answer with nothing": FaultError,
    "answer with half a frame": BusyError,
    "say nothing": BusyError,
}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture(scope="module")
def conquered() -> Iterator[Zygote]:
    zygote = Zygote("support.conquered")
    yield zygote
    zygote.close()


def run(zygote: Zygote, use: Callable[[Pool], Coroutine[Any, Any, None]], **options: Any) -> None:
    async def main() -> None:
        pool = Pool(zygote, **options)
        try:
            await use(pool)
        finally:
            await pool.close()

    asyncio.run(main())


def test_it_predicts_as_often_as_it_is_asked(zygote: Zygote) -> None:
    async def use(pool: Pool) -> None:
        inquiries = [Inquiry(AMD64, Overrides(args=(str(number),))) for number in range(30)]
        answers = await asyncio.gather(*(pool.predict(IMAGE, inquiry) for inquiry in inquiries))
        assert {answer.prediction.outcome for answer in answers} == {Outcome.STARTS}
        said = [answer.prediction.argv[-1] for answer in answers]
        assert said == [
            inquiry.overrides.args[0] for inquiry in inquiries if inquiry.overrides.args
        ]

    run(zygote, use)


def test_a_process_begins_while_all_threads_of_the_event_loop_wait(zygote: Zygote) -> None:
    silent = threading.Event()  # an API server that does not answer

    async def use(pool: Pool) -> None:
        waiting = [asyncio.ensure_future(asyncio.to_thread(silent.wait, 60)) for _ in range(40)]
        try:
            async with asyncio.timeout(30):
                answer = await pool.predict(IMAGE, Inquiry(AMD64))
        finally:
            silent.set()
            await asyncio.gather(*waiting)
        assert answer.prediction.outcome is Outcome.STARTS

    run(zygote, use)


def test_all_questions_of_one_review_find_room_and_so_does_anothers(zygote: Zygote) -> None:
    async def use(pool: Pool) -> None:
        inquiries = [Inquiry(AMD64, Overrides(args=(str(number),))) for number in range(PAIRS)]
        review = [pool.predict(IMAGE, inquiry, namespace="many") for inquiry in inquiries]
        other = pool.predict(IMAGE, Inquiry(AMD64), namespace="other")
        answers = await asyncio.gather(*review, other)
        assert {answer.prediction.outcome for answer in answers} == {Outcome.STARTS}

    run(zygote, use)


def crowded(number: int) -> Contents:
    """An image of many files, of which a predictor keeps some megabytes."""
    files = {f"opt/f{place}": tarball.program(b"#!/bin/sh\n") for place in range(20_000)}
    layer = tarball.layer({**alpine(), **files, "first": str(number)})
    name = f"sha256:{number:064x}"
    return Contents(name, AMD64, ImageDefaults(entrypoint=("/opt/f1",)), ((name, layer),))


def test_what_a_process_keeps_takes_no_room_from_a_question(zygote: Zygote) -> None:
    async def use(pool: Pool) -> None:
        for number in range(10):
            answer = await pool.predict(crowded(number), Inquiry(AMD64))
            assert answer.prediction.outcome is Outcome.STARTS

    run(zygote, use, size=1, memory=20 << 20)


def test_a_process_that_keeps_much_makes_room_for_a_fresh_one(
    zygote: Zygote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "KEPT", 8 << 20)
    begun = list[object]()

    async def use(pool: Pool) -> None:
        for number in range(6):
            await pool.predict(crowded(number), Inquiry(AMD64))

    run(zygote, use, size=1, on_hello=begun.append)
    assert 1 < len(begun) < 6


def test_its_processes_are_confined(zygote: Zygote) -> None:
    figures = Figures()
    run(zygote, lambda pool: pool.start(), on_hello=figures.began)
    assert figures.confined


@pytest.mark.parametrize("deed", [deed for deed in DEEDS if "part" not in deed])
def test_a_conquered_process_is_ended(conquered: Zygote, deed: str) -> None:
    patience = Patience(cpu=0.1, wall=0.2) if deed in SILENT else SHORT

    async def use(pool: Pool) -> None:
        with pytest.raises(ENDED.get(deed, KilledError)):
            await pool.predict(IMAGE, Inquiry(AMD64))

    run(conquered, use, injected=(deed,), first=patience, size=1)
    until(lambda: not children(conquered), "a child lives on")


def test_what_another_ended_is_asked_again(zygote: Zygote) -> None:
    async def use(pool: Pool) -> None:
        await pool.predict(IMAGE, Inquiry(AMD64))
        for child in children(zygote):
            os.kill(child, signal.SIGKILL)
        assert (await pool.predict(IMAGE, Inquiry(AMD64))).prediction.outcome is Outcome.STARTS

    run(zygote, use, size=1)


def test_a_zygote_that_was_killed_is_replaced() -> None:
    mortal = Zygote()

    async def use(pool: Pool) -> None:
        await pool.predict(IMAGE, Inquiry(AMD64))
        assert mortal.pid is not None
        os.kill(mortal.pid, signal.SIGKILL)
        for _ in range(3):
            answer = await pool.predict(IMAGE, Inquiry(AMD64))
            assert answer.prediction.outcome is Outcome.STARTS

    run(mortal, use)
    mortal.close()


def test_kills_leave_no_descriptor_and_no_process(conquered: Zygote) -> None:
    async def use(pool: Pool) -> None:
        before = descriptors()
        for _ in range(50):
            with pytest.raises(KilledError):
                await pool.predict(IMAGE, Inquiry(AMD64))
        assert descriptors() <= before + 1

    run(conquered, use, injected=("end",), first=SHORT, size=1)
    until(lambda: not children(conquered), "a child lives on")


def test_children_end_with_the_zygote() -> None:
    zygote = Zygote()
    child = zygote.fork("predictor", memory=96 << 20, settings=[])
    zygote.close()
    assert _ends(child.process)
    child.end()


def test_more_than_may_wait_is_refused_at_once(conquered: Zygote) -> None:
    async def use(pool: Pool) -> None:
        asked = [
            asyncio.ensure_future(pool.predict(IMAGE, Inquiry(AMD64), namespace=str(number)))
            for number in range(100)
        ]
        await asyncio.sleep(0)
        refused = [one for one in asked if one.done() and isinstance(one.exception(), BusyError)]
        assert len(refused) == 100 - QUEUED - 2
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    run(conquered, use, injected=("say nothing",), queue=QUEUED)


def children(zygote: Zygote) -> set[int]:
    """The zygote's children that live."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == zygote.pid and fields[0] not in "ZX":
            found.add(int(status.parent.name))
    return found


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _ends(process: int) -> bool:
    """Whether a process ends within some seconds."""
    return bool(select.select([process], [], [], 10)[0])
