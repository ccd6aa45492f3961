"""A review's request, as HTTP brings it.

Bounded in bytes, and in time by the review's own deadline.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any, Self
from urllib.parse import parse_qs

from elfgate.server.intake import PIECE, Intake
from elfgate.server.shares import Shares
from elfgate.server.within import within
from elfgate.settings.admission import Admission

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

API_SERVER_TIMEOUT = (
    30.0  # seconds: the most that a webhook configuration may say (``timeoutSeconds``)
)


class RefusedError(Exception):
    """A request that is answered with a status and a line; what is left of it is not read."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class HungUpError(Exception):
    """The client hung up before its request was complete: nobody is left to answer."""


class Hold:
    """The bytes that one review holds of what all may hold together; a context manager.

    Args:
        shares: What all may hold.
        intake: In which pieces of them are taken in by turns.
        peer: Whose review it is.
    """

    def __init__(self, shares: Shares, intake: Intake, peer: str) -> None:
        self._shares = shares
        self._intake = intake
        self._peer = peer
        self._amount = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._amount:
            self._shares.give(self._peer, self._amount)

    def more(self, amount: int) -> None:
        """Hold some more.

        Raises:
            RefusedError: 503 if there is no room.
        """
        if amount and not self._shares.take(self._peer, amount):
            raise RefusedError(503, "too many bytes of reviews at a time")
        self._amount += amount

    async def turn(self) -> None:
        """Wait for a turn to take in a piece."""
        await self._intake.turn(self._peer)


async def read_body(
    scope: Scope, receive: Receive, *, until: float, limit: int, hold: Hold
) -> bytes:
    """Read a request's body.

    Args:
        scope: ASGI's.
        receive: ASGI's.
        until: When to give up, in the loop's time.
        limit: The most bytes.
        hold: Holds its bytes: those that are announced before any of them is read, others as they
            come.

    Raises:
        RefusedError: 413 if it is larger, announced or not; 408 if it does not come in time; 503 if
            there is no room.
        HungUpError: if the client hangs up.
    """
    announced = content_length(scope["headers"])
    if announced > limit:
        raise RefusedError(413, f"a review may have at most {limit} bytes")
    hold.more(announced)
    try:
        return await within(until, _chunks(receive, limit, announced, hold))
    except TimeoutError:
        raise RefusedError(408, "the review did not arrive within its own deadline") from None


async def _chunks(receive: Receive, limit: int, announced: int, hold: Hold) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        if max(announced, size) > PIECE:
            await hold.turn()
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUpError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise RefusedError(413, f"a review may have at most {limit} bytes")
        if not announced:
            hold.more(len(chunks[-1]))
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def content_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The announced length of the body in bytes, 0 if none is.

    The HTTP parser has refused what is no number.
    """
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


_DURATION = re.compile(r"(?:(\d{1,3})m)?(?:(\d{1,3}(?:\.\d{1,9})?)s)?|(\d{1,6})ms")


def seconds_to_answer(query: bytes, admission: Admission) -> float:
    """The seconds that the API server waits for this answer.

    ``?timeout=10s``, a Go duration, on every call it makes.

    A missing or malformed value stands for ``admission.default_timeout_seconds``.
    """
    return _timeout(query) or admission.default_timeout_seconds


@lru_cache(64)  # an API server asks with one query, or a few
def _timeout(query: bytes) -> float:
    values = parse_qs(query.decode("latin-1")).get("timeout", [""])
    match = _DURATION.fullmatch(values[0])
    if match is None:
        return 0.0
    minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return min(minutes * 60 + seconds + milliseconds / 1000, API_SERVER_TIMEOUT)
