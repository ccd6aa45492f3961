import asyncio
from collections.abc import Awaitable, Callable

import pytest

from elfgate.scan.flights import Flights


def flying(check: Callable[[Flights], Awaitable[None]]) -> None:
    async def main() -> None:
        flights = Flights()
        try:
            await check(flights)
        finally:
            await flights.close()

    asyncio.run(main())


class Reading:
    """Something that is read until it is told to have been."""

    def __init__(self) -> None:
        self.begun = 0
        self.done = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self) -> str:
        self.begun += 1
        try:
            await self.done.wait()
        finally:
            self.ended.set()
        return "read"


async def give_up(flights: Flights, reading: Reading) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await flights.join("image", reading)


def test_what_nobody_waits_for_any_longer_is_finished_for_the_next_to_ask() -> None:
    async def check(flights: Flights) -> None:
        reading = Reading()
        await give_up(flights, reading)
        again = asyncio.ensure_future(flights.join("image", reading))
        reading.done.set()
        assert await again == "read"
        assert reading.begun == 1

    flying(check)


def test_under_load_what_nobody_waits_for_is_ended_and_begun_anew_when_asked_for() -> None:
    async def check(flights: Flights) -> None:
        early, late = Reading(), Reading()
        await give_up(flights, early)
        flights.shed(True)
        await early.ended.wait()
        await give_up(flights, late)
        await late.ended.wait()
        flights.shed(False)
        late.done.set()
        assert await flights.join("image", late) == "read"
        assert late.begun == 2

    flying(check)


def test_under_load_what_somebody_waits_for_goes_on() -> None:
    async def check(flights: Flights) -> None:
        reading = Reading()
        patient = asyncio.ensure_future(flights.join("image", reading))
        await asyncio.sleep(0)
        flights.shed(True)
        await give_up(flights, reading)
        reading.done.set()
        assert await patient == "read"

    flying(check)
