"""What evaluates policies: one protocol, with an implementation in this process and one in an OPA server."""

from typing import Protocol

from elfgate.errors import ElfgateError
from elfgate.policy.document import Document
from elfgate.policy.verdict import Verdict


class EngineError(ElfgateError):
    """The engine failed: an error, a timeout, an empty or foreign answer, a wrong revision. Never an answer."""

    exit_code = 4


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
