"""The webhook as an ASGI application.

What comes over HTTP and by when it must be answered, not how it is judged.

``POST /validate`` answers AdmissionReviews, and ``POST /mutate`` does where pods are steered;
``POST /notify`` takes registries' push notifications; ``/healthz``, ``/readyz`` and ``/metrics``
are for kubelet and Prometheus.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from elfgate.server import glance
from elfgate.server.clients import may_ask
from elfgate.server.judge import Judge
from elfgate.server.metrics import Metrics
from elfgate.server.notify import Notify
from elfgate.server.request import HungUpError, Message, Receive, RefusedError, Scope
from elfgate.server.reviews import Door, Reviews
from elfgate.server.seldom import Seldom
from elfgate.settings import Settings

log = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[None]]

_RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
METHODS = {
    "/validate": ("POST",),
    "/mutate": ("POST",),
    "/notify": ("POST",),
    "/healthz": ("GET", "HEAD"),
    "/readyz": ("GET", "HEAD"),
    "/metrics": ("GET", "HEAD"),
}


@lru_cache(64)  # but for its length, every answer to a review has the same
def _encoded(fields: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in fields]


_NOTIFIED = {401: "token", 503: "room"}
Ready = Callable[[], Awaitable[list[str]]]
"""Says what is not ready yet, a line each; nothing if all is."""


class Webhook:
    """The ASGI application.

    Args:
        judge: What judges reviews.
        steer: What answers the mutating endpoint; None if there is none.
        notify: What takes push notifications; None if nothing does.
        ready: Says what is not ready yet.
        metrics: Where reviews are counted.
        settings: Of these, ``admission`` and ``tls`` matter here.

    Attributes:
        draining: Set at shutdown: not ready, and each connection is given up with its next answer.
    """

    def __init__(
        self,
        *,
        judge: Judge[Any],
        steer: Judge[Any] | None = None,
        notify: Notify | None = None,
        ready: Ready,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self._doors = {"/validate": Door(judge, refuses=settings.admission.fail == "deny")}
        if steer is not None:
            self._doors["/mutate"] = Door(steer, refuses=False)
        left_out = {"/mutate": steer is None, "/notify": notify is None}
        self._methods = {path: METHODS[path] for path in METHODS if not left_out.get(path)}
        self._notify = notify
        self._ready = ready
        self._metrics = metrics
        self._reviews = Reviews(settings.admission, metrics)
        self._refusals = Seldom(log)
        self._tls = settings.tls
        self._in_flight = 0
        metrics.in_flight.set_function(lambda: self._in_flight)
        self.draining = False

    def at_a_glance(self, client: str | None, peer: str, data: bytes) -> bytes | None:
        """The response to a request for one review too many; None if it is to be read.

        Args:
            client: The client's common name; None if it showed no certificate.
            peer: The client's address.
            data: The bytes that the client has sent.
        """
        if self._reviews.lets_in() or self.draining or not may_ask(client, self._tls):
            return None
        path, start = glance.request(data) or ("", 0)
        door = self._doors.get(path)
        answer = self._reviews.turned_away(door, peer, data, start) if door else None
        return answer and _RESPONSE % (len(answer), answer)

    def press(self, clients: frozenset[str]) -> None:
        """Take the clients of whom more come than can be let in."""
        self._reviews.press(clients)

    def hurried(self) -> bool:
        """Whether more reviews come than can be judged."""
        return self._reviews.hurried()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._answer(scope, receive, send)
        except Exception:  # uvicorn answers with 500, and logs it
            self._metrics.unexpected("request")
            raise

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith("/notify/"):
            path = "/notify"  # a token follows
        methods = self._methods.get(path)
        if methods is None:
            await self._reply(send, 404, f"not found; try {', '.join(self._methods)}\n")
        elif scope["method"] not in methods:
            await self._reply(
                send, 405, f"{path} takes {' or '.join(methods)}\n", allow=", ".join(methods)
            )
        elif path in self._doors and not may_ask(scope.get("state", {}).get("client"), self._tls):
            self._metrics.failed("client")
            await self._reply(
                send,
                403,
                "reviews are answered to clients with a certificate only\n",
                connection="close",
            )
        elif path in self._doors:
            await self._review(self._doors[path], scope, receive, send)
        elif path == "/notify" and self._notify is not None:
            await self._notified(self._notify, scope, receive, send)
        elif path == "/healthz":
            await self._reply(send, 200, "ok\n")
        elif path == "/readyz":
            await self._readyz(send)
        else:
            text, media_type = self._metrics.exposition()
            await self._reply(send, 200, text, content_type=media_type)

    async def _review(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        self._in_flight += 1
        try:
            answer = await self._reviews.answer(door, scope, receive)
            await self._reply(send, 200, answer, content_type="application/json")
        except RefusedError as refused:
            self._metrics.failed("invalid" if refused.status < 500 else "room")
            if self._refusals.enabled(logging.WARNING):
                facts = {"status": refused.status, "why": str(refused)}
                self._refusals.line(logging.WARNING, "request refused", facts)
            # What is left of the request is not read, so its connection cannot serve another.
            await self._reply(send, refused.status, f"{refused}\n", connection="close")
        except HungUpError:
            log.debug("client hung up within its request")
        finally:
            self._in_flight -= 1

    async def _notified(self, notify: Notify, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            told = await notify.answer(scope, receive, asyncio.get_running_loop().time())
            self._metrics.notified("taken")
            await self._reply(send, 202, told)
        except RefusedError as refused:
            self._metrics.notified(_NOTIFIED.get(refused.status, "invalid"))
            await self._reply(send, refused.status, f"{refused}\n", connection="close")
        except HungUpError:
            log.debug("client hung up within its notification")

    async def missing(self) -> list[str]:
        """The parts that are not ready now, a line each."""
        missing = ["it is shutting down"] if self.draining else await self._ready()
        self._metrics.ready(ready=not missing)
        return missing

    async def _readyz(self, send: Send) -> None:
        missing = await self.missing()
        lines = "".join(f"not ready: {line}\n" for line in missing)
        await self._reply(send, 503 if missing else 200, lines or "ready\n")

    async def _reply(self, send: Send, status: int, content: bytes | str, **headers: str) -> None:
        """Send a whole answer. Underscores in the names of headers stand for hyphens."""
        body = content.encode() if isinstance(content, str) else content
        if self.draining:
            headers["connection"] = (
                "close"  # the client's next request then goes to a server that stays
            )
        fields = tuple(({"content_type": "text/plain; charset=utf-8"} | headers).items())
        encoded = [*_encoded(fields), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": body})
