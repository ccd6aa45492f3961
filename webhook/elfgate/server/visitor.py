"""A connection as the door sees it, from the kernel's accept to its end."""

import socket
from dataclasses import dataclass
from typing import Protocol


class Speaker(Protocol):
    """The protocol that speaks HTTP over a connection once its handshake is done."""

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""

    def refuse(self, status: int) -> None:
        """Answer with a status and no more, and close."""

    def hang_up(self) -> None:
        """Close at once."""


@dataclass(slots=True, eq=False)
class Visitor:
    """A connection.

    Attributes:
        socket: Its socket.
        peer: The client's address, without the port.
        accepted: When its first bytes came, in monotonic seconds.
        entered: When its handshake began.
        greeted: When its handshake was done; None before that.
        speaker: The protocol that speaks HTTP to it; None before its handshake is done.
        head: Bytes of a request's head that has not ended yet.
        head_since: When the first of them came.
        tail: The last bytes of that head, for an end that comes in two pieces.
    """

    socket: socket.socket
    peer: str
    accepted: float
    entered: float = 0.0
    greeted: float | None = None
    speaker: Speaker | None = None
    head: int = 0
    head_since: float = 0.0
    tail: bytes = b""

    def idle(self, since: float) -> bool:
        """Whether nobody waits for an answer over it, and nobody has asked ``since`` then."""
        if max(self.entered, self.greeted or 0.0, self.head_since) > since:
            return False
        return self.speaker is None or not self.speaker.busy
