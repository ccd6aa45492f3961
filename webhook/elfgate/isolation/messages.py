"""Messages between this process and its predictors and indexers.

A frame each, JSON by type, or plain bytes.

A predictor reads an ``Ask``, then a frame of bytes for each layer that it said it misses; it
answers ``Answer``. An indexer reads a ``Job`` and the layer's bytes from a pipe. Its frames begin
with a letter: it may ask for a part (``FETCH``), then it has the index (``INDEXED``) or says why
not (``FAILED``). A parer reads a document, and answers with a short one (``PARED``) or likewise.
"""

from dataclasses import dataclass
from typing import Literal, Self

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.source import Descriptor, Limits
from elfgate.linkage.inputs import ImageDefaults
from elfgate.linkage.report import Surveyed
from elfgate.needs.facts import Needs
from elfgate.platforms import Platform
from elfgate.scan.inquiry import Foreseen, Inquiry

Purpose = Literal["start", "survey", "needs"]

MOST_ANSWER_BYTES = 1 << 20
MOST_EXPLAINED_BYTES = 32 << 20  # a walk, or every program of an image that fails
MOST_LAYER_BYTES = 1 << 30
MOST_ASK_BYTES = 64 << 20
MOST_PART_BYTES = 64 << 20  # of a layer that is read by its table of contents
MOST_INDEX_BYTES = 64 << 20
MOST_HELLO_BYTES = 256
_MOST_WORDS = 2_000
MOST_DOCUMENT_BYTES = 64 << 20
INDEXED, FAILED, FETCH, PARED = b"i", b"f", b"p", b"d"


@dataclass(frozen=True, slots=True)
class Hello:
    """A child's first words: it is ready, behind these locks.

    Attributes:
        seccomp: See ``sandbox.Confinement``.
        landlock: The same.
    """

    seccomp: bool
    landlock: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for a predictor.

    Attributes:
        layers: Names of the image's layers, bottom first; an empty name is of a layer that is not
            to be kept.
        defaults: The image's config.
        declared: The platform that the config names.
        inquiry: How it is started, and where.
        purpose: What is asked for: what comes of the ``start``, what else of the image would fail
            (``survey``), or what its program ``needs``.
        unread: Layers below these are not read.
    """

    layers: tuple[str, ...]
    defaults: ImageDefaults
    declared: Platform
    inquiry: Inquiry
    purpose: Purpose = "start"
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A predictor's answer: one of these.

    Attributes:
        missing: Positions of the layers that it must be given first.
        foreseen: What would come of the start.
        surveyed: What else would fail.
        needs: What the program needs.
        damaged: The stored index of a layer is damaged: why.
        memory: It had too little memory.
        fault: What elfgate itself did wrong.
    """

    missing: tuple[int, ...] | None = None
    foreseen: Foreseen | None = None
    surveyed: tuple[Surveyed, ...] | None = None
    needs: Needs | None = None
    damaged: str = ""
    memory: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A layer for an indexer.

    Attributes:
        descriptor: Of the layer.
        limits: How much is read before it counts as hostile.
        by_table: Ask for parts of it, by its table of contents; else all of it comes by the pipe.
    """

    descriptor: Descriptor
    limits: Limits
    by_table: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    """The part of the blob that an indexer wants: from one offset up to another."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The end of an indexer without an index, or of a parer without a document.

    Attributes:
        message: Of an ``UnreadableError``.
        reason: The same.
        hint: The same.
        memory: It had too little memory.
    """

    message: str = ""
    reason: UnknownReason | None = None
    hint: str = ""
    memory: bool = False

    @classmethod
    def of(cls, error: UnreadableError) -> Self:
        """The end that an error is: zstd and orjson call want of memory an error of theirs."""
        if "memory" in str(error.__cause__ or "").lower():
            return cls(memory=True)
        return cls(error.message[:_MOST_WORDS], error.reason, error.hint[:_MOST_WORDS])
