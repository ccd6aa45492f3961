"""The doorway: takes connections while there is room, and shares the room between those who come.

They are counted when the kernel has accepted them: one that is refused costs a descriptor for a
moment, and no memory. When there is no room, idle connections of whoever holds most make way, or
those of the one who comes.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from itertools import islice

from elfgate.server.arrival import waited
from elfgate.server.shares import Shares
from elfgate.server.visitor import Visitor

HANDSHAKE_SECONDS = 5.0
FAREWELL_SECONDS = 0.5  # for the other side to say that it has closed too, and no more to send
HEAD_SECONDS = 10.0  # for a request's head, from its first byte
AT_A_TIME = 2  # connections taken in one turn of the event loop: each costs a handshake
IDLE_SECONDS = 1.0  # a client may still be about to use what was used later
MAKE_WAY = 16  # idle connections that are closed at a time when there is no room
SWEEP_SECONDS = 0.25
A_SWEEP = 32  # connections that are given up in one sweep: each takes the time of a review
PAUSE_SECONDS = 0.2  # when the kernel has no descriptor or memory for another one

Factory = Callable[[Visitor], asyncio.Protocol]
CachedAnswer = Callable[[str], None]
"""Takes the cause for which a connection was refused or given up."""


class Doorway:
    """Takes connections on a listening socket.

    It has of ``asyncio.Server`` what uvicorn asks of one.

    Args:
        listener: The listening socket.
        context: Of TLS.
        factory: Makes what speaks to a visitor.
        most: How many connections there may be.
        idle_seconds: How long a connection may stay without its first request.
        told: Takes the cause of a refusal: ``room``, ``handshake``, ``head`` or ``idle``.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        factory: Factory,
        *,
        most: int,
        idle_seconds: float,
        told: CachedAnswer,
    ) -> None:
        self._listener = listener
        self._context = context
        self._factory = factory
        self._idle_seconds = idle_seconds
        self._told = told
        self._room = Shares(most)
        self._visitors: dict[Visitor, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        self._sweep_timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        self._listener.setblocking(False)  # noqa: FBT003  # its name says what
        self._closed = False
        self._loop.add_reader(self._listener, self._accept)

    def __len__(self) -> int:
        return len(self._visitors)

    def close(self) -> None:
        """Take no more connections; at the second call, give up unfinished handshakes too."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._sweep_timer.cancel()
            return
        for visitor, task in list(self._visitors.items()):
            if visitor.speaker is None:
                task.cancel()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""

    def _accept(self) -> None:
        for _ in range(AT_A_TIME):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                self._told("descriptors")
                self._pause()
                return
            self._take(connection, str(address[0]))

    def _pause(self) -> None:
        self._make_way(self._room.largest())
        self._loop.remove_reader(self._listener)
        self._loop.call_later(PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listener, self._accept)

    def _take(self, connection: socket.socket, peer: str) -> None:
        if not self._room.take(peer):
            largest = self._room.largest()
            self._make_way(largest if self._room.held(largest) > self._room.held(peer) else peer)
            if not self._room.take(peer):
                self._told("room")
                connection.close()
                return
        connection.setblocking(False)  # noqa: FBT003  # its name says what
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        visitor = Visitor(connection, peer, time.monotonic() - waited(connection))
        task = self._loop.create_task(self._greet(visitor))
        self._visitors[visitor] = task

    async def _greet(self, visitor: Visitor) -> None:
        """Shake hands; what then is said is the protocol's."""
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._factory(visitor),
                visitor.socket,
                ssl=self._context,
                ssl_handshake_timeout=2 * HANDSHAKE_SECONDS,  # the sweep comes first
                ssl_shutdown_timeout=FAREWELL_SECONDS,
            )
        except asyncio.CancelledError:  # it is given up
            visitor.socket.close()
        except OSError:  # TLS's errors and a timeout are among them
            self._told("handshake")
            visitor.socket.close()
        if visitor.speaker is None:
            self.leave(visitor)

    def leave(self, visitor: Visitor) -> None:
        """Forget a connection that has ended."""
        if self._visitors.pop(visitor, None) is not None:
            self._room.give(visitor.peer)

    def _make_way(self, peer: str) -> None:
        """Close some of a peer's connections over which nobody waits, the oldest ones."""
        since = time.monotonic() - IDLE_SECONDS
        idle = (each for each in self._visitors if each.peer == peer and each.idle(since))
        for visitor in list(islice(idle, MAKE_WAY)):
            self._told("idle")
            self._give_up(visitor)

    def _give_up(self, visitor: Visitor) -> None:
        if visitor.speaker is None:
            self._visitors[visitor].cancel()
        else:
            visitor.speaker.hang_up()
        self.leave(visitor)

    def _sweep(self) -> None:
        """Give up what takes too long, a few at a time, as those that came together end together."""
        now = time.monotonic()
        late = (each for each in self._visitors if self._is_late(each, now))
        for visitor in list(islice(late, A_SWEEP)):
            if visitor.speaker is None or not visitor.head:
                self._told("handshake" if visitor.speaker is None else "idle")
                self._give_up(visitor)
            else:
                self._told("head")
                visitor.speaker.refuse(408)
        self._sweep_timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def _is_late(self, visitor: Visitor, now: float) -> bool:
        if visitor.speaker is None:
            return now - visitor.accepted > HANDSHAKE_SECONDS
        if visitor.speaker.busy:
            return False
        if visitor.head:
            return now - visitor.head_since > HEAD_SECONDS
        return not visitor.head_since and now - visitor.accepted > self._idle_seconds
