"""An OCI image layout, in a folder or in an archive: the index at its top, and blobs by digest.

Source: OCI image spec, "Image Layout".
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.digests import digest_of, is_digest, read_verified, short, split_digest
from elfgate.images.indexer import Indexer, LocalIndexer
from elfgate.images.kinds_of_file import contents_of
from elfgate.images.manifest import Index, entries_of, read_document
from elfgate.images.numbered import is_number, numbered
from elfgate.images.reference import spellings
from elfgate.images.source import Descriptor, Limits
from elfgate.rootfs.layer import Layer

LAYOUT_MARK = "oci-layout"
_INDEX = "index.json"
_REF_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"
_SECONDS = 60.0  # for a document from a local disk


class Files(Protocol):
    """A folder's files, wherever they are; thread-safe."""

    def names(self) -> Iterable[str]:
        """Their paths, or those at the folder's top."""

    def open(self, path: str) -> BinaryIO:
        """Open a file by its path within the folder.

        Raises:
            FileNotFoundError: if there is none.
            OSError: if it cannot be read.
        """


class Folder:
    """The files below a folder of this machine."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __str__(self) -> str:
        return str(self._path)

    def names(self) -> Iterable[str]:
        """The names at the folder's top; none if it cannot be read."""
        try:
            return sorted(path.name for path in self._path.iterdir())
        except OSError:
            return ()

    def open(self, path: str) -> BinaryIO:
        """Open a regular file: a FIFO would be waited for without end."""
        descriptor = os.open(self._path / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(f"{path} is not a regular file")
        return os.fdopen(descriptor, "rb")


class Layout:
    """Images of an OCI layout (a ``Source``).

    Args:
        files: The layout's files.
        limits: How much is read of them.
        indexer: What makes indexes of layers; None for this process.
        order: Names images in the order in which their places count; None for the index's own.
    """

    def __init__(
        self,
        files: Files,
        limits: Limits,
        indexer: Indexer | None = None,
        *,
        order: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self._files = files
        self._order = order
        self._limits = limits
        self._indexer = indexer or LocalIndexer()

    def resolve(self, name: str) -> Descriptor:
        """Find an image by its tag, its full name, its digest, or its place (``@0``).

        Without a name, the only image there is.
        """
        if self._order is not None and is_number(name):
            return self.resolve(numbered(self._order(), name, self._files))
        data = self._read_index()
        if is_number(name):
            entries = entries_of(data, f"{_INDEX} of {self._files}")
            return numbered(entries, name, self._files)
        itself = Descriptor(mediatypes.OCI_INDEX, digest_of(data), len(data))
        index = self._parsed(data, itself)
        found = [
            entry
            for entry in index.entries
            if not name or name == entry.digest or name in _names(entry)
        ]
        if _is_one_image(found, index):
            found = [itself]
        if not found and is_digest(name):
            return self._resolve_digest(name)
        digests = {entry.digest for entry in found}
        if len(digests) != 1:
            raise self._not_one(name, index, found)
        return found[0]

    def has_images(self) -> bool:
        """Whether it has an index that lists any."""
        try:
            data = self._read_index()
            itself = Descriptor(mediatypes.OCI_INDEX, digest_of(data))
            return bool(self._parsed(data, itself).entries)
        except UnreadableError:
            return False

    def _parsed(self, data: bytes, itself: Descriptor) -> Index:
        what = f"{_INDEX} of {self._files}"
        index = read_document(data, itself, limits=self._limits, what=what)
        if not isinstance(index, Index):
            raise UnreadableError(f"{what} is not an index", reason=UnknownReason.IMAGE_INVALID)
        return index

    def document(self, descriptor: Descriptor) -> bytes:
        """Read an index, manifest or config."""
        what = f"document {short(descriptor.digest)} of {self._files}"
        with self._blob(descriptor, what) as stream:
            return read_verified(
                stream,
                digest=descriptor.digest,
                size=descriptor.size,
                what=what,
                limit=self._limits.manifest_bytes,
                seconds=_SECONDS,
            )

    def layer(self, descriptor: Descriptor) -> Layer:
        """Read a layer."""
        with self._blob(descriptor, f"layer {short(descriptor.digest)} of {self._files}") as stream:
            return self._indexer.layer(stream, descriptor, self._limits)

    def _resolve_digest(self, digest: str) -> Descriptor:
        """Find what the top index does not name: one platform's manifest, say."""
        data = self.document(Descriptor("", digest))
        document = read_document(data, Descriptor("", digest), limits=self._limits)
        media_type = (
            mediatypes.OCI_INDEX if isinstance(document, Index) else mediatypes.OCI_MANIFEST
        )
        return Descriptor(media_type, digest, len(data))

    def _read_index(self) -> bytes:
        try:
            with self._files.open(_INDEX) as stream:
                data = stream.read(self._limits.manifest_bytes + 1)
        except FileNotFoundError as error:
            kind, hint = contents_of(self._files.names())
            raise UnreadableError(
                f"{self._files} is no OCI layout: it "
                f"{f'is {kind}' if kind else f'has no {_INDEX}'}",
                reason=UnknownReason.IMAGE_NOT_FOUND,
                hint=hint,
            ) from error
        except OSError as error:
            raise unreadable(f"{self._files}/{_INDEX}", error) from error
        if len(data) > self._limits.manifest_bytes:
            raise UnreadableError(
                f"{self._files}/{_INDEX} is larger than {self._limits.manifest_bytes} bytes",
                reason=UnknownReason.LIMIT_EXCEEDED,
            )
        return data

    @contextmanager
    def _blob(self, descriptor: Descriptor, what: str) -> Iterator[BinaryIO]:
        try:
            with self._find(descriptor.digest, what) as stream:
                yield stream
        except OSError as error:
            raise unreadable(what, error) from error

    def _find(self, digest: str, what: str) -> BinaryIO:
        algorithm, digits = split_digest(digest)
        try:
            return self._files.open(f"blobs/{algorithm}/{digits}")
        except FileNotFoundError as error:
            index = self._read_index()  # the one document that lies elsewhere
            if digest_of(index) != digest:
                raise UnreadableError(
                    f"{what} is missing", reason=UnknownReason.IMAGE_NOT_FOUND
                ) from error
            return BytesIO(index)

    def _not_one(self, name: str, index: Index, found: list[Descriptor]) -> UnreadableError:
        known = sorted({tag for entry in index.entries for tag in _names(entry)})
        hint = (
            f"name one of {', '.join(known[:10])}"
            if known
            else "the images there have no names: use a digest"
        )
        if found:
            wanted = (
                f"several images named {name!r}" if name else "several images, and none was named"
            )
        else:
            wanted = f"no image named {name!r}" if name else "no image"
        return UnreadableError(
            f"{self._files} has {wanted}", reason=UnknownReason.IMAGE_NOT_FOUND, hint=hint
        )


def unreadable(what: str, error: OSError) -> UnreadableError:
    """An error of the operating system, said of an image on this machine."""
    reason = (
        UnknownReason.NO_CREDENTIALS
        if isinstance(error, PermissionError)
        else UnknownReason.IMAGE_INVALID
    )
    return UnreadableError(f"{what} cannot be read: {error.strerror or error}", reason=reason)


def _is_one_image(found: list[Descriptor], index: Index) -> bool:
    """Whether the top index is the image that was found: one entry a platform, of one name."""
    is_all = bool(found) and found == list(index.entries)
    names = {_names(entry) for entry in found}
    is_named = len(found) == 1 and names != {frozenset()}
    return is_all and len(names) == 1 and not is_named and all(entry.platform for entry in found)


def _names(entry: Descriptor) -> frozenset[str]:
    names = (entry.annotations.get(key, "") for key in (_REF_NAME, _CONTAINERD_NAME))
    return frozenset(spelling for name in names if name for spelling in spellings(name))
