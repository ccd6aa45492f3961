"""One AdmissionReview in, one out: the webhook's door to the gate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from elfgate.cluster.binding import Bindings
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.pullsecrets import PullSecrets
from elfgate.cluster.review import Review, judged, parse, response
from elfgate.cluster.workload import Point, Workload
from elfgate.errors import ElfgateError
from elfgate.gate import judge
from elfgate.policy.engine import Engine
from elfgate.policy.golden import prove
from elfgate.policy.verdict import Verdict
from elfgate.policy.words import denial, warnings
from elfgate.scan.scanner import Scanner

# By resource and subresource; any other resource holds a template: a workload.
_POINTS = {
    ("pods", ""): Point.POD,
    ("pods", "ephemeralcontainers"): Point.POD,
    ("pods", "binding"): Point.BINDING,
    ("bindings", ""): Point.BINDING,
}


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a review (``server.app.Answer``)."""

    body: bytes
    allowed: bool
    point: str
    codes: tuple[str, ...]
    outcome: str


class Validator:
    """Judges reviews.

    Args:
        inventory: The nodes there are.
        nodes_known: Tells whether they are all in it.
        scanner: Predicts starts.
        engine: Evaluates policies; what it remembers is as good as what it evaluates.
        live_engine: Evaluates policies anew, for readiness.
        extra_architectures: Architectures that count although no node has them yet.
        bindings: Finds what a binding is about; None to let every binding pass.
        pull_secrets: Knows workloads' own credentials; None if one access to images is everybody's.
    """

    def __init__(
        self,
        *,
        inventory: Inventory,
        nodes_known: Callable[[], bool],
        scanner: Scanner,
        engine: Engine,
        live_engine: Engine,
        extra_architectures: Sequence[str] = (),
        bindings: Bindings | None = None,
        pull_secrets: PullSecrets | None = None,
    ) -> None:
        self._inventory = inventory
        self._nodes_known = nodes_known
        self._scanner = scanner
        self._engine = engine
        self._live_engine = live_engine
        self._extra_architectures = extra_architectures
        self._bindings = bindings
        self._pull_secrets = pull_secrets

    async def __call__(self, body: bytes, deadline: float) -> Answered:
        """Judge an AdmissionReview.

        Raises:
            InputError: if it is none, or its object has not the shape of its kind.
            EngineError: if the policies gave no verdict that can be trusted.
        """
        review = parse(body)
        point = _POINTS.get((review.resource.resource, review.subresource), Point.WORKLOAD)
        if point is Point.BINDING:
            workload = await self._bindings.bound(review, deadline / 2) if self._bindings else None
        else:
            workload = judged(review)
        if workload is None:
            return _passed(review, point)
        verdict = await self._verdict(workload, review, point)
        return _answered(review, point, verdict)

    async def not_ready(self) -> list[str]:
        """What keeps verdicts from being right, a line each: no nodes, or policies that fail the golden documents."""
        lines = [] if self._nodes_known() else ["nodes: they are not known yet"]
        try:
            await prove(self._live_engine)
        except ElfgateError as error:
            lines.append(f"policies: {error}")
        return lines

    async def _verdict(self, workload: Workload, review: Review, point: Point) -> Verdict:
        judgement = await judge(
            workload,
            point=point,
            inventory=self._inventory,
            scanner=self._scanner,
            engine=self._engine,
            extra_architectures=self._extra_architectures,
            operation=review.operation,
            dry_run=bool(review.dry_run),
            pull_secrets=self._pull_secrets,
        )
        return judgement.verdict


def _passed(review: Review, point: Point) -> Answered:
    body = orjson.dumps(response(review.uid, allowed=True))
    return Answered(body, allowed=True, point=point, codes=(), outcome="passed")


def _answered(review: Review, point: Point, verdict: Verdict) -> Answered:
    codes = tuple(dict.fromkeys(violation.code for violation in (*verdict.denials, *verdict.warnings)))
    audit = {"policy-revision": verdict.revision} | ({"codes": ",".join(codes)} if codes else {})
    answer = response(
        review.uid,
        allowed=verdict.allowed,
        message=denial(verdict),
        warnings=warnings(verdict),
        audit=audit,
    )
    outcome = "warned" if verdict.warnings else "admitted"
    return Answered(orjson.dumps(answer), verdict.allowed, point, codes, outcome if verdict.allowed else "denied")
