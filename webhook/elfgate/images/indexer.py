"""Makes indexes of layers, and short documents of heavy ones: the work on what strangers packed.

``LocalIndexer`` works in this process. ``isolation.indexing`` works in one for each of them.
"""

from typing import Protocol

from elfgate.images.digests import Reader
from elfgate.images.source import Descriptor, Limits
from elfgate.images.table import Fetch
from elfgate.rootfs.layer import Layer


class Indexer(Protocol):
    """Makes indexes. Calls block; thread-safe.

    All raise ``UnreadableError`` with the reason if the bytes are not what the descriptor says, no
    layer or document, or more than the limits allow.
    """

    def layer(self, stream: Reader, descriptor: Descriptor, limits: Limits) -> Layer:
        """Read a layer's blob to its end and index it (``unpack.index_layer``)."""

    def layer_by_table(self, descriptor: Descriptor, fetch: Fetch, limits: Limits) -> Layer:
        """Index a layer by its table of contents (``partial.index_by_table``)."""

    def document(self, data: bytes, what: str) -> bytes:
        """Leave of a heavy document what is read of it (``pared.pare``)."""


class LocalIndexer:
    """Indexes within this process (an ``Indexer``).

    The code that unpacks is loaded with the first layer: a process that has others do the work
    never loads that code.
    """

    def layer(self, stream: Reader, descriptor: Descriptor, limits: Limits) -> Layer:
        """Read a layer's blob to its end and index it."""
        from elfgate.images.unpack import index_layer

        return index_layer(stream, descriptor, limits)

    def layer_by_table(self, descriptor: Descriptor, fetch: Fetch, limits: Limits) -> Layer:
        """Index a layer by its table of contents."""
        from elfgate.images.partial import index_by_table

        return index_by_table(descriptor, fetch, limits)

    def document(self, data: bytes, what: str) -> bytes:
        """Leave of a heavy document what is read of it."""
        from elfgate.images.pared import pare

        return pare(data, what)
