"""Images that are read ahead: each once while it waits, within bounds, whatever comes of one."""

import asyncio

from elfgate.errors import InputError
from elfgate.server.ahead import MOST_WAITING, Ahead


def test_an_image_that_waits_is_read_once_and_one_that_was_read_again() -> None:
    async def run() -> list[str]:
        read: list[str] = []

        async def note(image: str) -> None:
            read.append(image)

        ahead = Ahead(note)
        assert all([ahead.tell("a"), ahead.tell("b"), ahead.tell("a")])
        async with ahead.reading():
            await asyncio.sleep(0.01)
            assert ahead.tell("a")
            await asyncio.sleep(0.01)
        return read

    assert asyncio.run(run()) == ["a", "b", "a"]


def test_no_more_than_so_many_wait() -> None:
    async def run() -> None:
        async def never(_: str) -> None:
            await asyncio.Event().wait()

        ahead = Ahead(never)
        told = [ahead.tell(str(number)) for number in range(MOST_WAITING + 1)]
        assert told == [True] * MOST_WAITING + [False]

    asyncio.run(run())


def test_one_that_cannot_be_read_keeps_no_other_from_it() -> None:
    async def run() -> list[str]:
        read: list[str] = []

        async def fail(image: str) -> None:
            read.append(image)
            raise InputError("it is none")

        ahead = Ahead(fail)
        for image in "abcd":
            ahead.tell(image)
        async with ahead.reading():
            await asyncio.sleep(0.01)
        return read

    assert sorted(asyncio.run(run())) == list("abcd")
