"""The evaluation of policies.

One protocol, with an implementation in this process and one in an OPA server.
"""

from typing import Protocol

from pydantic import ValidationError

from elfgate.errors import ElfgateError
from elfgate.policy.document import Document
from elfgate.policy.verdict import Verdict


class EngineError(ElfgateError):
    """The engine failed: an error, a timeout, an empty or foreign answer, a wrong revision.

    Never an answer.
    """

    exit_code = 4


class EngineTimeoutError(EngineError):
    """The engine did not answer in time."""


class Engine(Protocol):
    """Evaluates the active bundle."""

    @property
    def revision(self) -> str:
        """The active bundle's revision."""

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document.

        Raises:
            EngineError: if there is no verdict that can be trusted.
        """

    async def close(self) -> None:
        """Let go of threads and connections. Idempotent."""


def accept(answer: object, revision: str) -> Verdict:
    """Take an engine's answer (parsed JSON) for a verdict, if it is one.

    Args:
        answer: What the engine gave.
        revision: The revision that it must be of.

    Raises:
        EngineError: if it has not the shape of a verdict, or is of another revision.
    """
    try:
        verdict = Verdict.model_validate(answer, strict=True)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        place = ".".join(map(str, detail["loc"])) or "it"
        raise EngineError(
            f"the policies' answer is no verdict: {place}: {detail['msg']}"
        ) from error
    if verdict.revision != revision:
        raise EngineError(f"the verdict is of revision {verdict.revision!r}, not {revision!r}")
    return verdict
