"""What a stranger may send to the webhook: a connection's bytes, and a review's."""

import asyncio
import json
import socket
from typing import Any

import uvicorn
from httptools import HttpParserError, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from elfgate.cluster.decisive import decisive, decisive_parts, digest
from elfgate.cluster.review import judged, parse
from elfgate.errors import InputError
from elfgate.server import glance
from elfgate.server.protocol import HEAD_BYTES, bounded
from elfgate.server.visitor import Visitor
from support.judging import review_of
from support.objects import container, deployment, pod

PIECES = 7  # bytes of the first piece


class _Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""


async def _app(_scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


_LOOP = asyncio.new_event_loop()
_SOCKET = socket.socket()
_CONFIG = uvicorn.Config(_app, log_config=None, access_log=False, lifespan="off", ws="none")
_CONFIG.load()


def head(data: bytes) -> None:
    """A connection's bytes, in three pieces: its head has an end, and answers are HTTP."""
    _glanced(data)
    _LOOP.run_until_complete(_head(data))


def _glanced(data: bytes) -> None:
    """What is told at a glance is a request to the parser too, or no HTTP at all."""
    path, start = glance.request(data) or ("", 0)
    if not path:
        return
    heard = Heard()
    try:
        HttpRequestParser(heard).feed_data(data)
    except HttpParserError:
        return
    assert (heard.requests, heard.body) == (1, data[start:])


class Heard:
    """What a parser says."""

    def __init__(self) -> None:
        self.requests = 0
        self.body = b""

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Count a request."""
        self.requests += 1


async def _head(data: bytes) -> None:
    wire, visitor = _Wire(), Visitor(_SOCKET, "x", 0.0)
    made = bounded(HttpToolsProtocol)
    speaker = made(visitor=visitor, left=lambda _: None, turned_away=lambda _: None,
                   at_a_glance=lambda *_: None, config=_CONFIG, server_state=ServerState(),
                   app_state={}, _loop=_LOOP)  # fmt: skip
    speaker.connection_made(wire)
    for piece in (data[:PIECES], data[PIECES : HEAD_BYTES + 1], data[HEAD_BYTES + 1 :]):
        if piece and not wire.closed:
            speaker.data_received(piece)
            await asyncio.sleep(0)
    assert visitor.head <= HEAD_BYTES or wire.closed
    for _ in range(4):
        await asyncio.sleep(0)
    assert not wire.written or wire.written.startswith(b"HTTP/1.1 ")
    speaker.connection_lost(None)
    for _ in range(4):
        await asyncio.sleep(0)


def review(data: bytes) -> None:
    """A review's bytes: read, told from others, and its workload found, or refused in a line."""
    try:
        asked = parse(data)
        parts = decisive_parts(asked)
        assert digest(asked, parts) == digest(decisive(asked, parts))
        judged(decisive(asked, parts))
    except InputError:
        return


_POST = b"POST /validate?timeout=5s HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
_CHUNKS = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"

SEEDS = {
    "head": [
        _POST,
        _POST.replace(b"content-length", b"Accept: */*\r\nContent-Length"),
        _CHUNKS,
        b"GET / HTTP/1.0\r\n\r\n",
        _POST * 12,
        b"\r\n\r\n" + _POST,
    ],
    "review": [
        review_of(pod(container(command=["a"], env=[{"name": "A", "value": "b"}]))),
        review_of(deployment(nodeSelector={"kubernetes.io/arch": "arm64"})),
        json.dumps({"kind": "AdmissionReview", "request": {"uid": "x"}}).encode(),
    ],
}
