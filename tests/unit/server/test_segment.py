"""A connection that ends with a request that nobody reads is read no further, and its answer is sent."""

import asyncio
import socket
import ssl
from typing import cast

import pytest
import trustme
import uvloop

from elfgate.server import segment
from elfgate.server.segment import JoiningTransport

BUFFER = 32 << 10
PIECE = bytes(64 << 10)
MOST = 256  # pieces that a client would send


class Speaker(asyncio.Protocol):
    """Answers the first bytes, and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self._transport = JoiningTransport(stream, lambda: True)
        self._answered = False

    def data_received(self, _data: bytes) -> None:
        if not self._answered:
            self._answered = True
            self._transport.write(b"answer")
            self._transport.close()
            assert self._transport.is_closing()


def listener() -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    made.bind(("127.0.0.1", 0))
    return made


def sent(port: int, trusting: ssl.SSLContext) -> int:
    """Pieces that a client gets rid of behind its question, once it has its answer."""
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        plain.connect(("127.0.0.1", port))
        plain.settimeout(10)
        with trusting.wrap_socket(plain, server_hostname="127.0.0.1") as client:
            client.sendall(b"question")
            assert client.recv(6) == b"answer"
            for count in range(MOST):
                try:
                    client.sendall(PIECE)
                except OSError:
                    return count
    return MOST


def test_what_nobody_reads_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "ANSWER_SECONDS", 1.0)
    ca, trusting = trustme.CA(), ssl.create_default_context()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(served)
    ca.configure_trust(trusting)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Speaker, sock=listener(), ssl=served)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await asyncio.to_thread(sent, port, trusting)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) < MOST // 8
