"""The images that stay in memory, ready to be looked into, within a number of bytes."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Generic, TypeVar

from elfgate.memory.declared import Usage, declare
from elfgate.rootfs.layer import Layer

V = TypeVar("V")


IMAGES = declare("images", "indexes of layers, and the images made of them", max_bytes=12 << 20)


class Remembered(Generic[V]):
    """Layers, and images made of them. Belongs to one thread.

    Layers are what takes memory, and images share them. So what is bounded is the bytes of all
    layers: the one that was used longest ago goes first, and with it the images that it is a part
    of.

    Args:
        max_bytes: How many bytes of layers; the image put last stays whole, whatever its size.
    """

    def __init__(self, max_bytes: int = IMAGES.max_bytes) -> None:
        self._max_bytes = max_bytes
        self._bytes = self._evictions = 0
        IMAGES.enter(self)
        self._layers: OrderedDict[str, Layer] = OrderedDict()
        self._images: dict[str, tuple[V, tuple[str, ...]]] = {}
        self._parts: dict[str, set[str]] = {}  # which images each layer is a part of

    def layer(self, digest: str) -> Layer | None:
        """A layer, which thereby becomes the most recent."""
        layer = self._layers.get(digest)
        if layer is not None:
            self._layers.move_to_end(digest)
        return layer

    def put_layer(self, digest: str, layer: Layer) -> None:
        """Keep a layer."""
        self._add(digest, layer)
        self._drop(spare=1)

    def image(self, digest: str) -> V | None:
        """An image; its layers thereby become the most recent."""
        value, layers = self._images.get(digest) or (None, ())
        for layer in layers:
            self._layers.move_to_end(layer)
        return value

    def put_image(self, digest: str, value: V, layers: Mapping[str, Layer]) -> None:
        """Keep an image with its layers, unless it has none.

        Then it costs nothing to make again.
        """
        if not layers:
            return
        for layer_digest, layer in layers.items():
            self._add(layer_digest, layer)
            self._parts.setdefault(layer_digest, set()).add(digest)
        self._images[digest] = value, tuple(layers)
        self._drop(spare=len(layers))

    def forget(self, digest: str) -> None:
        """Forget an image, and none of its layers."""
        for layer in self._images.pop(digest, (None, ()))[1]:
            self._parts[layer].discard(digest)

    def forget_layer(self, digest: str) -> None:
        """Forget a layer, and the images that it is a part of."""
        layer = self._layers.pop(digest, None)
        if layer is not None:
            self._gone(digest, layer)

    def usage(self) -> Usage:
        """How full it is; entries are layers."""
        return Usage(self._bytes, len(self._layers), self._evictions)

    def _add(self, digest: str, layer: Layer) -> None:
        if digest not in self._layers:
            self._layers[digest] = layer
            self._bytes += layer.memory
        self._layers.move_to_end(digest)

    def _drop(self, *, spare: int) -> None:
        """Drop the oldest layers beyond the bound, all but the last few."""
        while self._bytes > self._max_bytes and len(self._layers) > spare:
            self._gone(*self._layers.popitem(last=False))

    def _gone(self, digest: str, layer: Layer) -> None:
        self._bytes -= layer.memory
        for image in self._parts.pop(digest, ()):
            for other in self._images.pop(image)[1]:
                self._parts.get(other, set()).discard(image)
