"""The webhook as an ASGI application: what comes over HTTP and by when it must be answered, not how it is judged.

``POST /validate`` answers AdmissionReviews, and ``POST /mutate`` does where pods are steered; ``/healthz``, ``/readyz``
and ``/metrics`` are for kubelet and Prometheus.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from elfgate.cluster.exempt import Exemption
from elfgate.errors import ElfgateError, InputError
from elfgate.policy.engine import EngineError
from elfgate.server.clients import may_ask
from elfgate.server.fallback import fallback, review_request, review_uid
from elfgate.server.metrics import Metrics
from elfgate.server.request import (
    HungUpError,
    Message,
    Receive,
    RefusedError,
    Scope,
    read_body,
    seconds_to_answer,
)
from elfgate.server.within import within
from elfgate.settings import Settings

log = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[None]]

METHODS = {
    "/validate": ("POST",),
    "/mutate": ("POST",),
    "/healthz": ("GET", "HEAD"),
    "/readyz": ("GET", "HEAD"),
    "/metrics": ("GET", "HEAD"),
}


class Answer(Protocol):
    """What a judge says of a review."""

    @property
    def body(self) -> bytes:
        """The AdmissionReview to answer with, as JSON."""

    @property
    def allowed(self) -> bool:
        """Whether it admits."""

    @property
    def point(self) -> str:
        """Where it was asked for (``workload``, ``pod``, ``binding``), for metrics and logs."""

    @property
    def codes(self) -> tuple[str, ...]:
        """The rules that it names, for metrics and logs."""

    @property
    def dryrun(self) -> tuple[str, ...]:
        """The rules in mode ``dryrun`` that would have been named, for metrics and logs."""

    @property
    def outcome(self) -> str:
        """What it came to, in a word, for metrics and logs."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """What the steps of judging took, for metrics and logs; none if it was remembered."""


class Question(Protocol):
    """A review that has been read."""

    @property
    def uid(self) -> str:
        """The review's, which the answer echoes."""

    @property
    def namespace(self) -> str:
        """Whose review it is: the namespaces share what can be judged."""


Q = TypeVar("Q", bound=Question)


class Judge(Protocol[Q]):
    """Turns a review into an answer, in three steps of which only the last one may wait.

    Whatever they raise is answered as ``admission.fail`` says.
    """

    def read(self, body: bytes, /) -> Q:
        """Read ``body``, an AdmissionReview as JSON."""

    def at_hand(self, question: Q, /) -> Answer | None:
        """The answer, if it needs no judging."""

    async def judge(self, question: Q, deadline: float, /) -> Answer:
        """Judge within ``deadline`` seconds from now."""


@lru_cache(64)  # but for its length, every answer to a review has the same
def _encoded(fields: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in fields]


Ready = Callable[[], Awaitable[list[str]]]
"""Says what is not ready yet, a line each; nothing if all is."""


@dataclass(frozen=True, slots=True)
class _Door:
    """An endpoint that reviews come to, and whether one that cannot be judged is refused there."""

    judge: Judge[Any]
    refuses: bool


class Webhook:
    """The ASGI application.

    Args:
        judge: What judges reviews.
        steer: What answers the mutating endpoint; None if there is none.
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
        ready: Ready,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self._doors = {"/validate": _Door(judge, refuses=settings.admission.fail == "deny")}
        if steer is not None:
            self._doors["/mutate"] = _Door(steer, refuses=False)
        self._methods = {
            path: METHODS[path] for path in METHODS if path != "/mutate" or steer is not None
        }
        self._ready = ready
        self._metrics = metrics
        self._admission = settings.admission
        self._exemption = Exemption(settings.admission.exempt_namespaces)
        self._tls = settings.tls
        self._in_flight = 0
        metrics.in_flight.set_function(lambda: self._in_flight)
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        methods = self._methods.get(path)
        if methods is None:
            await self._reply(send, 404, f"no such path; there are {', '.join(self._methods)}\n")
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
        elif path == "/healthz":
            await self._reply(send, 200, "ok\n")
        elif path == "/readyz":
            await self._readyz(send)
        else:
            text, media_type = self._metrics.exposition()
            await self._reply(send, 200, text, content_type=media_type)

    async def _review(self, door: _Door, scope: Scope, receive: Receive, send: Send) -> None:
        started = asyncio.get_running_loop().time()
        until = started + seconds_to_answer(scope["query_string"], self._admission)
        self._in_flight += 1
        try:
            body = await read_body(scope, receive, until=until, limit=self._admission.body_bytes)
            answer = await self._answer(door, body, started, until)
            await self._reply(send, 200, answer, content_type="application/json")
        except RefusedError as refused:
            self._metrics.failed("invalid")
            log.warning("request refused", extra={"status": refused.status, "why": str(refused)})
            # What is left of the request is not read, so its connection cannot serve another.
            await self._reply(send, refused.status, f"{refused}\n", connection="close")
        except HungUpError:
            log.debug("client hung up within its request")
        finally:
            self._in_flight -= 1

    async def _answer(self, door: _Door, body: bytes, started: float, until: float) -> bytes:
        """The judge's answer, or the configured one if there is none in time.

        The judge is told to be done the margin before the deadline. If it is not, it is cut off half a margin later,
        which leaves the other half for the way back.
        """
        if self._in_flight > self._admission.in_flight:
            return self._fail(door, body, cause="overload", why="too many reviews at a time")
        margin = min(self._admission.margin_seconds, (until - started) / 2)
        loop = asyncio.get_running_loop()
        try:
            question = door.judge.read(body)
            answer = door.judge.at_hand(question)
            if answer is None:
                judging = door.judge.judge(question, max(0.0, until - margin - loop.time()))
                answer = await within(until - margin / 2, judging)
        except TimeoutError:
            return self._fail(door, body, cause="timeout", why="it was not done in time")
        except EngineError as error:
            return self._fail(door, body, cause="policies", why=str(error))
        except ElfgateError as error:
            return self._fail(door, body, cause="error", why=str(error))
        except Exception as error:  # the boundary: whatever broke, the API server gets its answer
            log.exception("judge failed", extra={"error": type(error).__name__})
            return self._fail(
                door, body, cause="error", why="an internal error, which its log tells of"
            )
        self._note(answer, body, loop.time() - started)
        return answer.body

    def _note(self, answer: Answer, body: bytes, seconds: float) -> None:
        """Count an answer and log it with its review's uid: a denial always, others for who asks for ``debug``."""
        self._metrics.judged(
            point=answer.point,
            allowed=answer.allowed,
            outcome=answer.outcome,
            codes=answer.codes,
            dryrun=answer.dryrun,
            seconds=seconds,
        )
        self._metrics.steps(answer.seconds)
        level = logging.DEBUG if answer.allowed else logging.INFO
        if log.isEnabledFor(level):
            facts = {"uid": review_uid(body), "allowed": answer.allowed, "point": answer.point}
            facts |= {
                "outcome": answer.outcome,
                "codes": answer.codes,
                "milliseconds": round(seconds * 1000, 3),
            }
            facts |= {"dryrun": answer.dryrun} if answer.dryrun else {}
            facts |= {
                "steps": {step: round(took * 1000, 3) for step, took in answer.seconds.items()}
            }
            log.log(level, "review answered", extra=facts)

    def _fail(self, door: _Door, body: bytes, *, cause: str, why: str) -> bytes:
        """The answer that ``admission.fail`` asks for, if the body is a review at all; what is exempt is admitted."""
        try:
            request = review_request(body)
        except InputError as error:
            raise RefusedError(400, str(error)) from None
        uid = str(request["uid"])
        allow = not door.refuses or self._exemption.covers(
            request.get("namespace"), request.get("object")
        )
        self._metrics.failed(cause)
        log.warning(
            "review not judged", extra={"uid": uid, "allowed": allow, "cause": cause, "why": why}
        )
        return fallback(uid, why=why, allow=allow)

    async def _readyz(self, send: Send) -> None:
        missing = ["it is shutting down"] if self.draining else await self._ready()
        self._metrics.ready(ready=not missing)
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
