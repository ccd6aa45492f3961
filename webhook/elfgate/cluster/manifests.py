"""Kubernetes objects in files: several YAML documents or JSON, and Lists of them, with the place of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import orjson

from elfgate.cluster.yamldoc import Document, documents
from elfgate.errors import InputError

MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object.

    Attributes:
        position: Where it is, such as ``deploy.yaml:12`` or ``nodes.json: items[3]``.
        obj: The object; it has a ``kind``.
    """

    position: str
    obj: dict[str, Any]


def objects(text: bytes, *, source: str) -> Iterator[Manifest]:
    """Read the objects in a file: each on its own, and each item of a List (``List``, ``PodList``).

    Args:
        text: YAML or JSON. Empty documents are passed over.
        source: What to call it in errors and positions.

    Raises:
        InputError: if it is too long, neither YAML nor JSON, or holds something that is not a Kubernetes object.
    """
    if len(text) > MAX_BYTES:
        raise InputError(f"{source}: longer than {MAX_BYTES >> 20} MiB")
    json = _json(text)
    for document in [Document(source, json)] if json else documents(text, source):
        if document.value is not None:
            yield from _flattened(document)


def _json(text: bytes) -> dict[str, Any] | None:
    """The file as one JSON object; None if it is not, and so left to YAML, of which JSON is a part."""
    if not text.lstrip().startswith(b"{"):
        return None
    try:
        return cast("dict[str, Any]", orjson.loads(text))
    except orjson.JSONDecodeError:
        return None


def _flattened(document: Document) -> Iterator[Manifest]:
    obj, position = document.value, document.position
    kind = obj.get("kind") if isinstance(obj, dict) else None
    if not isinstance(kind, str) or not kind:
        raise InputError(
            f"{position}: not a Kubernetes object", hint="an object has apiVersion and kind"
        )
    items = obj.get("items")
    if not kind.endswith("List") or (items is None and kind != "List"):
        yield Manifest(position, obj)
        return
    if not isinstance(items, list | None):
        raise InputError(f"{position}: items is not a list")
    for index, item in enumerate(items or ()):
        yield from _flattened(Document(document.item_position(index), _with_kind(item, obj)))


def _with_kind(item: object, container: dict[str, Any]) -> object:
    """The API leaves an item's kind out of a typed list: it is the list's, without ``List``."""
    if not isinstance(item, dict) or "kind" in item:
        return item
    return {
        "apiVersion": container.get("apiVersion", ""),
        "kind": container["kind"].removesuffix("List"),
        **item,
    }
