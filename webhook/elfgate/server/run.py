"""From settings to a webhook that serves, and back: bind, certificate, uvicorn, drain."""

import asyncio
import errno
import gc
import importlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType
from typing import Any

import uvicorn

from elfgate.errors import InputError
from elfgate.server import allocator, descriptors, probe, probe_port
from elfgate.server.app import Ready, Webhook
from elfgate.server.doorway import Doorway
from elfgate.server.heart import Heart
from elfgate.server.judge import Judge
from elfgate.server.metrics import Metrics
from elfgate.server.notify import Notify
from elfgate.server.protocol import HEAD_BYTES, bounded
from elfgate.server.readiness import readiness
from elfgate.server.tls import Certificate
from elfgate.server.unexpected import watch_tasks
from elfgate.server.visitor import Visitor
from elfgate.settings import Settings
from elfgate.settings.doors import Listen, Tls

log = logging.getLogger(__name__)

BACKLOG = 1024
# The API server keeps idle connections for 90 s (Go's http.DefaultTransport). The side that closes
# first must be the client: closed from here, a connection may swallow a review that is just being
# sent.
KEEP_ALIVE_SECONDS = 120
LINGER_SECONDS = 1.0
# A review leaves no cycles behind, and a round after each 700 objects (the default) takes a tenth
# of the time.
COLLECT = (10_000, 10, 10)
GRACE_SECONDS = (
    30  # the API server's longest deadline: no review can still want its answer after it
)


def run(main: Coroutine[None, None, None]) -> None:
    """Run ``main`` to its end, on uvloop where there is one."""
    allocator.tame()
    try:
        new_event_loop = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        new_event_loop = None
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main)


async def serve(
    *,
    settings: Settings,
    judge: Judge[Any],
    steer: Judge[Any] | None = None,
    notify: Notify | None = None,
    ready: Ready,
    metrics: Metrics,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    On SIGTERM the webhook says that it is not ready, answers for ``admission.drain_seconds`` more
    whatever still comes (endpoints take that long to be withdrawn), and finishes what it has begun.
    SIGINT skips the wait. SIGHUP looks at the certificate at once.

    Args:
        settings: ``listen``, ``tls`` and ``admission`` matter here.
        judge: What judges reviews.
        steer: What answers the mutating endpoint; None if there is none.
        notify: What takes push notifications; None if nothing does.
        ready: Says what is not ready yet; the certificate and the endpoint itself are added to it
            here.
        metrics: Where reviews are counted.

    Raises:
        InputError: if there is no certificate that can serve, or the address cannot be listened on.
    """
    tls = settings.tls
    if tls is None or tls.certificate is None or tls.key is None:
        raise InputError(
            "tls is not set",
            hint="the API server only calls webhooks over TLS: name certificate and key",
        )
    certificate = Certificate(tls.certificate, tls.key, tls.client_ca)

    with bind(settings.listen, settings.listen.port) as listener:
        host, port = listener.getsockname()[:2]

        async def all_ready() -> list[str]:
            if certificate.expired:
                return ["certificate: it has expired", *await ready()]
            return [*await endpoint(), *await ready()]

        async def answers() -> None:
            await probe.answers(host, port, certificates_asked=tls.client_ca is not None)

        endpoint = readiness({"endpoint": answers})
        webhook = Webhook(
            judge=judge,
            steer=steer,
            notify=notify,
            ready=all_ready,
            metrics=metrics,
            settings=settings,
        )
        heart = Heart(webhook.missing, metrics.lagged)
        server = _Server(webhook, certificate, settings, metrics, heart)
        beating = heart.beating(looks=settings.listen.probe_port is not None)
        async with _followed(certificate, tls, metrics), allocator.giving_back(), beating:
            _settle()
            watch_tasks(metrics)
            with _probed(settings.listen, heart):
                log.info("listening", extra={"url": f"https://{_in_url(host)}:{port}"})
                await server.serve(sockets=[listener])
    log.info("stopped")


@contextmanager
def _probed(listen: Listen, heart: Heart) -> Iterator[None]:
    """Answer probes while this lasts, on a port of their own if there is to be one."""
    if listen.probe_port is None:
        yield
        return
    with bind(listen, listen.probe_port) as listener, probe_port.probed(listener, heart):
        host, port = listener.getsockname()[:2]
        log.info("answering probes", extra={"probes": f"http://{_in_url(host)}:{port}"})
        yield


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _settle() -> None:
    """Keep what was made at start out of the collector's rounds.

    The collector would go through it while reviews wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    allocator.give_back()


def bind(listen: Listen, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: if the address is in use, not this machine's, not allowed, or no address.
    """
    where = f"port {port} on {listen.host}"
    try:
        found = socket.getaddrinfo(listen.host, port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise InputError(f"cannot listen on {where}: {error.strerror}") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"{where} is in use", hint="set another port in listen, or 0 for any free port"
            ) from None
        raise InputError(f"cannot listen on {where}: {error.strerror}") from None


def _config(webhook: Webhook) -> uvicorn.Config:
    config = uvicorn.Config(
        webhook,
        http="auto",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    config.http_protocol_class = bounded(config.http_protocol_class)
    return config


class _Server(uvicorn.Server):
    """uvicorn, with a wait between "not ready" and "not listening".

    The exit code of a wished-for end is 0.
    """

    def __init__(
        self,
        webhook: Webhook,
        certificate: Certificate,
        settings: Settings,
        metrics: Metrics,
        heart: Heart,
    ) -> None:
        super().__init__(_config(webhook))
        self._webhook = webhook
        self._drain_seconds = settings.admission.drain_seconds
        self._context = certificate.context
        self._most, self._most_waiting = descriptors.for_connections(settings.listen.connections)
        self._metrics = metrics
        self._heart = heart
        self._loop = asyncio.get_running_loop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the doorway, in place of the listeners that uvicorn would make."""
        await self.lifespan.startup()
        (listener,) = sockets or []
        doorway = Doorway(
            listener,
            self._context,
            self._speaker,
            most=self._most,
            most_waiting=self._most_waiting,
            idle_seconds=KEEP_ALIVE_SECONDS,
            turned_away=self._metrics.turned_away,
            press=self._webhook.press,
            hurried=self._webhook.hurried,
        )
        self._metrics.connections.set_function(lambda: len(doorway))
        servers: list[Any] = [doorway]  # of a server uvicorn asks no more than a doorway has
        self._doorway, self.servers, self.started = doorway, servers, True

    def _speaker(self, visitor: Visitor) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        speaker: asyncio.Protocol = protocol(
            visitor=visitor,
            left=self._doorway.leave,
            turned_away=self._metrics.turned_away,
            at_a_glance=self._webhook.at_a_glance,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return speaker

    # uvicorn's signature.
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Take the signal: drain at the first SIGTERM, stop at SIGINT or a second one."""
        if sig == signal.SIGTERM and not self._webhook.draining:
            self._drain()
            self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_seconds, self._stop)
        else:
            self._stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and close those that are there.

        The youngest has had time to bring a review by then.
        """
        for server in self.servers:
            server.close()
        await asyncio.sleep(min(LINGER_SECONDS, self._drain_seconds))
        await super().shutdown(sockets)

    def _drain(self) -> None:
        self._webhook.draining = True
        self._heart.drain()

    def _stop(self) -> None:
        self._drain()
        self.should_exit = True


@asynccontextmanager
async def _followed(certificate: Certificate, tls: Tls, metrics: Metrics) -> AsyncIterator[None]:
    """While this lasts, changed certificate files are served.

    At once on SIGHUP, else when they are next looked at.
    """
    hangup = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    metrics.certificate(expires=certificate.expires)
    task = asyncio.create_task(_follow(certificate, tls.reload_seconds, hangup, metrics))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


async def _follow(
    certificate: Certificate, seconds: float, hangup: asyncio.Event, metrics: Metrics
) -> None:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(hangup.wait(), seconds)
        hangup.clear()
        try:
            if certificate.reload():
                metrics.reloaded(accepted=True)
                metrics.certificate(expires=certificate.expires)
                log.info("certificate reloaded", extra={"expires": certificate.expires})
        except InputError as error:
            metrics.reloaded(accepted=False)
            # Its line says it all.
            log.error("certificate not reloaded, the old one stays: %s", error)  # noqa: TRY400
