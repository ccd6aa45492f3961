"""Breaths between slices of work, so that a large review holds up no other.

A review has up to 256 starts. What each costs on the event loop is little, and all of them as much
as a hundred known reviews.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")

SLICE = 32  # starts


async def sliced(items: Iterable[T]) -> AsyncIterator[T]:
    """The items; others come between two slices of them."""
    for number, item in enumerate(items):
        if number and not number % SLICE:
            await asyncio.sleep(0)
        yield item


async def pause(size: int) -> None:
    """Let others come, after a piece of work on so many starts."""
    if size > SLICE:
        await asyncio.sleep(0)
