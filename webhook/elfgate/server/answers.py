"""Answers given lately.

Most reviews ask what was asked before, and judging it again would come to the same.

A key holds all that decides (``cluster.decisive``, which is also all that is judged), the nodes'
generation, the policies' revision and the date. An answer is forgotten when a tag that it rests on
may have moved; one that rests on what could not be read is never kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

import orjson

from elfgate.memory.declared import declare

Key = tuple[bytes, int, str, int]
"""A review's digest, the generation of nodes and exemptions, the policies' revision, the day."""

SECONDS = 30.0  # the longest: whatever else a verdict may rest on is noticed after it

_NO_TIME: Mapping[str, float] = MappingProxyType({})
_NO_UID = b'"uid":""'


@dataclass(frozen=True, slots=True)
class Refusal:
    """A denial, given or held back, as the log has it.

    Attributes:
        code: The rule.
        container: The container's name.
        image: The container's image.
        platforms: The platforms that it is about.
        words: Why, on one line.
    """

    code: str
    container: str
    image: str
    platforms: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class ReviewAnswer:
    """An answer to a review (``server.app.Answer``)."""

    body: bytes
    allowed: bool
    point: str
    codes: tuple[str, ...]
    outcome: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    dryrun: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer to whatever review asks the same: all but the uid.

    Attributes:
        before: Its JSON up to the uid.
        after: Its JSON after that.
        allowed: As in ``ReviewAnswer``, like the others.
    """

    before: bytes
    after: bytes
    allowed: bool
    point: str
    codes: tuple[str, ...]
    outcome: str
    dryrun: tuple[str, ...]
    refusals: tuple[Refusal, ...]

    @classmethod
    def of(
        cls,
        answer: dict[str, object],
        *,
        point: str,
        outcome: str,
        codes: tuple[str, ...] = (),
        dryrun: tuple[str, ...] = (),
        refusals: tuple[Refusal, ...] = (),
    ) -> Self:
        """Make one of an AdmissionReview (``cluster.review.response``) that has an empty uid."""
        before, hole, after = orjson.dumps(answer).partition(_NO_UID)
        told = answer["response"]
        allowed = isinstance(told, dict) and told["allowed"] is True
        return cls(before + hole[:-2], after, allowed, point, codes, outcome, dryrun, refusals)

    def to(self, uid: str, seconds: Mapping[str, float] = _NO_TIME) -> ReviewAnswer:
        """Answer the review of that uid; ``seconds`` are what its steps took."""
        body = self.before + orjson.dumps(uid) + self.after
        return ReviewAnswer(
            body,
            self.allowed,
            self.point,
            self.codes,
            self.outcome,
            seconds,
            self.dryrun,
            self.refusals,
        )


ANSWERS = declare(
    "answers",
    "answers to reviews, by all that decides them",
    max_bytes=8 << 20,
    seconds=SECONDS,
)


def weigh(key: Key, answer: CachedAnswer) -> int:
    """Bytes of a remembered answer; the names of rules and outcomes are shared."""
    refusals = sum(400 + 4 * len(each.words) for each in answer.refusals)
    return 400 + len(key[0]) + len(answer.before) + len(answer.after) + refusals
