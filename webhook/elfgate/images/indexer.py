"""Makes indexes of layers: the part of a source that works on what strangers packed.

``LocalIndexer`` works in this process. ``isolation.indexing`` works in one for each layer.
"""

from typing import Protocol

from elfgate.images.digests import Reader
from elfgate.images.partial import index_by_table
from elfgate.images.source import Descriptor, Limits
from elfgate.images.table import Fetch
from elfgate.images.unpack import index_layer
from elfgate.rootfs.layer import Layer


class Indexer(Protocol):
    """Makes indexes. Calls block; thread-safe.

    Both raise ``UnreadableError`` with the reason if the bytes are not what the descriptor says, no
    layer, or more than the limits allow.
    """

    def layer(self, stream: Reader, descriptor: Descriptor, limits: Limits) -> Layer:
        """Read a layer's blob to its end and index it (``unpack.index_layer``)."""

    def layer_by_table(self, descriptor: Descriptor, fetch: Fetch, limits: Limits) -> Layer:
        """Index a layer by its table of contents (``partial.index_by_table``)."""


class LocalIndexer:
    """Indexes within this process (an ``Indexer``)."""

    def layer(self, stream: Reader, descriptor: Descriptor, limits: Limits) -> Layer:
        """Read a layer's blob to its end and index it."""
        return index_layer(stream, descriptor, limits)

    def layer_by_table(self, descriptor: Descriptor, fetch: Fetch, limits: Limits) -> Layer:
        """Index a layer by its table of contents."""
        return index_by_table(descriptor, fetch, limits)
