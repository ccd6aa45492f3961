"""One segment an answer.

Uvicorn writes head and body apart, and each write is a TLS record and a packet of its own.

Where Nagle's algorithm meets a delayed ACK the second packet waits 40 ms; everywhere it costs
another record and system call. Writes of one turn of the event loop are therefore joined.
"""

import asyncio
from typing import Any


class JoiningTransport:
    """A transport that holds what is written until the event loop's next turn, and then writes it at once.

    Args:
        transport: The real one, which does everything else.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold ``data``, to be written with what else is written in this turn."""
        if not self._held:
            asyncio.get_running_loop().call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        """Write what is held, then close."""
        self._flush()
        self._transport.close()

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
