"""Images in a registry, over its HTTP API.

Sources: OCI distribution spec 1.1; Docker Registry HTTP API V2.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.api import Api
from elfgate.images.auth import Chain, Credentials
from elfgate.images.connections import Connections
from elfgate.images.deadline import deadline, seconds_left
from elfgate.images.digests import (
    Reader,
    VerifiedReader,
    digest_of,
    is_digest,
    read_verified,
    short,
    split_digest,
)
from elfgate.images.doors import Doors
from elfgate.images.encoded import GZIP, Inflated, decoded
from elfgate.images.hosts import Capability, HostsFolders
from elfgate.images.indexer import Indexer, LocalIndexer
from elfgate.images.keyring import Keyring
from elfgate.images.manifest import Index, read_document
from elfgate.images.pared import LIGHT_BYTES
from elfgate.images.reference import Reference
from elfgate.images.source import Descriptor, Limits, Watch
from elfgate.images.tags import listed
from elfgate.rootfs.layer import Layer

_MOST_REPOSITORIES = 4_096  # remembered, with their tokens: pods may name any number of them
_PIECE = 1 << 20
_DIGEST_HEADER = "docker-content-digest"
_SAME_BY_GET = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})
_REFERRERS_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """How registries are asked.

    Attributes:
        plain_http: Hosts (with their ports) that are asked without TLS, besides those of this
            machine.
        config_path: Folders like ``/etc/containerd/certs.d``, with a ``hosts.toml`` for each
            registry.
        loopback: Whether a reference may name a registry on this machine.
        named: Registries that may be on this machine even if others may not.
        connect_seconds: How long a host may take to take a connection.
        read_seconds: How long it may say nothing.
        document_seconds: How long a tag, index, manifest or config may take in all.
        watch: Told what is fetched of layers, from any thread.
        indexer: What makes indexes of layers, and short documents of heavy ones.
    """

    plain_http: frozenset[str] = frozenset()
    config_path: tuple[Path, ...] = ()
    loopback: bool = True
    named: frozenset[str] = frozenset()
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    document_seconds: float = 30.0
    watch: Watch | None = None
    indexer: Indexer = field(default_factory=LocalIndexer)


class Registries:
    """All registries: connections and tokens are shared between the sources made here. Thread-safe.

    Args:
        credentials: Who knows credentials, if anyone does.
        options: How registries are asked.
        limits: How much is read of what they answer.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        options: RegistryOptions | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._credentials = credentials or Chain()
        self._options = options or RegistryOptions()
        self._limits = limits or Limits()
        self._hosts = HostsFolders(self._options.config_path, plain_http=self._options.plain_http)
        self._connections = Connections(
            connect_seconds=self._options.connect_seconds, read_seconds=self._options.read_seconds
        )
        self._repositories: dict[tuple[str, str], Repository] = {}
        self._lock = threading.Lock()

    def repository(self, reference: Reference, keyring: Keyring | None = None) -> "Repository":
        """The source of a reference's repository.

        Args:
            reference: Which.
            keyring: Credentials of whoever asks, tried before those that all share.
        """
        key = (reference.name, keyring.identity(reference.name) if keyring else "")
        with self._lock:
            found = self._repositories.pop(key, None)
            if found is None:
                credentials = (
                    Chain(keyring, self._credentials) if keyring and key[1] else self._credentials
                )
                loopback = self._options.loopback or reference.registry in self._options.named
                doors = Doors(
                    reference, self._hosts, credentials, self._connections, loopback=loopback
                )
                found = Repository(reference.name, doors, self._options, self._limits)
            self._repositories[key] = (
                found  # again at the end: the first is the one asked for longest ago
            )
            if len(self._repositories) > _MOST_REPOSITORIES:
                del self._repositories[next(iter(self._repositories))]
            return found

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()


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

    def resolve(self, name: str) -> Descriptor:
        """The manifest that a tag or digest points at now.

        By HEAD, which registries do not count as a pull.
        """
        what = f"{self._name}{'@' if is_digest(name) else ':'}{name}"
        capabilities = (
            {Capability.PULL} if is_digest(name) else {Capability.PULL, Capability.RESOLVE}
        )
        with deadline(self._options.document_seconds):
            return self._doors.first(capabilities, what, lambda api: self._resolve(api, name, what))

    def document(self, descriptor: Descriptor) -> bytes:
        """Fetch an index, manifest or config; of a heavy one, what is read of it (``pared``)."""
        what = f"{self._name}@{short(descriptor.digest)}"
        return self._short(self.whole(descriptor, self._limits.manifest_bytes), what)

    def whole(self, descriptor: Descriptor, limit: int) -> bytes:
        """The bytes of a manifest or a blob, of which there may be so many: digest verified."""
        split_digest(descriptor.digest)
        is_manifest = descriptor.media_type in mediatypes.INDEXES | mediatypes.MANIFESTS
        what = f"{self._name}@{short(descriptor.digest)}"
        path = f"{'manifests' if is_manifest else 'blobs'}/{descriptor.digest}"

        def fetch(api: Api) -> bytes:
            with api.blob(path, what) as body:
                return read_verified(
                    decoded(body, descriptor.digest, what, limit) if body.encoding else body,
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
        is_manifest = descriptor.media_type in mediatypes.INDEXES | mediatypes.MANIFESTS
        what = f"{self._name}@{short(descriptor.digest)}"
        path = f"{'manifests' if is_manifest else 'blobs'}/{descriptor.digest}"

        def fetch(api: Api) -> None:
            file.seek(0)
            file.truncate()
            with api.blob(path, what, 0 if is_manifest else descriptor.size) as body:
                verified = VerifiedReader(
                    body,
                    digest=descriptor.digest,
                    size=descriptor.size,
                    what=what,
                    seconds=self._limits.seconds,
                )
                while data := verified.read(_PIECE):
                    file.write(data)
                    self._bound(verified.count, is_manifest, what)
                verified.finish()

        with deadline(self._limits.seconds):
            self._doors.first({Capability.PULL}, what, fetch)

    def _bound(self, count: int, is_manifest: bool, what: str) -> None:  # noqa: FBT001 - private
        limit = self._limits.manifest_bytes if is_manifest else self._limits.layer_bytes
        if count > limit:
            message = f"{what} is larger than {limit} bytes"
            raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)

    def layer(self, descriptor: Descriptor) -> Layer:
        """Fetch a layer; it is verified and indexed while it comes."""
        split_digest(descriptor.digest)
        what = f"layer {short(descriptor.digest)} of {self._name}"
        path = f"blobs/{descriptor.digest}"

        def fetch(api: Api) -> Layer:
            with api.blob(path, what, descriptor.size) as body:
                try:
                    return self._indexed(self._watched(body, what, descriptor.size), descriptor)
                except UnreadableError as error:
                    is_encoded = body.encoding in GZIP
                    if not is_encoded or error.reason is not UnknownReason.IMAGE_INVALID:
                        raise
            with api.blob(path, what) as body:
                watched = self._watched(body, what, descriptor.size)
                return self._indexed(Inflated(watched, what), descriptor)

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

    def _resolve(self, api: Api, name: str, what: str) -> Descriptor:
        path = f"manifests/{name}"
        with api.ask("HEAD", path) as reply:
            if reply.status in _SAME_BY_GET:
                api.check_status(reply, what)
            if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
                descriptor = _described(name, reply.headers, what)
                if descriptor is not None:
                    return descriptor
        return self._resolve_by_get(api, name, path, what)

    def _resolve_by_get(self, api: Api, name: str, path: str, what: str) -> Descriptor:
        """For registries that answer HEAD in part, not at all, or with an error where GET works."""
        with api.get(path, what) as reply:
            media_type = mediatypes.essence(reply.headers.get("content-type", ""))
            if media_type == "text/html":
                raise UnreadableError(
                    f"{what} cannot be had: the registry answers with a web page",
                    reason=UnknownReason.REGISTRY_UNREACHABLE,
                )
            limit = self._limits.manifest_bytes
            data = reply.read_bounded(limit, what)
            claimed = name if is_digest(name) else _claimed(reply.headers)
            if reply.encoding:
                data = decoded(BytesIO(data), claimed, what, limit).getvalue()
        digest = claimed or digest_of(data)
        read_verified(
            BytesIO(data), digest=digest, size=0, what=what, limit=len(data), seconds=seconds_left()
        )
        if media_type not in mediatypes.INDEXES | mediatypes.MANIFESTS:
            short_one = self._short(data, what)
            document = read_document(short_one, Descriptor(media_type, digest), limits=self._limits)
            media_type = (
                mediatypes.OCI_INDEX if isinstance(document, Index) else mediatypes.OCI_MANIFEST
            )
        return Descriptor(media_type, digest, len(data))


def _index_of(api: Api, path: str, what: str) -> bytes:
    with api.get(path, what) as reply:
        media_type = mediatypes.essence(reply.headers.get("content-type", ""))
        if media_type != mediatypes.OCI_INDEX:
            raise UnreadableError(f"{what} are not listed", reason=UnknownReason.IMAGE_NOT_FOUND)
        return reply.read_bounded(_REFERRERS_BYTES, what)


def _described(name: str, headers: Mapping[str, str], what: str) -> Descriptor | None:
    """The descriptor that a manifest's headers give, or None if they give too little.

    A digest that the headers claim is believed until the document is read, and then verified.
    """
    media_type = mediatypes.essence(headers.get("content-type", ""))
    digest = _claimed(headers) or name
    if is_digest(name) and digest.partition(":")[0] != name.partition(":")[0]:
        digest = name  # asked for by sha512, registries answer with the sha256
    if is_digest(name) and digest != name:
        raise UnreadableError(
            f"{what} does not match its digest: {digest[:80]}", reason=UnknownReason.IMAGE_INVALID
        )
    if media_type not in mediatypes.INDEXES | mediatypes.MANIFESTS or not is_digest(digest):
        return None
    # The length is not taken down: registries have sent wrong ones to HEAD, and the digest says
    # more.
    return Descriptor(media_type, digest)


def _claimed(headers: Mapping[str, str]) -> str:
    """The digest that the headers claim; empty if none, or several."""
    claims = {claim.strip() for claim in headers.get(_DIGEST_HEADER, "").split(",")}
    return claims.pop() if len(claims) == 1 else ""


class _Watched:
    """A stream that tells how much of it has been read."""

    def __init__(self, stream: Reader, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._watch.add(len(data))
        return data
