"""Large bodies are taken in piece by piece, one piece in a turn of the event loop, clients in turn.

Decrypting a piece takes as long as several reviews. Where many clients send at a time, or one over
many connections, all that has come would be taken in before the event loop looks at a review again.
"""

import asyncio
from collections import deque

PIECE = (
    64 << 10
)  # bytes that may be at hand before a reader asks for its turn; uvicorn holds as many


class Intake:
    """Hands out turns to take in a piece. Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._moving = False

    async def turn(self, peer: str) -> None:
        """Wait until a client may take in a piece."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(peer, deque()).append(turn)
        if not self._moving:
            self._moving = True
            loop.call_soon(self._next)
        await turn

    def _next(self) -> None:
        """Let one in; the event loop looks at what has come before the next one."""
        turn = self._popped()
        self._moving = turn is not None
        if turn is not None:
            turn.set_result(None)
            asyncio.get_running_loop().call_soon(self._next)

    def _popped(self) -> "asyncio.Future[None] | None":
        """The first that still waits, of the client whose turn it is; that client is then last."""
        while self._waiting:
            peer = next(iter(self._waiting))
            waiting = self._waiting.pop(peer)
            turn = waiting.popleft()
            if waiting:
                self._waiting[peer] = waiting
            if not turn.done():  # its client may have hung up, or its time be over
                return turn
        return None
