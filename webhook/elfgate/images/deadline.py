"""The time that an exchange may take in all, whatever is asked within it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpcore2 as httpcore

_until: ContextVar[float] = ContextVar("until")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Everything that this thread exchanges within the block must be done in so many seconds."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left() -> float:
    """Seconds until this thread's deadline; endless without one."""
    return _until.get(float("inf")) - time.monotonic()


def within(timeout: float | None) -> float | None:
    """The seconds that are left of a timeout, and of the deadline.

    Raises:
        httpcore.ReadTimeout: if nothing is.
    """
    left = seconds_left()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for the whole exchange is up")
    return left if timeout is None else min(timeout, left)
