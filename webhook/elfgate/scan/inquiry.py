"""A question about one image's start, its answer, and what answers it.

Whoever answers works on bytes that a stranger made: layers' indexes, scripts, ELF tables. There are
two kinds. ``local.LocalPredictor`` works within this process, for images that its user trusts.
``isolation.pool.Pool`` works in processes that hold nothing and can be killed.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from elfgate.errors import ElfgateError, UnknownReason, UnreadableError
from elfgate.linkage.inputs import NodeFacts, Overrides
from elfgate.linkage.reads import ANY
from elfgate.linkage.report import Code, Distro, Effect, Finding, Prediction, Surveyed
from elfgate.needs.facts import Needs
from elfgate.platforms import Platform
from elfgate.scan.located import Contents

_NO_OVERRIDES = Overrides()
_NO_FACTS = NodeFacts()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """How an image is started, and where.

    Attributes:
        platform: The node's; its architecture is one of ``elfgate.platforms.ARCHITECTURES``.
        overrides: What the pod changes of the image's start.
        node: What is known of the node beyond its platform.
        explain: Keep every look-up.
    """

    platform: Platform
    overrides: Overrides = _NO_OVERRIDES
    node: NodeFacts = _NO_FACTS
    explain: bool = False

    def key(self, digest: str) -> bytes:
        """Tells this question about the image with that digest from every other question."""
        return self.with_variables(self.beside(digest))

    def with_variables(self, beside: str) -> bytes:
        """``key``, made of what ``beside`` tells."""
        return key_of(beside, self.overrides.variables())

    def beside(self, digest: str) -> str:
        """Tells this question from all that differ in more than the pod's variables."""
        told = self.overrides.beside_variables()
        return repr((digest, str(self.platform), told, self.node.cache_key()))


def key_of(*parts: object) -> bytes:
    """A key of plain values: equal only for equal ones."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """An answer: what would come of the start, and the image's nature.

    Attributes:
        prediction: What would come of the start.
        variant: The image's nature.
        whole: Both are of all layers; else the nature is not known, as the upper layers decide the
            start alone.
        reads: The variables that it turns on (``linkage.reads.Reads.told``): the same comes of a
            start with others beside.
    """

    prediction: Prediction
    variant: Distro
    whole: bool = True
    reads: frozenset[str] = frozenset({ANY})


class KilledError(ElfgateError):
    """A prediction that took more time or memory than it may, and was ended."""


class BusyError(ElfgateError):
    """Too many other predictions wait already, or none can be made just now."""


class DamagedError(UnreadableError):
    """An image of which a fact in a store is not what it should be.

    The fact's checksum is right all the same.
    """


class FaultError(Exception):
    """A bug of elfgate that showed in another process."""


class Predictor(Protocol):
    """Predicts starts of images. For one event loop."""

    async def predict(
        self, contents: Contents, inquiry: Inquiry, *, namespace: str = "", patient: bool = False
    ) -> Foreseen:
        """Predict a start.

        Args:
            contents: The image.
            inquiry: How it is started, and where.
            namespace: On whose behalf: namespaces take turns.
            patient: Nobody waits: it may take longer, and comes after all that somebody waits for.

        Raises:
            KilledError: if it took too much.
            BusyError: if it is not to be had now.
        """

    async def survey(
        self, contents: Contents, platform: Platform, node: NodeFacts = _NO_FACTS
    ) -> tuple[Surveyed, ...]:
        """Tell what else of the image would fail.

        Raises:
            KilledError: as ``predict`` does.
            BusyError: as ``predict`` does.
        """

    async def needs(self, contents: Contents, inquiry: Inquiry) -> Needs:
        """Tell what the program needs from its surroundings.

        Raises:
            KilledError: as ``predict`` does.
            BusyError: as ``predict`` does.
        """

    async def close(self) -> None:
        """End what works for it."""


def unknown(message: str, reason: UnknownReason, remedy: str = "") -> Prediction:
    """The prediction that nothing is known."""
    finding = Finding(
        Code.LINKAGE_UNKNOWN, "", message, remedy, effect=Effect.UNKNOWN, reason=reason
    )
    return Prediction((), (finding,))
