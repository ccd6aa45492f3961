"""One judgement of an object that has several pod templates: each of them has to be let pass."""

from dataclasses import replace
from typing import TYPE_CHECKING

from elfgate.policy.verdict import KINDS, Violation

if TYPE_CHECKING:
    from elfgate.gate.gate import Judgement


def together(one: "Judgement", other: "Judgement", part: str) -> "Judgement":
    """Join two judgements; the document is of the first that is refused, or knows something not.

    Args:
        one: Of the templates before.
        other: Of one more.
        part: Where that one stands in the object.
    """
    verdict, added = one.verdict, other.verdict
    told = {
        kind: [*getattr(verdict, kind), *(_of_part(item, part) for item in getattr(added, kind))]
        for kind in KINDS
    }
    allowed = verdict.allowed and added.allowed
    if not allowed:
        told["would_deny"] = []
    both = verdict.model_copy(
        update={
            **told,
            "allowed": allowed,
            "unknown": verdict.unknown or added.unknown,
            "failed": {**verdict.failed, **added.failed},
            "steer": [],
            "spared": sorted({*verdict.spared, *added.spared}),
        }
    )
    is_settled = verdict.allowed and not verdict.unknown
    return replace(
        one,
        verdict=both,
        document=other.document if is_settled else one.document,
        until=min(one.until, other.until),
        seconds={step: one.seconds[step] + other.seconds[step] for step in one.seconds},
        digests={**other.digests, **one.digests},
    )


def _of_part(violation: Violation, part: str) -> Violation:
    return violation.model_copy(update={"headline": f"{part}: {violation.headline}"})
