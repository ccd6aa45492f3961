"""A TCP balancer on loopback, as a Service is: connections go by turns to whichever backend is ready.

A backend is ready when it says so once, and is not any more when it has failed to three times in a row (the kubelet's
defaults for a probe); one that is taken out of ``backends`` gets no new connections from then on.

with Balancer() as balancer:
    balancer.backends["a"] = 8443       # asked for /readyz over TLS, as the kubelet does
    balancer.cut()                      # whoever is connected is thrown out, and nobody gets in
    balancer.mend()
"""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

_CHUNK = 1 << 16
_FAILURES = 3


class Proxy:
    """Passes connections on to one port of this machine; a context manager with a thread of its own.

    Args:
        target: Tells where the next connection goes; None for nowhere, and it is reset.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, target: Callable[[], int | None]) -> None:
        self.port = 0
        self._target = target
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._pass_on, "127.0.0.1", 0, backlog=1024))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection, and each that comes."""
        self._cut = True
        self._run(self._reset())

    def mend(self) -> None:
        """Pass connections on again."""
        self._cut = False

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _reset(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        await self._reset()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = None if self._cut else self._target()
        if port is None:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._open |= ends
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends: then the other is told, and what is under way the other way still arrives."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


class Balancer(Proxy):
    """A proxy to whichever of its backends say that they are ready.

    Args:
        period: Seconds from one look at a backend's readiness to the next.
        patience: Seconds that it has to answer.

    Attributes:
        backends: Port by name; may be changed at any time.
        ready: The names of those that are ready.
    """

    def __init__(self, *, period: float = 0.25, patience: float = 1.0) -> None:
        super().__init__(self._next)
        self.backends: dict[str, int] = {}
        self.ready: set[str] = set()
        self._period = period
        self._patience = patience
        self._turn = 0
        self._failed: Counter[str] = Counter()

    def __enter__(self) -> Self:
        super().__enter__()
        asyncio.run_coroutine_threadsafe(self._look_always(), self._loop)
        return self

    def _next(self) -> int | None:
        ready = [port for name, port in sorted(self.backends.items()) if name in self.ready]
        self._turn += 1
        return ready[self._turn % len(ready)] if ready else None

    async def _look_always(self) -> None:
        while True:
            await asyncio.gather(
                *(self._look(name, port) for name, port in list(self.backends.items()))
            )
            await asyncio.sleep(self._period)

    async def _look(self, name: str, port: int) -> None:
        try:
            async with asyncio.timeout(self._patience):
                ready = await _is_ready(port)
        except (TimeoutError, OSError, ValueError):
            ready = False
        if self.backends.get(name) != port:
            self.ready.discard(name)
        elif ready:
            self._failed[name] = 0
            self.ready.add(name)
        else:
            self._failed[name] += 1
            if self._failed[name] >= _FAILURES:
                self.ready.discard(name)


async def _is_ready(port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # as the kubelet
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return (await reader.readline()).split()[1:2] == [b"200"]
    finally:
        writer.transport.abort()
