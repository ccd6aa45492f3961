"""A registry's repository, over its HTTP API.

Sources: OCI distribution spec 1.1; Docker Registry HTTP API V2.
"""

from io import BytesIO
from typing import BinaryIO

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.api import Api
from elfgate.images.deadline import deadline, seconds_left
from elfgate.images.digests import (
    Reader,
    VerifiedReader,
    is_digest,
    read_verified,
    short,
    split_digest,
)
from elfgate.images.doors import Doors
from elfgate.images.encoded import Decoded, decoded, is_known
from elfgate.images.hosts import Capability
from elfgate.images.pared import LIGHT_BYTES
from elfgate.images.registry_options import RegistryOptions
from elfgate.images.resolving import Resolver
from elfgate.images.source import Descriptor, Limits, Watch
from elfgate.images.tags import listed
from elfgate.rootfs.layer import Layer

_PIECE = 1 << 20
_REFERRERS_BYTES = 1 << 20


class Repository:
    """One repository of a registry (a ``Source``). Made by ``Registries``.

    Args:
        name: Registry and repository, for messages.
        doors: The ways in.
        options: How long its documents may take.
        limits: How much is read of what it answers.
    """

    def __init__(self, name: str, doors: Doors, options: RegistryOptions, limits: Limits) -> None:
        self._name = name
        self._doors = doors
        self._options = options
        self._limits = limits
        self._resolver = Resolver(limits, self._short)

    def resolve(self, name: str) -> Descriptor:
        """The manifest that a tag or digest points at now.

        By HEAD, which registries do not count as a pull.
        """
        what = f"{self._name}{'@' if is_digest(name) else ':'}{name}"
        capabilities = {Capability.PULL}
        if not is_digest(name):
            capabilities.add(Capability.RESOLVE)

        def ask(api: Api) -> Descriptor:
            return self._resolver.resolve(api, name, what)

        with deadline(self._options.document_seconds):
            return self._doors.first(capabilities, what, ask)

    def document(self, descriptor: Descriptor) -> bytes:
        """Fetch an index, manifest or config; of a heavy one, what is read of it (``pared``)."""
        what = f"{self._name}@{short(descriptor.digest)}"
        return self._short(self.whole(descriptor, self._limits.manifest_bytes), what)

    def whole(self, descriptor: Descriptor, limit: int) -> bytes:
        """The bytes of a manifest or a blob, of which there may be so many: digest verified."""
        split_digest(descriptor.digest)
        what = f"{self._name}@{short(descriptor.digest)}"
        path = _path(descriptor)

        def fetch(api: Api) -> bytes:
            with api.blob(path, what, descriptor.size) as body:
                plain: Reader = body
                if body.encoding:
                    plain = decoded(body, body.encoding, descriptor.digest, what, limit)
                return read_verified(
                    plain,
                    digest=descriptor.digest,
                    size=descriptor.size,
                    what=what,
                    limit=limit,
                    seconds=seconds_left(),
                )

        with deadline(self._options.document_seconds):
            return self._doors.first({Capability.PULL}, what, fetch)

    def tags(self) -> tuple[str, ...]:
        """The repository's first tags (``Tagged``)."""
        what = f"tags of {self._name}"
        limit = self._limits.manifest_bytes

        def fetch(api: Api) -> tuple[str, ...]:
            def page(path: str) -> bytes:
                with api.get(path, what) as reply:
                    return reply.read_bounded(limit, what)

            return listed(page, what)

        with deadline(self._options.document_seconds):
            return self._doors.first({Capability.PULL, Capability.RESOLVE}, what, fetch)

    def referrers(self, digest: str) -> bytes:
        """The index of manifests that refer to one; by the fallback tag, where there is no API.

        Source: OCI distribution spec 1.1, "Listing Referrers".
        """
        split_digest(digest)
        what = f"referrers of {self._name}@{short(digest)}"
        tag = f"manifests/{digest.replace(':', '-')}"

        def fetch(api: Api) -> bytes:
            try:
                return _index_of(api, f"referrers/{digest}", what)
            except UnreadableError:
                return _index_of(api, tag, what)

        with deadline(self._options.document_seconds):
            return self._doors.first({Capability.PULL}, what, fetch)

    def save(self, descriptor: Descriptor, file: BinaryIO) -> None:
        """Write an index, manifest or blob into a file, verified, byte for byte.

        The file's content is to be believed only once this has returned.
        """
        split_digest(descriptor.digest)
        is_manifest = _is_manifest(descriptor)
        what = f"{self._name}@{short(descriptor.digest)}"
        path = _path(descriptor)

        limit = self._limits.manifest_bytes if is_manifest else self._limits.layer_bytes
        at_once = 0 if is_manifest else descriptor.size

        def fetch(api: Api) -> None:
            file.seek(0)
            file.truncate()
            with api.blob(path, what, at_once) as body:
                verified = VerifiedReader(
                    body,
                    digest=descriptor.digest,
                    size=descriptor.size,
                    what=what,
                    seconds=self._limits.seconds,
                )
                while data := verified.read(_PIECE):
                    file.write(data)
                    _bound(verified.count, limit, what)
                verified.finish()

        with deadline(self._limits.seconds):
            self._doors.first({Capability.PULL}, what, fetch)

    def layer(self, descriptor: Descriptor) -> Layer:
        """Fetch a layer; it is verified and indexed while it comes."""
        split_digest(descriptor.digest)
        what = f"layer {short(descriptor.digest)} of {self._name}"
        path = f"blobs/{descriptor.digest}"
        if descriptor.data:
            return self._indexed(BytesIO(descriptor.content), descriptor)

        def fetch(api: Api) -> Layer:
            with api.blob(path, what, descriptor.size) as body:
                try:
                    return self._indexed(self._watched(body, what, descriptor.size), descriptor)
                except UnreadableError as error:
                    is_encoded = body.encoding and is_known(body.encoding)
                    if not is_encoded or error.reason is not UnknownReason.IMAGE_INVALID:
                        raise
            with api.blob(path, what) as body:
                watched = self._watched(body, what, descriptor.size)
                return self._indexed(Decoded(watched, body.encoding, what), descriptor)

        with deadline(self._limits.seconds):
            return self._doors.first({Capability.PULL}, what, fetch)

    def layer_by_table(self, descriptor: Descriptor) -> Layer:
        """Index a layer by its table of contents, fetching only what may matter (``partial``)."""
        split_digest(descriptor.digest)
        what = f"layer {short(descriptor.digest)} of {self._name}"
        path = f"blobs/{descriptor.digest}"

        def read(api: Api) -> Layer:
            def fetch(start: int, end: int) -> bytes:
                data = api.span(path, start, end, what)
                if self._options.watch:
                    self._options.watch.expect(what, len(data))
                    self._options.watch.add(len(data))
                return data

            return self._options.indexer.layer_by_table(descriptor, fetch, self._limits)

        with deadline(self._limits.seconds):
            return self._doors.first({Capability.PULL}, what, read)

    def _short(self, document: bytes, what: str) -> bytes:
        if len(document) <= LIGHT_BYTES:
            return document
        return self._options.indexer.document(document, what)

    def _watched(self, body: Reader, what: str, size: int) -> Reader:
        watch = self._options.watch
        if watch is None:
            return body
        watch.expect(what, size)
        return _Watched(body, watch)

    def _indexed(self, stream: Reader, descriptor: Descriptor) -> Layer:
        return self._options.indexer.layer(stream, descriptor, self._limits)


def _is_manifest(descriptor: Descriptor) -> bool:
    return descriptor.media_type in mediatypes.INDEXES | mediatypes.MANIFESTS


def _path(descriptor: Descriptor) -> str:
    """The path of a manifest or blob within its repository."""
    folder = "manifests" if _is_manifest(descriptor) else "blobs"
    return f"{folder}/{descriptor.digest}"


def _bound(count: int, limit: int, what: str) -> None:
    if count > limit:
        message = f"{what} is larger than {limit} bytes"
        raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)


def _index_of(api: Api, path: str, what: str) -> bytes:
    with api.get(path, what) as reply:
        media_type = mediatypes.essence(reply.headers.get("content-type", ""))
        if media_type != mediatypes.OCI_INDEX:
            raise UnreadableError(f"{what} are not listed", reason=UnknownReason.IMAGE_NOT_FOUND)
        return reply.read_bounded(_REFERRERS_BYTES, what)


class _Watched:
    """A stream that tells how much of it has been read."""

    def __init__(self, stream: Reader, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._watch.add(len(data))
        return data
