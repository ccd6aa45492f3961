"""One AdmissionReview in, one out: the webhook's door to the gate."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from time import perf_counter
from types import MappingProxyType

import orjson

from elfgate.cluster.binding import Bindings
from elfgate.cluster.decisive import Decisive, decisive, decisive_parts, digest
from elfgate.cluster.events import Events
from elfgate.cluster.exempt import Exemption
from elfgate.cluster.review import Review, judged, parse, response
from elfgate.cluster.template import TEMPLATES, Template
from elfgate.cluster.workload import Point
from elfgate.errors import ElfgateError
from elfgate.gate.gate import Case, Gate, Judgement
from elfgate.memory.recent import Recent
from elfgate.policy.document import FURTHER
from elfgate.policy.engine import Engine
from elfgate.policy.golden import prove
from elfgate.policy.messages import denial, held_back, line, shortened, warnings
from elfgate.policy.sight import EVERYTHING, Sight
from elfgate.policy.verdict import Verdict, Violation
from elfgate.server.answers import ANSWERS, CachedAnswer, Key, Refusal, ReviewAnswer, weigh
from elfgate.server.followup import FollowUp
from elfgate.server.load import Load
from elfgate.server.prejudge import Prejudge
from elfgate.server.unlisted import Unlisted
from elfgate.traces import step

# By resource and subresource; any other resource holds a template: a workload.
_POINTS = {
    ("pods", ""): Point.POD,
    ("pods", "ephemeralcontainers"): Point.POD,
    ("pods", "binding"): Point.BINDING,
    ("bindings", ""): Point.BINDING,
}

ANNOTATION = 2048  # characters of what is held back, in an audit event


@dataclass(frozen=True, slots=True)
class Question:
    """A review that has been read, and all that decides its answer.

    Attributes:
        review: The review as it came.
        point: The point of admission.
        parts: The parts of the review that can decide.
        key: The key of the answer in memory.
        seconds: The time that reading it took, in seconds.
    """

    review: Review
    point: Point
    parts: Decisive
    key: Key
    seconds: float

    @property
    def uid(self) -> str:
        """The review's uid, which the answer echoes."""
        return self.review.uid

    @property
    def namespace(self) -> str:
        """The review's namespace: the namespaces share what can be judged."""
        return self.review.namespace


class Validator:
    """Judges reviews.

    Args:
        gate: Judges workloads.
        nodes_known: Tells whether all nodes are known.
        live_engine: Evaluates policies anew, for readiness.
        in_flight: How many reviews at a time are too many: less is done for each already before
            that (``Load``).
        bindings: Finds what a binding is about; None to let every binding pass.
        templates: The kinds that hold a pod template.
        events: Where to tell what is found out late; None to tell nobody.
        exemption: What passes unjudged; None for what always does.
        sights: What the policies of a revision look at; those of one that is not there look at
            everything.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        nodes_known: Callable[[], bool],
        live_engine: Engine,
        in_flight: int = 256,
        bindings: Bindings | None = None,
        templates: Sequence[Template] = TEMPLATES,
        events: Events | None = None,
        exemption: Exemption | None = None,
        sights: Mapping[str, Sight] = MappingProxyType({}),
    ) -> None:
        self._gate = gate
        self._nodes_known = nodes_known
        self._live_engine = live_engine
        self._known: Recent[Key, CachedAnswer] = Recent(ANSWERS, weigh)
        self._load = Load(in_flight, gate.scanner.shed)
        self._bindings = bindings
        self._templates = templates
        self._unlisted = Unlisted(templates)
        self._exemption = exemption or Exemption()
        self._sights = sights
        self._prejudge = Prejudge(self.judgement)
        self._followup = FollowUp(self.judgement, events) if events else None

    def read(self, body: bytes) -> Question:
        """Read an AdmissionReview. It never waits, and looks nothing up.

        Raises:
            InputError: if it is none.
        """
        begun = perf_counter()
        review = parse(body)
        point = _POINTS.get((review.resource.resource, review.subresource), Point.WORKLOAD)
        parts = decisive_parts(review, self._looks())
        key = self.key(review, parts)
        return Question(review, point, parts, key, perf_counter() - begun)

    def at_hand(self, question: Question) -> ReviewAnswer | None:
        """The answer, if it needs no judging: an exemption's, or a remembered one.

        It never waits.
        """
        if self.exempt(question.review):
            return _passed(question.review, question.point)
        told = self._known.get(question.key)
        return told.to(question.uid) if told is not None else None

    async def judge(self, question: Question, deadline: float) -> ReviewAnswer:
        """Judge within ``deadline`` seconds; what cannot be known by then is unknown.

        Raises:
            InputError: if the object has not the shape of its kind.
            EngineError: if the policies gave no verdict that can be trusted.
        """
        asked, point = question.review, question.point
        with step("review", namespace=asked.namespace, point=point):
            question, judgement = await self.judged(question, deadline, point)
        key, review = question.key, decisive(asked, question.parts)
        if judgement is None:
            if point is Point.WORKLOAD:
                self._unlisted.notice(review)
            return _passed(asked, point)
        told = _told(judgement, point)
        if point is not Point.BINDING:  # the pod that one is about is not in it
            if self._followup:
                self._followup.notice(asked, review, point, judgement)
            self._known.put(key, told, until=holds_until(judgement, key))
        if point is Point.WORKLOAD:
            self._prejudge.notice(review, judgement)
        return told.to(asked.uid, {"parse": question.seconds, **judgement.seconds})

    @asynccontextmanager
    async def following_up(self) -> AsyncIterator[None]:
        """Look ahead, and tell what is found out late, while the context lasts."""
        async with (
            self._prejudge.looking(),
            self._followup.following() if self._followup else nullcontext(),
        ):
            yield

    async def not_ready(self) -> list[str]:
        """The reasons why verdicts may be wrong, a line each.

        They are: no nodes, or policies that fail the golden documents.
        """
        lines = [] if self._nodes_known() else ["nodes: they are not known yet"]
        try:
            await prove(self._live_engine)
        except ElfgateError as error:
            lines.append(f"policies: {error}")
        return lines

    def exempt(self, asked: Review) -> bool:
        """Whether a review, as it came, is about what is never refused."""
        return self._exemption.covers(asked.namespace, asked.obj)

    def key(self, review: Review, parts: Decisive | None = None) -> Key:
        """All that decides how a decisive review is judged, or any by its decisive parts."""
        revision, today = self._gate.engine.revision, int(time.time()) // 86400
        named = "pod_names" in self._sights.get(revision, EVERYTHING)
        return digest(review, parts, named=named), self._gate.generation, revision, today

    async def judged(
        self, question: Question, deadline: float, point: Point
    ) -> tuple[Question, Judgement | None]:
        """Judge a question.

        And read it again if policies came into force meanwhile that look at more of it.

        Returns:
            The question as it was judged last, and the judgement; None if there is nothing to
            judge.

        Raises:
            InputError: if the object has not the shape of its kind.
            EngineError: if the policies gave no verdict that can be trusted.
        """
        while True:
            review = decisive(question.review, question.parts)
            judgement = await self.judgement(review, deadline, point)
            if judgement is None or judgement.verdict.revision == question.key[2]:
                return question, judgement
            parts = decisive_parts(question.review, self._looks())
            if parts == question.parts:
                return question, judgement
            question = replace(question, parts=parts, key=self.key(question.review, parts))

    def _looks(self) -> frozenset[str]:
        """The parts of a review that the policies in force look at beside starts."""
        return self._gate.looks() & FURTHER

    async def judgement(self, review: Review, deadline: float, point: Point) -> Judgement | None:
        """Judge a decisive review within ``deadline`` seconds; None if there is nothing to judge.

        Raises:
            InputError: if the object has not the shape of its kind.
            EngineError: if the policies gave no verdict that can be trusted.
        """
        began = time.monotonic()
        if point is Point.BINDING:
            workload = await self._bindings.bound(review, deadline / 2) if self._bindings else None
        else:
            workload = judged(review, self._templates, self._looks())
        if workload is None:
            return None
        left = deadline - (time.monotonic() - began)
        case = Case(workload, point, review.operation, dry_run=bool(review.dry_run))
        with self._load.one_more():
            return await self._gate.judge(case, self._load.patience(left))


def holds_until(judgement: Judgement, key: Key) -> float:
    """How long a judgement may be remembered under a key, in monotonic seconds.

    Of policies that were exchanged meanwhile, or not all of which were heard, the verdict is right
    but not to be kept.
    """
    verdict = judgement.verdict
    return judgement.until if verdict.revision == key[2] and not verdict.failed else 0.0


def _passed(asked: Review, point: Point) -> ReviewAnswer:
    body = orjson.dumps(response(asked.uid, allowed=True))
    return ReviewAnswer(body, allowed=True, point=point, codes=(), outcome="passed")


def _told(judgement: Judgement, point: Point) -> CachedAnswer:
    verdict = judgement.verdict
    codes = _codes((*verdict.denials, *verdict.warnings))
    dryrun = _codes(verdict.dryrun)
    audit = {"policy-revision": verdict.revision} | ({"codes": ",".join(codes)} if codes else {})
    audit |= {"dryrun": ",".join(dryrun)} if dryrun else {}
    audit |= {"would-deny": _annotation(verdict)} if verdict.would_deny else {}
    allowed = verdict.allowed
    answer = response(
        "", allowed=allowed, message=denial(verdict), warnings=warnings(verdict), audit=audit
    )
    outcome = "warned" if verdict.warnings else "admitted"
    return CachedAnswer.of(
        answer,
        point=point,
        codes=codes,
        dryrun=dryrun,
        outcome=outcome if allowed else "denied",
        refusals=_refusals(judgement),
    )


def _codes(violations: Iterable[Violation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(violation.code for violation in violations))


def _annotation(verdict: Verdict) -> str:
    """The denials that are held back, a line each, as far as an audit event should have them."""
    return shortened("\n".join(held_back(verdict)), ANNOTATION)


def _refusals(judgement: Judgement) -> tuple[Refusal, ...]:
    images = {entry.name: entry.image for entry in judgement.document.containers}
    return tuple(
        Refusal(
            code=violation.code,
            container=violation.container,
            image=images.get(violation.container, ""),
            platforms=tuple(violation.platforms),
            words=line(violation),
        )
        for violation in (*judgement.verdict.denials, *judgement.verdict.would_deny)
    )
