"""A review's way through the door: read, answered at once if it can be, else judged in its turn.

The deadline counts from the review's arrival, whatever it then had to wait for. A review whose
answer is at hand is answered first, as it takes next to nothing; one that cannot be judged in time
is answered as ``admission.fail`` says, at once.
"""

import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from elfgate.cluster.exempt import Exemption
from elfgate.errors import REPORT, ElfgateError, InputError
from elfgate.policy.engine import EngineError
from elfgate.server import glance
from elfgate.server.fallback import fallback, review_request
from elfgate.server.intake import Intake
from elfgate.server.judge import Answer, Judge
from elfgate.server.line import Line, Place
from elfgate.server.metrics import Metrics
from elfgate.server.request import (
    Hold,
    Receive,
    RefusedError,
    Scope,
    read_body,
    seconds_to_answer,
)
from elfgate.server.seldom import Seldom
from elfgate.server.shares import Shares
from elfgate.server.turns import NoTimeError, Turns
from elfgate.server.within import within
from elfgate.settings.admission import Admission

log = logging.getLogger(__name__)

BODIES_BYTES = 32 << 20  # of reviews that are being read or answered
IN_LINE = 1  # times as many as may be judged at a time may wait for that
LINE_BYTES = 8 << 20  # of those, what may wait to be judged; the rest is for what is known
LARGE_BYTES = 128 << 10  # a larger one takes longer to read than most take to judge
BODY_SECONDS = 3.0  # for a review to arrive, whatever its own deadline
TOO_MANY = "too many reviews at a time"
DENIALS_A_SECOND = 200  # that are logged, and as many that are held back


class TooManyError(Exception):
    """A review too many.

    Args:
        uid: The review's uid; empty if the review was not read.
    """

    def __init__(self, uid: str) -> None:
        super().__init__(uid)
        self.uid = uid


@dataclass(frozen=True, slots=True)
class Door:
    """An endpoint that reviews come to, and whether one that cannot be judged is refused there."""

    judge: Judge[Any]
    refuses: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """A review that has come.

    Attributes:
        door: The endpoint that the review came to.
        peer: The client's address.
        arrived: When, in monotonic seconds.
        until: When its client gives up.
        margin: Seconds before that, in which the answer is on its way.
    """

    door: Door
    peer: str
    arrived: float
    until: float
    margin: float

    @property
    def latest(self) -> float:
        """When judging must have ended."""
        return self.until - self.margin


class Reviews:
    """Answers reviews.

    Args:
        admission: The settings of admission.
        metrics: The metrics that count reviews.
    """

    def __init__(self, admission: Admission, metrics: Metrics) -> None:
        self._admission = admission
        self._metrics = metrics
        self._exemption = Exemption(admission.exempt_namespaces)
        self._bodies = Shares(max(BODIES_BYTES, 8 * admission.body_bytes))
        self._intake = Intake()
        line = Line(IN_LINE * admission.in_flight, LINE_BYTES)
        self._turns = Turns(line, admission.in_flight)
        self._failures = Seldom(log)
        self._denials = Seldom(log, DENIALS_A_SECOND)
        self._held = Seldom(log, DENIALS_A_SECOND)
        self._errors = Seldom(log)
        metrics.line(line, self._bodies)

    async def answer(self, door: Door, scope: Scope, receive: Receive) -> bytes:
        """Answer the review that a request brings.

        Raises:
            RefusedError: if it brings none, or too much.
            HungUpError: if the client hangs up.
        """
        asking = self._asking(door, scope)
        with Hold(self._bodies, self._intake, asking.peer) as hold:
            until = min(asking.until, time.monotonic() + BODY_SECONDS)
            limit = self._admission.body_bytes
            body = await read_body(scope, receive, until=until, limit=limit, hold=hold)
            return await self._answer(asking, body)

    def press(self, clients: frozenset[str]) -> None:
        """Take the clients of whom more come than can be let in."""
        self._turns.line.pressing = clients

    def hurried(self) -> bool:
        """Whether more reviews come than can be judged."""
        return self._turns.line.stands(time.monotonic())

    def lets_in(self) -> bool:
        """Whether to read a request whatever it is, as there is room for one more review."""
        return self._turns.line.lets_in(time.monotonic())

    def turned_away(self, door: Door, peer: str, data: bytes, start: int) -> bytes | None:
        """The answer to a review that would be read in vain; None if it is to be read.

        Where a review too many is refused, each is read, as what is exempt passes.

        Args:
            door: The endpoint that the review came to.
            peer: The client's address.
            data: The review, after other bytes.
            start: How many those are.
        """
        seen = None if door.refuses else glance.review(data, start)
        if seen is None or self._exemption.covers(seen.namespace, None):
            return None
        if not self._turns.line.turns_away(peer, seen.namespace, time.monotonic()):
            return None
        return self._shed(door, seen.uid)

    def _asking(self, door: Door, scope: Scope) -> Asking:
        state = scope.get("state", {})
        arrived = state.get("arrived") or time.monotonic()
        seconds = seconds_to_answer(scope["query_string"], self._admission)
        margin = min(self._admission.margin_seconds, seconds / 2)
        return Asking(door, state.get("peer", ""), arrived, arrived + seconds, margin)

    async def _answer(self, asking: Asking, body: bytes) -> bytes:
        """The judge's answer, or the configured one if there is none in time."""
        try:
            answer = await self._verdict(asking, body)
        except TooManyError as surplus:
            return self._too_many(asking, surplus.uid, body)
        except TimeoutError:
            return self._fail(asking, body, "timeout", "it was not done in time")
        except EngineError as error:
            return self._fail(asking, body, "policies", str(error))
        except ElfgateError as error:
            return self._fail(asking, body, "error", str(error))
        except Exception as error:  # noqa: BLE001  # the boundary: the API server gets its answer
            self._unexpected(body, error)
            why = "an internal error, which its log tells of"
            return self._fail(asking, body, "error", why)
        self._note(answer, body, time.monotonic() - asking.arrived)
        return answer.body

    async def _verdict(self, asking: Asking, body: bytes) -> Answer:
        """The answer at hand, else the judged one; a large review is not even read out of turn."""
        if len(body) > LARGE_BYTES:
            return await self._in_time(asking, None, body)
        question = asking.door.judge.read(body)
        answer = asking.door.judge.at_hand(question)
        lane = self._turns.line.lane(asking.peer, question.namespace)
        if lane is not None:
            lane.note(known=answer is not None)
        return answer or await self._in_time(asking, question, body)

    async def _in_time(self, asking: Asking, question: Any, body: bytes) -> Answer:
        uid = question.uid if question is not None else ""
        namespace = question.namespace if question is not None else ""
        if self._turns.full(asking.peer, namespace):
            raise TooManyError(uid)
        try:
            return await self._judged(asking, question, body)
        except NoTimeError:
            raise TooManyError(uid) from None

    async def _judged(self, asking: Asking, question: Any, body: bytes) -> Answer:
        """Judge in turn.

        The judge is told to be done the margin before the deadline, and cut off half of it later.
        """
        namespace = question.namespace if question is not None else ""
        place = Place(asking.peer, namespace, len(body), asking.latest)
        judge = asking.door.judge
        if self._turns.free and question is not None:
            work = judge.judge(question, asking.latest - time.monotonic())
        else:  # what waits is kept as it came, which is a fifth of what is made of it
            work = _judge_later(judge, body, asking.latest)
        return await within(asking.until - asking.margin / 2, self._turns.judge(place, work))

    def _unexpected(self, body: bytes, error: Exception) -> None:
        """Count and log an error that is elfgate's own."""
        self._metrics.unexpected("review")
        if self._errors.enabled(logging.ERROR):
            facts = {"uid": _uid(body), "report": REPORT}
            self._errors.line(logging.ERROR, "unexpected error", facts, error)

    def _note(self, answer: Answer, body: bytes, seconds: float) -> None:
        """Count an answer, and log it: a denial always, others at level ``debug``."""
        self._metrics.judged(
            point=answer.point,
            allowed=answer.allowed,
            outcome=answer.outcome,
            codes=answer.codes,
            dryrun=answer.dryrun,
            seconds=seconds,
        )
        if answer.allowed and answer.refusals:
            self._note_held(answer, body)
        self._metrics.steps(answer.seconds)
        level = logging.DEBUG if answer.allowed else logging.INFO
        if self._denials.enabled(level):
            self._denials.line(level, "review answered", _facts(answer, body, seconds))

    def _note_held(self, answer: Answer, body: bytes) -> None:
        """Count a denial that is held back, and log what it is about."""
        about = _about(body)
        self._metrics.would_deny(
            point=answer.point,
            namespace=about["namespace"],
            codes=dict.fromkeys(held.code for held in answer.refusals),
        )
        if self._held.enabled(logging.INFO):
            facts = {"uid": _uid(body), "object": about, "would_deny": answer.refusals}
            facts |= {"point": answer.point}
            self._held.line(logging.INFO, "review would be denied", facts)

    def _fail(self, asking: Asking, body: bytes, cause: str, why: str) -> bytes:
        """The answer that ``admission.fail`` asks for; what is exempt is admitted.

        Raises:
            RefusedError: 400 if the body is no review at all.
        """
        try:
            request = review_request(body)
        except InputError as error:
            raise RefusedError(400, str(error)) from None
        uid = str(request["uid"])
        allow = not asking.door.refuses or self._exemption.covers(
            request.get("namespace"), request.get("object")
        )
        self._count_failure(uid, cause, why, allow=allow)
        return fallback(uid, why=why, allow=allow)

    def _too_many(self, asking: Asking, uid: str, body: bytes) -> bytes:
        """The answer to one review too many; its uid is empty if it was not read."""
        if uid:
            return self._shed(asking.door, uid)
        return self._fail(asking, body, "overload", TOO_MANY)

    def _shed(self, door: Door, uid: str) -> bytes:
        """The answer to one review too many, in next to no time; what is exempt was at hand."""
        allow = not door.refuses
        before, after = _shed_answer(allow=allow)
        self._count_failure(uid, "overload", TOO_MANY, allow=allow)
        return before + orjson.dumps(uid) + after

    def _count_failure(self, uid: str, cause: str, why: str, *, allow: bool) -> None:
        self._metrics.failed(cause)
        if self._failures.enabled(logging.WARNING):
            facts = {"uid": uid, "allowed": allow, "cause": cause, "why": why}
            self._failures.line(logging.WARNING, "review not judged", facts)


@lru_cache(2)
def _shed_answer(*, allow: bool) -> tuple[bytes, bytes]:
    """Such an answer up to the uid, and after it."""
    mark = b"0123456789"
    before, _, after = fallback(mark.decode(), why=TOO_MANY, allow=allow).partition(b'"%b"' % mark)
    return before, after


async def _judge_later(judge: Judge[Any], body: bytes, latest: float) -> Answer:
    """Judge a review that had to wait: an equal one may have been judged meanwhile."""
    question = judge.read(body)
    answer = judge.at_hand(question)
    return answer or await judge.judge(question, max(0.0, latest - time.monotonic()))


def _facts(answer: Answer, body: bytes, seconds: float) -> dict[str, Any]:
    facts = {"uid": _uid(body), "allowed": answer.allowed, "point": answer.point}
    facts |= {"outcome": answer.outcome, "codes": answer.codes}
    facts |= {"milliseconds": _milliseconds(seconds)}
    facts |= {"dryrun": answer.dryrun} if answer.dryrun else {}
    if not answer.allowed:
        facts |= {"object": _about(body), "denied": answer.refusals}
    steps = {step: _milliseconds(took) for step, took in answer.seconds.items()}
    return facts | {"steps": steps}


def _about(body: bytes) -> dict[str, str]:
    """The object that a review is about, for logs and metrics."""
    request = review_request(body)
    obj = request.get("object")
    metadata = obj.get("metadata") if isinstance(obj, dict) else None
    given = metadata if isinstance(metadata, dict) else {}
    kind = obj.get("kind") if isinstance(obj, dict) else ""
    return {
        "namespace": str(request.get("namespace") or ""),
        "kind": str(kind or ""),
        "name": str(request.get("name") or given.get("name") or given.get("generateName") or ""),
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _uid(body: bytes) -> str:
    """The review's uid, for logs; empty if it is none."""
    try:
        return str(review_request(body)["uid"])
    except InputError:
        return ""
