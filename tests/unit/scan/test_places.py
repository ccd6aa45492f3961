import asyncio
from collections.abc import Awaitable, Callable

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.scan.places import Places, Shares, Turn


def run(shares: Shares, check: Callable[[Places], Awaitable[None]]) -> None:
    async def main() -> None:
        await check(Places(shares))

    asyncio.run(main())


async def waiting(places: Places, *who: tuple[str, str], weight: int = 0) -> "list[Task]":
    tasks = [asyncio.ensure_future(places.take(*one, weight)) for one in who]
    await asyncio.sleep(0)
    return tasks


Task = asyncio.Task[Turn]


def inside(tasks: list[Task]) -> int:
    return sum(task.done() for task in tasks)


ROOMY = Shares(total=8, namespace=4, host=4, both=2, bytes=100)


def test_nobody_takes_more_than_its_share() -> None:
    async def check(places: Places) -> None:
        at_one = await waiting(places, *[("evil", "a.example")] * 5)
        assert inside(at_one) == 2
        at_many = await waiting(places, *[("evil", f"{n}.example") for n in range(9)])
        await asyncio.sleep(0)
        assert inside(at_one) + inside(at_many) == 4
        others = await waiting(places, ("shop", "a.example"), ("shop", "a.example"))
        await asyncio.sleep(0)
        assert inside(others) == 2

    run(ROOMY, check)


def test_however_many_namespaces_ask_some_places_are_free_for_the_next() -> None:
    async def check(places: Places) -> None:
        crowd = await waiting(places, *[(f"evil-{n % 5}", f"{n}.example") for n in range(80)])
        (other,) = await waiting(places, ("shop", "a.example"))
        assert other.done()
        assert inside(crowd) >= 12

    run(Shares(total=16, namespace=4, host=8, both=2, bytes=100, spare=True), check)


def test_namespaces_take_turns() -> None:
    async def check(places: Places) -> None:
        (first,) = await waiting(places, ("batch", "a"))
        crowd = await waiting(places, *[("batch", "a")] * 3)
        (other,) = await waiting(places, ("shop", "a"))
        places.give(await first)
        await asyncio.sleep(0)
        places.give(await next(task for task in (*crowd, other) if task.done()))
        await asyncio.sleep(0)
        assert other.done()
        assert inside(crowd) < 2

    run(Shares(total=1, namespace=1, host=1, both=1, bytes=100), check)


def test_what_is_under_way_weighs_so_much_at_most_and_one_always_comes_in() -> None:
    async def check(places: Places) -> None:
        heavy = await waiting(places, ("a", "a"), weight=1000)
        light = await waiting(places, ("b", "b"), weight=1)
        assert inside(heavy) == 1
        assert inside(light) == 0
        places.give(await heavy[0])
        await asyncio.sleep(0)
        assert inside(light) == 1

    run(ROOMY, check)


def test_who_gives_up_waiting_leaves_no_trace() -> None:
    async def check(places: Places) -> None:
        (holder,) = await waiting(places, ("a", "a"))
        (quitter,) = await waiting(places, ("a", "a"))
        quitter.cancel()
        await asyncio.gather(quitter, return_exceptions=True)
        assert places.taken == 1
        places.give(await holder)
        assert places.taken == 0
        counted = [places._of_namespace, places._at_host, places._of_both, places._queues]
        assert not any(counted)

    run(Shares(total=1, namespace=1, host=1, both=1, bytes=100), check)


def test_so_many_of_a_namespace_may_wait() -> None:
    async def check(places: Places) -> None:
        tasks = await waiting(places, *[("evil", "a")] * 3)
        with pytest.raises(UnreadableError) as raised:
            await places.take("evil", "a")
        assert raised.value.reason is UnknownReason.NOT_SCANNED
        assert not (await waiting(places, ("shop", "b")))[0].cancelled()
        for task in tasks:
            task.cancel()

    run(Shares(total=1, namespace=1, host=1, both=1, bytes=100, waiting=2), check)
