"""The mutating door.

Keeps pods off the architectures on which they cannot start, if others are left.

Whether a pod is steered, and where to, is the verdict's (``steer``), on the same judgement that the
validating door gives: what the policies let pass is not steered either. A pod that was steered
lands on nothing that fails, and so is left alone when it is asked about again.
"""

import orjson

from elfgate.cluster.review import Review, response
from elfgate.cluster.steering import steer
from elfgate.cluster.workload import Point
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.server.answers import SECONDS, Key, ReviewAnswer
from elfgate.server.validate import Question, Validator, holds_until

STEERED = declare(
    "steered",
    "architectures left to pods, by all that decides them",
    max_bytes=2 << 20,
    seconds=SECONDS,
)


class Steerer:
    """Answers reviews with patches. It never refuses: that is the validating door's.

    Args:
        validator: Judges.
    """

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._known: Recent[Key, tuple[str, ...]] = Recent(
            STEERED, lambda _key, names: 500 + 8 * len(names)
        )

    def read(self, body: bytes) -> Question:
        """Read an AdmissionReview.

        Raises:
            InputError: if it is none.
        """
        return self._validator.read(body)

    def at_hand(self, question: Question) -> ReviewAnswer | None:
        """The answer, if it needs no judging.

        Anything but a pod being created passes, and so does what is exempt.
        """
        if not self._steers(question.review):
            return _answer(question.review, ())
        known = self._known.get(question.key)
        return None if known is None else _answer(question.review, known)

    async def judge(self, question: Question, deadline: float) -> ReviewAnswer:
        """Steer a pod within ``deadline`` seconds.

        Raises:
            InputError: if the object has not the shape of a Pod.
            EngineError: if the policies gave no verdict that can be trusted.
        """
        return _answer(question.review, await self._left(question, deadline))

    def _steers(self, asked: Review) -> bool:
        created = (
            asked.resource.group,
            asked.resource.resource,
            asked.subresource,
            asked.operation,
        )
        return created == ("", "pods", "", "CREATE") and not self._validator.exempt(asked)

    async def _left(self, question: Question, deadline: float) -> tuple[str, ...]:
        """The architectures that are left to a pod; none if it need or can not be steered."""
        question, judgement = await self._validator.judged(question, deadline, Point.POD)
        if judgement is None:
            return ()
        key, architectures = question.key, tuple(judgement.verdict.steer)
        self._known.put(key, architectures, until=holds_until(judgement, key))
        return architectures


def _answer(asked: Review, architectures: tuple[str, ...]) -> ReviewAnswer:
    patch = steer(asked.obj, architectures) if architectures else []
    audit = {"steered-to": ",".join(architectures)} if patch else None
    answer = orjson.dumps(response(asked.uid, allowed=True, audit=audit, patch=patch))
    return ReviewAnswer(
        answer, allowed=True, point="steer", codes=(), outcome="steered" if patch else "passed"
    )
