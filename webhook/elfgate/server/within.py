"""A deadline that costs nothing until it is waited for.

Most reviews are in memory when they are asked for, and are answered without waiting;
``asyncio.timeout`` would set up and take down a timer for them all the same, twice a review, at 4
µs each of some 150.
"""

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(until: float, work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` as under ``asyncio.timeout_at(until)``.

    There is a timer only from where it first waits.

    What does not wait cannot be cut off by a timer either, so that the outcome is the same.

    Raises:
        TimeoutError: if it is not done ``until`` then, in the loop's time.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    async with asyncio.timeout_at(until):
        return await _rest(work, waits_for)


@coroutine
def _rest(work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Go on with a coroutine that waits.

    Hand on what it waits for, and what it is sent or thrown.
    """
    try:
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001  (a cancellation is for the work to take)
                waits_for = work.throw(error)
            else:
                waits_for = work.send(sent)
    except StopIteration as done:
        result: T = done.value
        return result
