"""The mutating door: keeps pods off the architectures on which they cannot start, if others are left.

Whether a pod is steered, and where to, is the verdict's (``steer``), on the same judgement that the validating door
gives: what the policies let pass is not steered either. A pod that was steered lands on nothing that fails, and so is
left alone when it is asked about again.
"""

import orjson

from elfgate.cluster.review import Review, decisive, parse, response
from elfgate.cluster.steering import steer
from elfgate.cluster.workload import Point
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.server.known import SECONDS, Answered, Key
from elfgate.server.validate import Validator, holds_until

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

    async def __call__(self, body: bytes, deadline: float) -> Answered:
        """Answer an AdmissionReview within ``deadline`` seconds: pods being created are steered, anything else passes.

        Raises:
            InputError: if it is none, or its object has not the shape of a Pod.
            EngineError: if the policies gave no verdict that can be trusted.
        """
        asked = parse(body)
        created = (
            asked.resource.group,
            asked.resource.resource,
            asked.subresource,
            asked.operation,
        )
        steered = created == ("", "pods", "", "CREATE") and not self._validator.exempt(asked)
        architectures = await self._left(asked, deadline) if steered else ()
        patch = steer(asked.obj, architectures) if architectures else []
        audit = {"steered-to": ",".join(architectures)} if patch else None
        answer = orjson.dumps(response(asked.uid, allowed=True, audit=audit, patch=patch))
        return Answered(
            answer, allowed=True, point="steer", codes=(), outcome="steered" if patch else "passed"
        )

    async def _left(self, asked: Review, deadline: float) -> tuple[str, ...]:
        """The architectures that are left to a pod; none if it need or can not be steered."""
        review = decisive(asked)
        key = self._validator.key(review)
        known = self._known.get(key)
        if known is not None:
            return known
        judgement = await self._validator.judgement(review, deadline, Point.POD)
        if judgement is None:
            return ()
        architectures = tuple(judgement.verdict.steer)
        self._known.put(key, architectures, until=holds_until(judgement, key))
        return architectures
