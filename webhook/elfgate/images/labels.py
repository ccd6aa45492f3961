"""The labels of an image's config, and the annotations of its index and manifest.

Sources: OCI image spec 1.1 (``annotations`` of an index and a manifest, ``config.Labels`` of a
config).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.lenient import Model
from elfgate.images.manifest import json_object

LONGEST = 1024  # characters of one label: what is longer is cut
MOST = 64 << 10  # characters of all labels of one document
_NONE = 0  # no labels, as what they are is not known


@dataclass(frozen=True, slots=True)
class Labels:
    """The texts that an image says of itself.

    Attributes:
        labels: Its config's.
        annotations: Its index's, and over them its manifest's.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class _Annotated(Model):
    annotations: dict[str, str] = Field(default_factory=dict)


class _Start(Model):
    labels: dict[str, str] = Field(default_factory=dict, alias="Labels")


class _Config(Model):
    config: _Start = Field(default_factory=_Start)


def annotations_in(data: bytes) -> dict[str, str]:
    """The annotations of an index or a manifest.

    Raises:
        UnreadableError: if one is not text, or all are too long.
    """
    document = json_object(data, "the index or manifest")
    try:
        found = _Annotated.model_validate(document).annotations
    except ValidationError:
        raise _unknown("annotations") from None
    return _known(found, "annotations")


def labels_in(data: bytes) -> dict[str, str]:
    """The labels of a config.

    Raises:
        UnreadableError: if one is not text, or all are too long.
    """
    document = json_object(data, "the config")
    try:
        found = _Config.model_validate(document).config.labels
    except ValidationError:
        raise _unknown("labels") from None
    return _known(found, "labels")


def spared(found: Any) -> Any:
    """Cut the labels of a document to what rules are shown.

    What is not a mapping of texts becomes a value that no reader takes for labels.
    """
    if found is None:
        return None
    if not isinstance(found, dict):
        return _NONE
    texts = {key: text[:LONGEST] for key, text in found.items() if isinstance(text, str)}
    if len(texts) < len(found) or _weight(texts) > MOST:
        return _NONE
    return texts


def _known(found: Mapping[str, str], what: str) -> dict[str, str]:
    texts = spared(found)
    if not isinstance(texts, dict):
        raise _unknown(what)
    return texts


def _weight(texts: Mapping[str, str]) -> int:
    return sum(len(key) + len(text) for key, text in texts.items())


def _unknown(what: str) -> UnreadableError:
    message = f"the image's {what} are not all text, or have more than {MOST} characters"
    return UnreadableError(message, reason=UnknownReason.IMAGE_INVALID)
