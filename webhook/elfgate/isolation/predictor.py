"""A predictor's own program.

It answers questions about images, one after the other, until its channel is closed.

It keeps the layers that it was given last, as images share them, within a number of bytes.
"""

from collections import OrderedDict
from collections.abc import Sequence

from elfgate.isolation.frames import read_frame, write_frame
from elfgate.isolation.messages import MOST_ASK_BYTES, MOST_LAYER_BYTES, Answer, Ask
from elfgate.isolation.typed import dumps, loads
from elfgate.linkage.injected import INJECTED
from elfgate.linkage.survey import survey
from elfgate.rootfs.layer import Layer
from elfgate.scan.foresee import foresee, needed
from elfgate.scan.local import Trees

LAYERS_BYTES = 12 << 20  # of a few usual images
_TREES = 8
_MOST_WORDS = 200


def work(descriptors: Sequence[int], settings: object) -> None:
    """Answer questions.

    Args:
        descriptors: The channel.
        settings: Patterns of libraries that nodes add to containers, besides those that elfgate
            knows.
    """
    assert isinstance(settings, list)  # noqa: S101 - the service says so
    channel = descriptors[0]
    predictor = _Predictor(channel, (*INJECTED, *settings))
    while True:
        ask = loads(Ask, read_frame(channel, MOST_ASK_BYTES))
        write_frame(channel, dumps(predictor.answer(ask)))


class _Predictor:
    def __init__(self, channel: int, injected: Sequence[str]) -> None:
        self._channel = channel
        self._injected = injected
        self._kept = _Layers(LAYERS_BYTES)
        self._trees = Trees(_TREES)

    def answer(self, ask: Ask) -> Answer:
        """Answer a question; a failure is an answer too."""
        try:
            return self._answer(ask)
        except (MemoryError, RecursionError):
            return Answer(memory=True)
        except ValueError as error:
            return Answer(damaged=_words(error))
        except Exception as error:  # noqa: BLE001 - a bug, which this service raises
            return Answer(fault=_words(error))

    def _answer(self, ask: Ask) -> Answer:
        tree = self._trees.of(self._layers(ask.layers), unread=ask.unread)
        inquiry, injected = ask.inquiry, self._injected
        if ask.purpose == "survey":
            found = survey(tree, ask.defaults, inquiry.platform, inquiry.node, injected=injected)
            return Answer(surveyed=tuple(found))
        if ask.purpose == "needs":
            return Answer(needs=needed(tree, ask.defaults, inquiry, injected=injected))
        foreseen = foresee(tree, ask.defaults, ask.declared, inquiry, injected=injected)
        return Answer(foreseen=foreseen)

    def _layers(self, names: Sequence[str]) -> list[Layer]:
        """The image's layers, after those that are missing were asked for."""
        layers = [self._kept.get(name) for name in names]
        missing = tuple(at for at, layer in enumerate(layers) if layer is None)
        if missing:
            write_frame(self._channel, dumps(Answer(missing=missing)))
        blobs = {at: read_frame(self._channel, MOST_LAYER_BYTES) for at in missing}
        for at, blob in blobs.items():
            layers[at] = Layer.decode(blob)
            self._kept.put(names[at], layers[at])
        return [layer for layer in layers if layer is not None]


class _Layers:
    """The layers that were used last, by name, within a number of bytes."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._layers: OrderedDict[str, Layer] = OrderedDict()

    def get(self, name: str) -> Layer | None:
        layer = self._layers.get(name)
        if layer is not None:
            self._layers.move_to_end(name)
        return layer

    def put(self, name: str, layer: Layer | None) -> None:
        if layer is None or not name or layer.memory > LAYERS_BYTES:
            return
        self._layers[name] = layer
        self._left -= layer.memory
        while self._left < 0:
            self._left += self._layers.popitem(last=False)[1].memory


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_MOST_WORDS]
