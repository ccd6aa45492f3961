"""This service's end of a predictor's channel, on the event loop."""

import asyncio
import socket
from typing import cast

from elfgate.isolation.frames import LENGTH_BYTES


class BrokenChannelError(Exception):
    """The other end is closed, or says what it may not."""


class Channel(asyncio.Protocol):
    """Sends frames, and receives one at a time when it is waited for.

    Bytes that nobody waits for, and frames that are too long, break it: nothing of them is kept.

    Args:
        first: The most bytes of the first frame, which may come before it is waited for.
    """

    def __init__(self, first: int) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._most = first
        self._waiting: asyncio.Future[bytes] | None = asyncio.get_running_loop().create_future()
        self._broken = ""

    @classmethod
    async def over(cls, end: socket.socket, *, first: int) -> "Channel":
        """A channel over this end of a pair of sockets, which belongs to it then."""
        end.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_unix_connection(lambda: cls(first), sock=end)
        return channel

    def send(self, payload: bytes) -> None:
        """Send a frame."""
        assert self._transport is not None  # noqa: S101 - made by ``over``
        self._transport.write(len(payload).to_bytes(LENGTH_BYTES))
        self._transport.write(payload)

    async def receive(self, most: int) -> bytes:
        """The next frame, of no more bytes than ``most``.

        Raises:
            BrokenChannelError: if there is none.
        """
        if self._waiting is None:
            if self._broken:
                raise BrokenChannelError(self._broken)
            self._most = most
            self._waiting = asyncio.get_running_loop().create_future()
        try:
            return await self._waiting
        finally:
            self._waiting = None

    def give_up(self, error: Exception) -> None:
        """Raise an error where a frame is waited for. The channel is of no use then."""
        self._broken = self._broken or "it was given up"
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def close(self) -> None:
        """Close this end."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        """Put a frame together."""
        if self._waiting is None or self._waiting.done():
            self._break("it speaks unasked")
            return
        self._received += data
        length = int.from_bytes(self._received[:LENGTH_BYTES])
        if len(self._received) < LENGTH_BYTES:
            return
        if length > self._most:
            self._break(f"its answer of {length} bytes is too long")
        elif len(self._received) > LENGTH_BYTES + length:
            self._break("it says more than it was asked")
        elif len(self._received) == LENGTH_BYTES + length:
            frame, self._received = bytes(self._received[LENGTH_BYTES:]), bytearray()
            self._waiting.set_result(frame)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell whoever waits."""
        self._break("it has ended")

    def _break(self, why: str) -> None:
        self._broken = self._broken or why
        self._received.clear()
        self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(BrokenChannelError(self._broken))
