"""Layers as they are stored, kept while they are indexed: one transfer serves both."""

import threading
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import Reader, VerifiedReader, short, split_digest
from elfgate.images.indexer import Indexer
from elfgate.images.source import Descriptor, Limits, Source
from elfgate.images.table import Fetch
from elfgate.rootfs.layer import Layer

_PIECE = 1 << 20


class Kept:
    """Keeps what it indexes (an ``Indexer``).

    Args:
        indexer: What makes the indexes.
        folder: Where the layers are kept.
    """

    def __init__(self, indexer: Indexer, folder: Path) -> None:
        self._indexer = indexer
        self._folder = folder
        self._numbers = count()
        self._lock = threading.Lock()

    def layer(self, stream: Reader, descriptor: Descriptor, limits: Limits) -> Layer:
        """Read a layer's blob to its end, keep it and index it."""
        path = self._path(descriptor)
        self._copy(stream, descriptor, limits).rename(path)
        with path.open("rb") as file:
            return self._indexer.layer(file, descriptor, limits)

    def layer_by_table(self, descriptor: Descriptor, fetch: Fetch, limits: Limits) -> Layer:
        """Index a layer by its table of contents; nothing is kept."""
        return self._indexer.layer_by_table(descriptor, fetch, limits)

    def document(self, data: bytes, what: str) -> bytes:
        """Leave of a heavy document what is read of it."""
        return self._indexer.document(data, what)

    def files(self, source: Source, layers: Iterable[Descriptor]) -> list[Path]:
        """The layers' files, bottom first; what is not kept yet is read. Blocks.

        Raises:
            UnreadableError: if one cannot be had.
        """
        wanted = list(layers)
        for descriptor in wanted:
            if not self._path(descriptor).exists():
                source.layer(descriptor)
        return [self._path(descriptor) for descriptor in wanted]

    def _path(self, descriptor: Descriptor) -> Path:
        return self._folder / split_digest(descriptor.digest)[1]

    def _copy(self, stream: Reader, descriptor: Descriptor, limits: Limits) -> Path:
        """Write a blob that is what its descriptor says to a new file."""
        what = f"layer {short(descriptor.digest)}"
        with self._lock:
            path = self._folder / f".{next(self._numbers)}"
        raw = VerifiedReader(
            stream,
            digest=descriptor.digest,
            size=descriptor.size,
            what=what,
            seconds=limits.seconds,
        )
        with path.open("wb") as file:
            while piece := raw.read(_PIECE):
                file.write(piece)
                if raw.count > limits.layer_bytes:
                    message = f"{what} is longer than {limits.layer_bytes} bytes"
                    raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)
        raw.finish()
        return path
