"""Copies images and other artefacts from one repository into another, byte for byte.

What is copied has the same digest there: indexes and manifests are not looked into further than to
find what they refer to. Source: OCI image spec 1.1 (descriptors), OCI distribution spec 1.1.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, Protocol

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import is_digest, short
from elfgate.images.mediatypes import INDEXES
from elfgate.images.source import Descriptor
from elfgate.images.upload import Upload

_DEEPEST = 4  # indexes in indexes


class Verbatim(Protocol):
    """A repository that gives what it has as it is."""

    def save(self, descriptor: Descriptor, file: BinaryIO) -> None:
        """Write a blob or document into a file, verified.

        ``UnreadableError`` if it is not to be had.
        """


@dataclass(slots=True)
class Copied:
    """How much a copy took.

    Attributes:
        blobs: Blobs that were sent.
        bytes: Bytes that were sent.
        there: Blobs that were there already.
    """

    blobs: int = 0
    bytes: int = 0
    there: int = 0


async def copy(source: Verbatim, top: Descriptor, upload: Upload, *, name: str) -> Copied:
    """Copy an image, and everything that its index and manifests refer to.

    Parts are sent before what refers to them, so that a copy that breaks off leaves nothing that
    seems whole.

    Args:
        source: The repository that has it.
        top: Its index or manifest.
        upload: The repository that it is sent to.
        name: The tag or digest that it is to have there.

    Raises:
        UnreadableError: if a part is not to be had, or is not what its digest says.
        InputError: if the other registry does not take it.
    """
    copying = _Copying(source, upload)
    await copying.document(top, name, _DEEPEST)
    return copying.copied


@dataclass(frozen=True, slots=True)
class _Copying:
    """A copy under way."""

    source: Verbatim
    upload: Upload
    copied: Copied = field(default_factory=Copied)

    async def document(self, top: Descriptor, name: str, deepest: int) -> None:
        """Copy an index or a manifest, after all that it refers to."""
        if not deepest:
            raise _invalid(top, "is nested too deeply")
        content = BytesIO()
        await asyncio.to_thread(self.source.save, top, content)
        data = content.getvalue()
        document = _document(top, data)
        for child in _described(top, document.get("manifests", ())):
            await self.document(child, child.digest, deepest - 1)
        for blob in _blobs(top, document):
            await self.blob(blob)
        await self.upload.put_manifest(data, name=name, media_type=top.media_type)

    async def blob(self, blob: Descriptor) -> None:
        """Copy a blob; nothing of it is sent before all of it has matched its digest."""
        if await self.upload.has_blob(blob.digest):
            self.copied.there += 1
            return
        with tempfile.TemporaryFile() as file:
            await asyncio.to_thread(self.source.save, blob, file)
            size = file.tell()
            file.seek(0)
            await self.upload.put_file(file, blob.digest, size)
        self.copied.blobs += 1
        self.copied.bytes += size


def _document(top: Descriptor, content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _invalid(top, "is not JSON") from error
    if not isinstance(document, dict):
        raise _invalid(top, "is not an object")
    return document


def _blobs(top: Descriptor, document: Mapping[str, Any]) -> Iterator[Descriptor]:
    """The blobs of a manifest; layers that are elsewhere by design are left there."""
    if "config" in document:
        yield from _described(top, [document["config"]])
    layers = document.get("layers", ())
    own = [layer for layer in layers if not (isinstance(layer, dict) and layer.get("urls"))]
    yield from _described(top, own)


def _described(top: Descriptor, parts: Any) -> Iterator[Descriptor]:
    for part in parts:
        match part:
            case {"mediaType": str(media_type), "digest": str(digest), "size": int(size)} if (
                is_digest(digest) and size >= 0
            ):
                yield Descriptor(media_type, digest, size)
            case _:
                raise _invalid(top, "refers to what is no descriptor")


def _invalid(top: Descriptor, what: str) -> UnreadableError:
    kind = "index" if top.media_type in INDEXES else "manifest"
    message = f"{kind} {short(top.digest)} {what}"
    return UnreadableError(message, reason=UnknownReason.IMAGE_INVALID)
