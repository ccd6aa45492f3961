"""Heavy documents, pared to what is read of them.

A registry may send a manifest, an index or a config of 4 MB, the most that container runtimes take.
Reading one takes long, and nothing interrupts it. So a document that is no light one is read where
that keeps nobody waiting (``indexer``), and becomes a document of the same meaning that is short.
"""

from typing import Any

import orjson

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.choose import ZSTD
from elfgate.images.labels import spared
from elfgate.images.manifest import ATTESTATION, json_object
from elfgate.images.table import ANNOTATIONS

LIGHT_BYTES = 64 << 10
MOST_BYTES = 256 << 10  # of a pared one: far above what any image needs that a node starts

_DEEPEST = 8  # twice as deep as anything that is read
# Whatever ``manifest`` reads, and what tells it which kind of document it has; in small letters.
_READ = frozenset(
    {"schemaversion", "fslayers", "manifests", "layers", "annotations"}
    | {"mediatype", "digest", "size", "platform", "os", "architecture", "variant"}
    | {"config", "entrypoint", "cmd", "env", "workingdir", "user", "rootfs", "diff_ids"}
)
_ANNOTATIONS = frozenset({*ANNOTATIONS, ATTESTATION, ZSTD[0]})


def pare(data: bytes, what: str) -> bytes:
    """Leave of an index, a manifest or a config what is read of it.

    Args:
        data: Its bytes, as a registry has them.
        what: What messages call it.

    Returns:
        JSON that ``manifest`` reads as it reads ``data``.

    Raises:
        UnreadableError: IMAGE_INVALID if it is no JSON object; LIMIT_EXCEEDED if more is left than
            ``MOST_BYTES``.
    """
    document = json_object(data, what)
    pared = orjson.dumps({**_pared(document, _DEEPEST), **_annotated(document)})
    if len(pared) > MOST_BYTES:
        raise UnreadableError(
            f"{what} says more than {MOST_BYTES} bytes of how its image starts",
            reason=UnknownReason.LIMIT_EXCEEDED,
        )
    return pared


def _pared(value: Any, depth: int) -> Any:
    """Leave of a part what is read of it.

    What lies too deep to be read is of the wrong type already.
    """
    if isinstance(value, list):
        return [_pared(item, depth - 1) for item in value] if depth else []
    if not isinstance(value, dict):
        return value
    read = {}
    for key, item in value.items():
        name = key.lower()
        if name == "annotations" and isinstance(item, dict):
            read[key] = _annotations(item)
        elif name == "labels":
            read[key] = spared(item)
        elif name in _READ and depth:
            read[key] = _pared(item, depth - 1)
    return read


def _annotated(document: dict[str, Any]) -> dict[str, Any]:
    """The document's own annotations, which rules may look at."""
    return {key: spared(item) for key, item in document.items() if key.lower() == "annotations"}


def _annotations(value: dict[str, Any]) -> dict[str, Any]:
    """Leave the annotations that are read, and those that are none.

    A document is refused for the latter.
    """
    return {
        name: text
        for name, text in value.items()
        if name in _ANNOTATIONS or not isinstance(text, str)
    }
