"""One segment an answer, and no reading after the last one.

Uvicorn writes head and body apart, and each write is a TLS record and a packet of its own.

Where Nagle's algorithm meets a delayed ACK the second packet waits 40 ms; everywhere it costs
another record and system call. Writes of one turn of the event loop are therefore joined.

TLS's farewell reads all that still comes, to say good-bye behind it. Where that is a request that
nobody reads, decrypting it would cost more than all else that was done for it.
"""

import asyncio
from collections.abc import Callable
from typing import Any

ANSWER_SECONDS = 0.05  # for an answer to be on its way, before what else comes is refused


class JoiningTransport:
    """A transport that holds what is written until the event loop's next turn.

    It writes it at once then.

    Args:
        transport: The real one, which does everything else.
        unread: Tells whether a request is left that nobody reads.
    """

    def __init__(self, transport: asyncio.Transport, unread: Callable[[], bool]) -> None:
        self._transport = transport
        self._unread = unread
        self._held: list[bytes] = []
        self._closing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold ``data``, to be written with what else is written in this turn."""
        if not self._held:
            asyncio.get_running_loop().call_soon(self._flush)
        self._held.append(data)

    def write_whole(self, data: bytes) -> None:
        """Write an answer that comes in one piece, at once if nothing is held."""
        if self._held:
            self._held.append(data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Write what is held, then close.

        Where a request is left, that is once the client could see the answer.
        """
        self._flush()
        self._closing = True
        if self._unread():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(ANSWER_SECONDS, self.abort)
        else:
            self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._closing or self._transport.is_closing()

    def release(self) -> None:
        """Let go of the real one, which has ended: whoever still writes does so in vain."""
        self._held.clear()
        self._transport = _ENDED

    def _flush(self) -> None:
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._transport.write(data)


class _Ended(asyncio.Transport):
    """A connection that is no more."""

    def is_closing(self) -> bool:
        return True

    def write(self, data: Any) -> None:
        """Nobody reads it."""

    def close(self) -> None:
        """It is."""

    def abort(self) -> None:
        """It is closed."""

    def pause_reading(self) -> None:
        """Nothing comes."""

    def resume_reading(self) -> None:
        """Nothing comes."""


_ENDED = _Ended()
