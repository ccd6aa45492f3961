"""HTTP as the door speaks it: uvicorn's protocol, with an end to what a request's head may cost.

uvicorn's parser in C (httptools) takes a head of any length and for any time, and copies what it
has of a field anew with each piece. Here a head has an end in bytes and in seconds; the seconds are
looked at by ``doorway``.
"""

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from elfgate.server.arrival import waited
from elfgate.server.clients import common_name
from elfgate.server.segment import JoiningTransport
from elfgate.server.visitor import Visitor

if (
    TYPE_CHECKING
):  # uvicorn chooses the parser, and so the class, at run time; they are alike in what is used here
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol
else:
    _Protocol = object

HEAD_BYTES = 16 << 10
PIPELINED = 8  # requests that may wait behind one of the same connection; an API server sends none
_SOON = 1.0  # seconds: a first request that comes so soon after the handshake is what that was for
_END = b"\r\n\r\n"

Left = Callable[[Visitor], None]
"""Takes the visitor whose connection has ended."""
TurnedAway = Callable[[str], None]
"""Takes the cause of a connection's refusal: ``head`` or ``http``."""
AtAGlance = Callable[[str | None, str, bytes], bytes | None]
"""Answers a request that is not to be read.

It is told the client's common name, its address and the bytes that came.
"""


class BoundedProtocol(_Protocol):
    """A mixin that is put before a protocol of uvicorn's, made for one visitor.

    Its requests' ``state`` has the client's common name (``client``), its address (``peer``) and
    when the request came, in monotonic seconds (``arrived``).

    Args:
        visitor: The connection.
        left: Takes the visitor when its connection has ended.
        turned_away: Takes the cause when the connection is refused.
        at_a_glance: Answers a request that is not to be read.
        options: uvicorn's options.
    """

    def __init__(
        self,
        *,
        visitor: Visitor,
        left: Left,
        turned_away: TurnedAway,
        at_a_glance: AtAGlance,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._visitor, self._left = visitor, left
        self._turned_away, self._at_a_glance = turned_away, at_a_glance
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, whose handshake is done."""
        name, peer = common_name(transport), self._visitor.peer
        self.app_state = {**self.app_state, "client": name, "peer": peer}
        # A stream's.
        self._joining = JoiningTransport(transport, self._leaves_unread)  # type: ignore[arg-type]
        super().connection_made(self._joining)  # type: ignore[arg-type]  # it does what one does
        self._visitor.greeted = time.monotonic()
        self._visitor.speaker = self

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what was being said.

        Objects that refer to one another are parted, so that their buffers (256 KiB and more, where
        much has come) are free at once, and not when the collector next comes by.
        """
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn leaves it if the connection has failed
        self._left(self._visitor)
        self._visitor.speaker = None
        self._joining.release()
        getattr(self, "pipeline", []).clear()  # of httptools
        self.cycle = None  # type: ignore[assignment]  # as before the first request

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: Any = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request, if its head has an end."""
        if self._refused:
            return
        if self.busy and self.cycle.more_body:
            super().data_received(data)
            return
        cycle, visitor = self.cycle, self._visitor
        if not visitor.head:
            if not self.busy and self._answered_at_once(data):
                return
            visitor.head_since = self.app_state["arrived"] = self._arrived()
        if visitor.head + len(data) > HEAD_BYTES and not self._ends(data):
            self._refuse_head()
            return
        visitor.head += len(data)
        super().data_received(data)
        if self.cycle is not cycle:
            visitor.head, visitor.tail = 0, b""
        elif visitor.head > HEAD_BYTES:  # what looked like an end was none: empty lines before it
            self._refuse_head()
        else:
            visitor.tail = data[1 - len(_END) :]

    def _answered_at_once(self, data: bytes) -> bool:
        """Answer a request that is not to be read, and wait for the next one, as uvicorn would."""
        if self.flow.write_paused:
            return False
        answer = self._at_a_glance(self.app_state["client"], self._visitor.peer, data)
        if answer is None:
            return False
        self._visitor.head_since = time.monotonic()
        self._joining.write_whole(answer)
        if self.timeout_keep_alive_task is None:
            self._wait_for_next(self.timeout_keep_alive)
        return True

    def timeout_keep_alive_handler(self) -> None:
        """Close what nobody has used for long.

        An answer at once leaves the timer as it is: setting it anew would cost a tenth of that.
        """
        left = self._visitor.head_since + self.timeout_keep_alive - time.monotonic()
        if left > 0:
            self._wait_for_next(left)
        else:
            super().timeout_keep_alive_handler()

    def _wait_for_next(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def on_headers_complete(self) -> None:
        """Begin to answer (httptools; h11 takes one request after the other by itself).

        Raises:
            ValueError: if too many requests wait already; uvicorn answers with 400.
        """
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("too many requests at a time")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP (httptools and h11)."""
        self._turned_away("http")
        super().send_400_response(msg)

    def _refuse_head(self) -> None:
        self._turned_away("head")
        self.refuse(431)

    def refuse(self, status: int) -> None:
        """Answer with a status and no more, and close."""
        self._refused = True
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        self.transport.write(f"{line}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        self.transport.close()

    def _leaves_unread(self) -> bool:
        """Whether a request is left that nobody reads, as it was answered before that."""
        cycle: Any = self.cycle
        self._refused = self._refused or (cycle is not None and cycle.more_body)
        return self._refused

    def hang_up(self) -> None:
        """Close at once."""
        self._refused = True
        self.transport.abort()

    def _arrived(self) -> float:
        """When the request came whose first bytes have just been read, its handshake included."""
        visitor, came = self._visitor, time.monotonic() - waited(self._visitor.socket)
        cycle: Any = self.cycle
        first = cycle is None and came - (visitor.greeted or came) < _SOON
        return visitor.accepted if first else came

    def _ends(self, data: bytes) -> bool:
        """Whether the head ends within its bound: what follows then is its body."""
        room = max(HEAD_BYTES - self._visitor.head, 0) + len(_END)
        return _END in self._visitor.tail + data[:room]


def bounded(protocol: type[asyncio.Protocol]) -> type[BoundedProtocol]:
    """A protocol of uvicorn's, bounded."""
    return type("Bounded", (BoundedProtocol, protocol), {})
