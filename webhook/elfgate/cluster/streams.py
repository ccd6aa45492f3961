"""OpenShift's image streams: what replaces the image that an object names.

Sources: OpenShift's API reference (DeploymentConfig, ``triggers``) and its documentation of image
change triggers, which an annotation asks for on objects of other kinds.
"""

from collections.abc import Iterator

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.part import Part
from elfgate.cluster.told import mapping, objects, strings
from elfgate.errors import UnknownReason

TRIGGERS = "image.openshift.io/triggers"

_REPLACED = Doubt(UnknownReason.TEMPLATE, "an image stream may replace its image")


class Streams:
    """The image streams that an object's containers follow.

    Args:
        root: The object.
    """

    __slots__ = ("_is_annotated", "_names")

    def __init__(self, root: Part) -> None:
        obj = mapping(root.value)
        self._is_annotated = TRIGGERS in mapping(mapping(obj.get("metadata")).get("annotations"))
        self._names = frozenset(_triggered(mapping(obj.get("spec")).get("triggers")))

    def doubts(self, container: str) -> tuple[Doubt, ...]:
        """The doubts about the container of this name."""
        return (_REPLACED,) if self._is_annotated or container in self._names else ()


def _triggered(triggers: object) -> Iterator[str]:
    """The containers that a DeploymentConfig names in its triggers."""
    for trigger in objects(triggers):
        parameters = mapping(trigger.get("imageChangeParams"))
        yield from strings(parameters.get("containerNames"))
