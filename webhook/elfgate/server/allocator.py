"""Tells the C library's allocator to give memory back.

A webhook lives for months, and its peaks are short.

Source: mallopt(3). Left alone, glibc gives each thread an arena of its own, of which what is freed
is seldom given back, and raises its threshold for blocks of their own with the first large block
that is freed, so that the indexes of layers come to lie among small things. Other C libraries have
no such call, and no such habits.
"""

import asyncio
import ctypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 128 << 10  # bytes: glibc's own first thresholds, which stay once they are set
_ARENAS = 2


def tame() -> None:
    """Set the limits, where there are any; before threads are started."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in (
            (_M_MMAP_THRESHOLD, _LARGE),
            (_M_TRIM_THRESHOLD, _LARGE),
            (_M_ARENA_MAX, _ARENAS),
        ):
            mallopt(parameter, value)


def give_back() -> None:
    """Give back what is free by now, where that can be asked for."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@asynccontextmanager
async def giving_back(seconds: float = 30.0) -> AsyncIterator[None]:
    """Give memory back now and then, on a thread, while the context lasts."""

    async def always() -> None:
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(give_back)

    task = asyncio.create_task(always())
    try:
        yield
    finally:
        task.cancel()
