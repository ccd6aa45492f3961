"""The door's demands on a judge: nothing here knows how a review is judged."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from elfgate.server.answers import Refusal


class Answer(Protocol):
    """A judge's answer to a review."""

    @property
    def body(self) -> bytes:
        """The AdmissionReview to answer with, as JSON."""

    @property
    def allowed(self) -> bool:
        """Whether the answer admits the review."""

    @property
    def point(self) -> str:
        """The point of admission (``workload``, ``pod``, ``binding``), for metrics and logs."""

    @property
    def codes(self) -> tuple[str, ...]:
        """The rules that the answer names, for metrics and logs."""

    @property
    def dryrun(self) -> tuple[str, ...]:
        """The rules in mode ``dryrun`` that would have been named, for metrics and logs."""

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The denials of the answer, or those that are held back, for metrics and logs."""

    @property
    def outcome(self) -> str:
        """The outcome of the review, in a word, for metrics and logs."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds of each step of judging, for metrics and logs; none for a remembered answer."""


class Question(Protocol):
    """A review that has been read."""

    @property
    def uid(self) -> str:
        """The review's uid, which the answer echoes."""

    @property
    def namespace(self) -> str:
        """The review's namespace: the namespaces share what can be judged."""


Q = TypeVar("Q", bound=Question)


class Judge(Protocol[Q]):
    """Turns a review into an answer, in three steps of which only the last one may wait.

    An error of any step is answered as ``admission.fail`` says.
    """

    def read(self, body: bytes, /) -> Q:
        """Read ``body``, an AdmissionReview as JSON."""

    def at_hand(self, question: Q, /) -> Answer | None:
        """The answer, if it needs no judging."""

    async def judge(self, question: Q, deadline: float, /) -> Answer:
        """Judge within ``deadline`` seconds from now."""
