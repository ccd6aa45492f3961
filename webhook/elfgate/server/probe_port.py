"""Probes on a port and a thread of their own: nothing that reviews wait for is in their way.

Plain HTTP for the kubelet, which has no certificate to show and verifies none: ``/livez`` tells
whether the event loop runs, ``/readyz`` what was last found to be missing. Connections are few and
short; when there are too many, the oldest one makes way, so that nobody can keep the kubelet out by
holding them.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus

from elfgate.server.heart import Heart

log = logging.getLogger(__name__)

SECONDS = 2.0  # for a request
HEAD_BYTES = 4096
CONNECTIONS = 32


@contextmanager
def probed(listener: socket.socket, heart: Heart) -> Iterator[None]:
    """Answer probes on a listening socket, on a thread, while the context lasts."""
    port = ProbePort(heart)
    thread = threading.Thread(target=port.run, args=(listener,), name="probes", daemon=True)
    thread.start()
    try:
        yield
    finally:
        port.stop()
        thread.join()


class ProbePort:
    """Answers probes.

    Args:
        heart: What there is to tell.
    """

    def __init__(self, heart: Heart) -> None:
        self._paths: dict[bytes, Callable[[], list[str]]] = {
            b"/livez": heart.dying,
            b"/healthz": heart.dying,
            b"/readyz": heart.missing,
        }
        self._open: dict[asyncio.StreamWriter, None] = {}
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()

    def run(self, listener: socket.socket) -> None:
        """Answer until stopped; the thread's work."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(listener))

    def stop(self) -> None:
        """Have it end; called from another thread."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._end.set)

    async def _serve(self, listener: socket.socket) -> None:
        server = await asyncio.start_server(self._answer, sock=listener, limit=HEAD_BYTES)
        async with server:
            await self._end.wait()
            for writer in self._open:
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = None
        if len(self._open) > CONNECTIONS:
            next(iter(self._open)).transport.abort()
        try:
            async with asyncio.timeout(SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._response(head))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            writer.transport.abort()  # whoever it was, it was no kubelet
        finally:
            self._open.pop(writer, None)

    def _response(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.split(None, 1)[0].partition(b"?")[0] if rest.split() else b""
        tell = self._paths.get(path)
        if tell is None or method not in {b"GET", b"HEAD"}:
            return _message(HTTPStatus.NOT_FOUND, "no such probe\n")
        lines = tell()
        text = "".join(f"{line}\n" for line in lines) or "ok\n"
        return _message(HTTPStatus.SERVICE_UNAVAILABLE if lines else HTTPStatus.OK, text)


def _message(status: HTTPStatus, text: str) -> bytes:
    body = text.encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: text/plain; charset=utf-8",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
