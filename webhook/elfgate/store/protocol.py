"""The protocol of a store of facts.

Facts are immutable and keyed by digest, so that losing one costs time, never truth.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from elfgate.elf import sparse
from elfgate.errors import ElfgateError
from elfgate.rootfs import form

MOST_IMAGES = 30  # that share a layer: more make it no more worth keeping


class StoreError(ElfgateError):
    """A store that cannot be opened.

    An open one does not raise: what it cannot read or write, it does not have.
    """


class Kind(StrEnum):
    """The kinds of facts kept.

    The form of a layer's index is part of its kind: to a program of another version it is another
    kind of fact, so that versions may share a store, and what nobody asks for any longer is pruned.
    """

    LAYER = f"layer/{form.VERSION}.{sparse.VERSION}"  # a layer's index, by the digest of its blob
    DOCUMENT = "document"  # an index, manifest or config, by its digest: verbatim, or pared
    ORIGIN = "origin"  # that a repository has delivered a fact, by the digest of both names
    OVERRUN = "overrun"  # a question that takes too much, by a digest of it: the number of a week


class Store(Protocol):
    """A store of facts, safe from any thread and process.

    Calls do not raise: a store that fails is one that keeps nothing, and counts it.
    """

    def get(self, kind: Kind, digest: str) -> bytes | None:
        """The fact, or None if it is not kept (any longer)."""

    def put(self, kind: Kind, digest: str, value: bytes) -> None:
        """Keep a fact, in place of one that is there: that may have been damaged."""

    def share(self, layer: str, image: str) -> None:
        """Note that a layer is part of an image, now.

        Layers that many images share are kept longer.

        Args:
            layer: The digest of the layer's fact.
            image: The digest of the image's manifest.
        """

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Note that ``repository:tag`` was seen to point at ``digest``, now.

        The digest is of an index or a manifest.
        """

    def tags(self, repository: str, limit: int = 16) -> Sequence[tuple[str, str]]:
        """The tags of a repository seen so far, the latest first, as (tag, digest).

        Where remedies are looked for.
        """

    def repositories(self) -> Iterator[str]:
        """Every repository of which a tag was seen, in any order."""

    def facts(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        """Every fact of a kind with its digest, in any order; does not count as use."""

    def statistics(self) -> Mapping[str, int]:
        """Counts and bytes for people and metrics.

        ``layers``, ``documents``, ``tags``, ``bytes``, ``failures``.
        """

    def close(self) -> None:
        """Let go of files and connections. Idempotent."""


class SharedStore(Store, Protocol):
    """A store that the replicas of a service share.

    It is across a network: ask it from a thread that may wait.
    """

    def claim(self, name: str) -> bool:
        """Ask for the lease of ``name``.

        Whoever has it does the work, and the others wait for what comes of it.

        A lease holds for as long as its holder lives, and a few seconds longer.

        Returns:
            Whether this one is to do the work: False only if another certainly has the lease.
        """

    def release(self, name: str) -> None:
        """Give a lease back: the work is done, or was given up."""
