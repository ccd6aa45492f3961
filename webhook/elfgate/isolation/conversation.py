"""A talk with a child, for a thread that may block, but not for ever."""

import os
import select
import time

from elfgate.isolation.children import Child
from elfgate.isolation.frames import LENGTH_BYTES

_PIECE = 1 << 20
_STALL_SECONDS = 60.0  # without a byte read or written


class EndedError(Exception):
    """The child has ended, or says what it may not."""


class StalledError(Exception):
    """Nothing moves any more."""


class Conversation:
    """Words to a child, and its answers.

    Args:
        child: With whom.
        seconds: How long it may last.
    """

    def __init__(self, child: Child, seconds: float) -> None:
        self._channel = child.channel.fileno()
        os.set_blocking(self._channel, False)
        self._until = time.monotonic() + seconds

    def send(self, payload: bytes) -> None:
        """Send a frame.

        Raises:
            EndedError: if the child has ended.
            StalledError: if it does not read.
        """
        if not self.pour(len(payload).to_bytes(LENGTH_BYTES) + payload, self._channel):
            raise EndedError("it has ended")

    def receive(self, most: int) -> bytes:
        """The next frame.

        Args:
            most: The most bytes that it may have.

        Raises:
            EndedError: if there is none, or it is too long.
            StalledError: if it does not come.
        """
        length = int.from_bytes(self._read(LENGTH_BYTES))
        if length > most:
            raise EndedError(f"its answer of {length} bytes is too long")
        return self._read(length)

    def pour(self, data: bytes, descriptor: int) -> bool:
        """Write data; return False if nobody reads it any more.

        Raises:
            StalledError: if it is not read.
        """
        left = memoryview(data)
        while left:
            self._wait(descriptor, select.POLLOUT)
            try:
                left = left[os.write(descriptor, left) :]
            except BlockingIOError:
                continue
            except OSError:
                return False
        return True

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(self._channel, select.POLLIN)
            try:
                piece = os.read(self._channel, min(size - len(data), _PIECE))
            except BlockingIOError:
                continue
            except OSError:
                piece = b""
            if not piece:
                raise EndedError("it has ended")
            data += piece
        return bytes(data)

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        seconds = min(_STALL_SECONDS, self._until - time.monotonic())
        if seconds <= 0 or not poll.poll(seconds * 1e3):
            raise StalledError
