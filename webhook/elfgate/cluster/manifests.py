"""Kubernetes objects in files.

Several YAML documents or JSON, and Lists of them, with the place of each.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any, BinaryIO, cast

import orjson

from elfgate.cluster.liststream import CHUNK, ListStream
from elfgate.cluster.yamldoc import Document, documents
from elfgate.cluster.yamlplaces import ImagePlace
from elfgate.errors import InputError

MAX_BYTES = 256 << 20

_DECODER = JSONDecoder()
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object.

    Attributes:
        position: Where it is, such as ``deploy.yaml:12`` or ``nodes.json: items[3]``.
        obj: The object; it has a ``kind``. Empty for a document that is no Kubernetes object.
        images: Where the containers of its document name their images, if that is known.
    """

    position: str
    obj: dict[str, Any]
    images: tuple[ImagePlace, ...] = ()

    @property
    def kind(self) -> str:
        """Its kind; empty for what is no object."""
        return cast("str", self.obj.get("kind", ""))


def objects(text: bytes, *, source: str, strict: bool = True) -> Iterator[Manifest]:
    """Read the objects in a file: each on its own, and each item of a List (``List``, ``PodList``).

    Args:
        text: YAML or JSON. Empty documents are passed over.
        source: What to call it in errors and positions.
        strict: Whether a document that is no Kubernetes object is an error; else it is an empty
            object.

    Raises:
        InputError: if it is too long, neither YAML nor JSON, or holds what is an error.
    """
    if len(text) > MAX_BYTES:
        raise InputError(f"{source}: longer than {MAX_BYTES >> 20} MiB")
    for document in _json(text, source) or documents(text, source):
        if document.value is not None:
            yield from _flattened(document, strict=strict)


def of_values(values: Iterable[object], *, source: str) -> Iterator[Manifest]:
    """The objects among values of a program: each on its own, and each item of a List.

    Raises:
        InputError: if a value is no Kubernetes object.
    """
    for index, value in enumerate(values):
        yield from _flattened(Document(f"{source}[{index}]", value), strict=True)


def streamed(file: BinaryIO, *, source: str) -> Iterator[Manifest]:
    """Read the objects in an open file as ``objects`` does.

    Those of a long list in JSON are read an item at a time.

    Raises:
        InputError: as ``objects`` does.
    """
    beginning = file.read(CHUNK)
    if len(beginning) == CHUNK:
        decoder = getincrementaldecoder("utf-8-sig")()

        def read(count: int) -> str:
            return decoder.decode(file.read(count))

        try:
            found = ListStream(decoder.decode(beginning), read, source)
        except UnicodeDecodeError:
            found = None
        if found and found.is_list:
            del beginning
            yield from _items(found, source)
            return
    yield from objects(beginning + file.read(MAX_BYTES), source=source, strict=False)


def _items(found: ListStream, source: str) -> Iterator[Manifest]:
    try:
        for index, item in enumerate(found.items()):
            yield from _flattened(Document(f"{source}: items[{index}]", item), strict=False)
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8: {error.reason}") from error


def _json(text: bytes, source: str) -> list[Document]:
    """The file as one JSON object, or as several one after the other.

    None if it is not, and so left to YAML.
    """
    if not text.lstrip().startswith(b"{"):
        return []
    try:
        return [Document(source, orjson.loads(text))]
    except orjson.JSONDecodeError:
        return _json_stream(text, source)


def _json_stream(text: bytes, source: str) -> list[Document]:
    """Read objects without anything between them, as kubectl takes them."""
    found: list[Document] = []
    try:
        left = text.decode("utf-8-sig").strip()
        at, before, line = 0, 0, 1
        while at < len(left):
            value, end = _DECODER.raw_decode(left, at)
            line += left.count("\n", before, at)
            before = at
            found.append(Document(f"{source}:{line}", value))
            at = cast("re.Match[str]", _SPACE.match(left, end)).end()
    except (ValueError, RecursionError):
        return []
    return found


def _flattened(document: Document, *, strict: bool) -> Iterator[Manifest]:
    obj, position = document.value, document.position
    kind = obj.get("kind") if isinstance(obj, dict) else None
    if not isinstance(kind, str) or not kind:
        if not strict:
            yield Manifest(position, {})
            return
        raise InputError(
            f"{position}: not a Kubernetes object", hint="an object has apiVersion and kind"
        )
    items = obj.get("items")
    if not kind.endswith("List") or (items is None and kind != "List"):
        yield Manifest(position, obj, document.images)
        return
    if not isinstance(items, list | None):
        raise InputError(f"{position}: items is not a list")
    for index, item in enumerate(items or ()):
        inner = Document(
            document.item_position(index), _with_kind(item, obj), images=document.images
        )
        yield from _flattened(inner, strict=strict)


def _with_kind(item: object, container: dict[str, Any]) -> object:
    """The API leaves an item's kind out of a typed list: it is the list's, without ``List``."""
    if not isinstance(item, dict) or "kind" in item:
        return item
    return {
        "apiVersion": container.get("apiVersion", ""),
        "kind": container["kind"].removesuffix("List"),
        **item,
    }
