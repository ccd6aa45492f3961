"""What a store of facts does. Facts are immutable and keyed by digest, so that losing one costs time, never truth."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from elfgate.errors import ElfgateError


class StoreError(ElfgateError):
    """A store that cannot be opened. An open one does not raise: what it cannot read or write, it does not have."""


class Kind(StrEnum):
    """What is kept."""

    LAYER = "layer"  # a layer's index, by the digest of its blob
    DOCUMENT = "document"  # an index, manifest or config, by its digest, verbatim


class Store(Protocol):
    """A store of facts. Calls are short (microseconds to a millisecond) and safe from any thread and process.

    They do not raise: a store that fails is one that keeps nothing, and counts it.
    """

    def get(self, kind: Kind, digest: str) -> bytes | None:
        """The fact, or None if it is not kept (any longer)."""

    def put(self, kind: Kind, digest: str, value: bytes) -> None:
        """Keep a fact. Putting it again changes nothing."""

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Note that ``repository:tag`` was seen to point at ``digest`` (an index or a manifest), now."""

    def tags(self, repository: str, limit: int = 16) -> Sequence[tuple[str, str]]:
        """The tags of a repository seen so far, the latest first, as (tag, digest): where remedies are looked for."""

    def statistics(self) -> Mapping[str, int]:
        """Counts and bytes for people and metrics: ``layers``, ``documents``, ``tags``, ``bytes``, ``failures``."""

    def close(self) -> None:
        """Let go of files and connections. Idempotent."""
