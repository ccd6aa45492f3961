"""A deadline without a timer for what does not wait is still a deadline."""

import asyncio

import pytest

from elfgate.server.within import within


def now() -> float:
    return asyncio.get_running_loop().time()


async def answer(value: str, *waits: asyncio.Future[str]) -> str:
    return value + "".join([await wait for wait in waits])


def test_what_does_not_wait_is_answered_even_past_its_deadline() -> None:
    async def main() -> str:
        return await within(now() - 1, answer("a"))

    assert asyncio.run(main()) == "a"


def test_what_waits_goes_on_with_what_it_waited_for() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        first, second = loop.create_future(), loop.create_future()
        loop.call_soon(first.set_result, "b")
        loop.call_soon(loop.call_soon, second.set_result, "c")
        return await within(now() + 60, answer("a", first, second))

    assert asyncio.run(main()) == "abc"


def test_what_waits_too_long_is_cut_off_and_may_clean_up() -> None:
    cleaned = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    async def main() -> None:
        await within(now(), work())

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert cleaned == [True]


def test_an_error_passes_before_and_after_waiting() -> None:
    async def fails(*, waits: bool) -> None:
        if waits:
            await asyncio.sleep(0)
        raise LookupError

    async def main(*, waits: bool) -> None:
        await within(now() + 60, fails(waits=waits))

    for waits in (False, True):
        with pytest.raises(LookupError):
            asyncio.run(main(waits=waits))


def test_a_cancellation_from_outside_is_no_timeout() -> None:
    async def main() -> None:
        task = asyncio.ensure_future(
            within(now() + 60, answer("a", asyncio.get_running_loop().create_future()))
        )
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


def test_a_wait_that_fails_is_for_the_work_to_take() -> None:
    async def work(wait: asyncio.Future[str]) -> str:
        try:
            return await wait
        except LookupError:
            return "taken"

    async def main() -> str:
        loop = asyncio.get_running_loop()
        wait: asyncio.Future[str] = loop.create_future()
        loop.call_soon(wait.set_exception, LookupError())
        return await within(now() + 60, work(wait))

    assert asyncio.run(main()) == "taken"
