"""The doorway: takes connections while there is room, and shares the room between those who come.

They are counted when the kernel has accepted them: one that is refused costs a descriptor for a
moment, and no memory. Handshakes begin one at a time, clients in turn (``anteroom``). When there is
no room, idle connections of whoever holds most make way, or those of the one who comes.
"""

import asyncio
import math
import socket
import ssl
import time
from collections.abc import Callable
from itertools import islice

from elfgate.server.anteroom import Anteroom
from elfgate.server.arrival import waited
from elfgate.server.shares import Shares
from elfgate.server.visitor import Visitor

HANDSHAKE_SECONDS = 5.0
WAIT_SECONDS = 10.0  # for a handshake to begin: as long as Go's client waits for one to end
FAREWELL_SECONDS = 0.5  # for the other side to say that it has closed too, and no more to send
HEAD_SECONDS = 10.0  # for a request's head, from its first byte
AT_A_TIME = 64  # connections accepted in one turn of the event loop
PRESSED = 256  # that wait are more than an API server has begun at a time (200 by default)
IDLE_SECONDS = 1.0  # a client may still be about to use what was used later
MAKE_WAY = 16  # idle connections that are closed at a time when there is no room
SWEEP_SECONDS = 0.25
ENOUGH = 24  # connections that a client has at once, whatever else there is to do
HURRIED_SECONDS = 0.01  # from one handshake to the next where more comes than can be judged
A_SWEEP = 32  # connections that are given up in one sweep: each takes the time of a review
UNREAD_BYTES = 64 << 10  # that the kernel takes of a connection before they are read
PAUSE_SECONDS = 0.2  # when the kernel has no descriptor or memory for another one

Factory = Callable[[Visitor], asyncio.Protocol]
TurnedAway = Callable[[str], None]
"""Takes the cause for which a connection was refused or given up."""


class Doorway:
    """Takes connections on a listening socket.

    It has of ``asyncio.Server`` what uvicorn asks of one.

    Args:
        listener: The listening socket.
        context: Of TLS.
        factory: Makes what speaks to a visitor.
        most: How many connections there may be.
        most_waiting: How many more may wait for their handshakes.
        idle_seconds: How long a connection may stay without its first request.
        turned_away: Takes the cause of a refusal: ``room``, ``handshake``, ``head`` or ``idle``.
        press: Takes the clients of whom more come than can be let in, when that changes.
        hurried: Tells whether more comes than can be judged.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        factory: Factory,
        *,
        most: int,
        most_waiting: int,
        idle_seconds: float,
        turned_away: TurnedAway,
        press: Callable[[frozenset[str]], None],
        hurried: Callable[[], bool],
    ) -> None:
        self._listener = listener
        self._context = context
        self._factory = factory
        self._idle_seconds = idle_seconds
        self._turned_away = turned_away
        self._room = Shares(most)
        self._anteroom = Anteroom(most_waiting)
        self._greeting = False
        self._press, self._pressing = press, frozenset[str]()
        self._hurried, self._next_greeting = hurried, 0.0
        self._visitors: dict[Visitor, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        self._sweep_timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        self._listener.setblocking(False)  # noqa: FBT003  # its name says what
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_BYTES)
        self._closed = False
        self._loop.add_reader(self._listener, self._accept)

    def __len__(self) -> int:
        return len(self._visitors) + len(self._anteroom)

    def close(self) -> None:
        """Take no more connections; at the second call, give up unfinished handshakes too."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._sweep_timer.cancel()
            for visitor in self._anteroom.since(math.inf):
                visitor.socket.close()
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
                self._turned_away("descriptors")
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
        connection.setblocking(False)  # noqa: FBT003  # its name says what
        visitor = Visitor(connection, peer, time.monotonic() - waited(connection))
        surplus = self._anteroom.enter(visitor)
        if surplus is not None:
            self._turned_away("room")
            surplus.socket.close()
        self._greet_soon()

    def _greet_soon(self) -> None:
        if not self._greeting and self._anteroom:
            self._greeting = True
            self._loop.call_soon(self._greet_next)

    def _greet_next(self) -> None:
        """Begin one handshake, if somebody waits who may enter; then look at what has come."""
        pressing = self._anteroom.more_than(PRESSED)
        if pressing != self._pressing:
            self._pressing = pressing
            self._press(pressing)
        visitor = self._anteroom.next(self._admits)
        self._greeting = visitor is not None
        if visitor is not None:
            visitor.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            visitor.entered = time.monotonic()
            self._next_greeting = visitor.entered + HURRIED_SECONDS
            self._visitors[visitor] = self._loop.create_task(self._greet(visitor))
            self._loop.call_soon(self._greet_next)

    def _admits(self, peer: str) -> bool:
        """Whether a peer may enter now, for whom room is then taken.

        A handshake takes as long as a verdict. One that has enough connections waits for more of
        them where that time is wanted: its requests go over whichever of them is free first.
        """
        waits = self._room.held(peer) >= ENOUGH and time.monotonic() < self._next_greeting
        return not (waits and self._hurried()) and self._has_room(peer)

    def _has_room(self, peer: str) -> bool:
        """Take room for one more connection of a peer, if there is some."""
        if self._room.take(peer):
            return True
        largest = self._room.largest()
        self._make_way(largest if self._room.held(largest) > self._room.held(peer) else peer)
        return self._room.take(peer)

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
            self._turned_away("handshake")
            visitor.socket.close()
        if visitor.speaker is None:
            self.leave(visitor)

    def leave(self, visitor: Visitor) -> None:
        """Forget a connection that has ended."""
        if self._visitors.pop(visitor, None) is not None:
            self._room.give(visitor.peer)
            self._greet_soon()

    def _make_way(self, peer: str) -> None:
        """Close some of a peer's connections over which nobody waits, the oldest ones."""
        since = time.monotonic() - IDLE_SECONDS
        idle = (each for each in self._visitors if each.peer == peer and each.idle(since))
        for visitor in list(islice(idle, MAKE_WAY)):
            self._turned_away("idle")
            self._give_up(visitor)

    def _give_up(self, visitor: Visitor) -> None:
        if visitor.speaker is None:
            self._visitors[visitor].cancel()
        else:
            visitor.speaker.hang_up()
        self.leave(visitor)

    def _sweep(self) -> None:
        """Give up what takes too long, a few at a time.

        Those that came together end together.
        """
        now = time.monotonic()
        for visitor in self._anteroom.since(now - WAIT_SECONDS):
            self._turned_away("room")
            visitor.socket.close()
        late = (each for each in self._visitors if self._is_late(each, now))
        for visitor in list(islice(late, A_SWEEP)):
            if visitor.speaker is None or not visitor.head:
                self._turned_away("handshake" if visitor.speaker is None else "idle")
                self._give_up(visitor)
            else:
                self._turned_away("head")
                visitor.speaker.refuse(408)
        self._greet_soon()
        self._sweep_timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def _is_late(self, visitor: Visitor, now: float) -> bool:
        if visitor.speaker is None:
            return now - visitor.entered > HANDSHAKE_SECONDS
        if visitor.speaker.busy:
            return False
        if visitor.head:
            return now - visitor.head_since > HEAD_SECONDS
        return not visitor.head_since and now - visitor.accepted > self._idle_seconds
