"""What was put together lately: images' contents and the layers that they are made of, within a bound of memory.

Only images count their layers' bytes, and a layer that several share counts once: so one base image may carry many, and
what no image on the shelf needs is gone with the last that did. All of it is in the store, from which it comes back
within milliseconds.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from elfgate.rootfs.layer import Layer

V = TypeVar("V")

MAX_BYTES = 16 << 20
_OF_ITS_OWN = 32 << 10  # what an image takes besides its layers: its config, and what was looked up in it


class Shelf(Generic[V]):
    """The shelf. Belongs to one thread.

    Args:
        max_bytes: How many bytes of indexes the images' layers may have together; one image may always have more.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._images: OrderedDict[str, tuple[V, tuple[Layer, ...]]] = OrderedDict()
        self._uses: Counter[Layer] = Counter()
        self._layers: WeakValueDictionary[str, Layer] = WeakValueDictionary()

    def image(self, digest: str) -> V | None:
        """An image's contents by its manifest's digest, which thereby becomes the most recent."""
        found = self._images.get(digest)
        if found is None:
            return None
        self._images.move_to_end(digest)
        return found[0]

    def keep_image(self, digest: str, contents: V, layers: Sequence[Layer]) -> None:
        """Keep an image's contents, and drop those that were used longest ago beyond the bound."""
        if digest in self._images:
            self._drop(digest)
        self._images[digest] = contents, tuple(layers)
        self._bytes += _OF_ITS_OWN
        for layer in layers:
            self._bytes += 0 if self._uses[layer] else layer.stored_bytes
            self._uses[layer] += 1
        while self._bytes > self._max_bytes and len(self._images) > 1:
            self._drop(next(iter(self._images)))

    def layer(self, digest: str) -> Layer | None:
        """A layer that an image on the shelf, or one that is being put together, has."""
        return self._layers.get(digest)

    def note_layer(self, digest: str, layer: Layer) -> None:
        """Let others find a layer for as long as somebody needs it."""
        self._layers[digest] = layer

    def _drop(self, digest: str) -> None:
        _, layers = self._images.pop(digest)
        self._bytes -= _OF_ITS_OWN
        for layer in layers:
            self._uses[layer] -= 1
            if not self._uses[layer]:
                del self._uses[layer]
                self._bytes -= layer.stored_bytes
                layer.close()
