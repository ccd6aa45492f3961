"""Images in the archive that ``docker save`` wrote before it wrote OCI layouts.

podman and crane still write it.

Such an archive has no manifests. They are made here, so that callers see no difference. Its layers'
digests are the diff IDs of the image's config where they are stored unpacked (Docker, podman), and
are computed where not (crane).

Source: Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

import hashlib
from dataclasses import dataclass
from functools import partial

import orjson

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.archive import Archive
from elfgate.images.digests import digest_of, short
from elfgate.images.docker_listing import LISTING, Listed, listing, member, missing
from elfgate.images.indexer import Indexer, LocalIndexer
from elfgate.images.layout import LAYOUT_MARK, Layout, unreadable
from elfgate.images.manifest import read_config
from elfgate.images.numbered import is_number, numbered
from elfgate.images.reference import spellings
from elfgate.images.source import Descriptor, Limits, Source
from elfgate.images.streams import is_compressed
from elfgate.rootfs.layer import Layer


@dataclass(frozen=True, slots=True)
class _Found:
    """An image of the archive with the manifest made for it, and where its blobs lie."""

    descriptor: Descriptor
    names: tuple[str, ...]
    documents: dict[str, bytes]
    layers: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Broken:
    """An image of the archive that cannot be read; it spoils no other."""

    names: tuple[str, ...]
    error: UnreadableError


def open_docker_archive(path: str, limits: Limits, indexer: Indexer | None = None) -> Source:
    """Open what ``docker save`` wrote, in either form.

    Raises:
        UnreadableError: if it is missing or no such archive.
    """
    archive = Archive(path, limits)
    if LAYOUT_MARK not in archive:
        return DockerArchive(archive, limits, indexer)
    if LISTING not in archive:
        return Layout(archive, limits, indexer)
    # The new form carries the old one's manifest.json as well, but that one knows of one platform
    # only. Both list images in orders of their own, and skopeo counts by the old one.
    layout = Layout(archive, limits, indexer, order=partial(_first_names, archive, limits))
    if layout.has_images():
        return layout
    return DockerArchive(archive, limits, indexer)


def _first_names(archive: Archive, limits: Limits) -> list[str]:
    """A name of each image of the old form, in order; empty where an image has none."""
    return [next(iter(image.names or ()), "") for image in listing(archive, limits)]


class DockerArchive:
    """Images of a ``docker save`` archive of the old form (a ``Source``).

    Args:
        archive: Its files.
        limits: How much is read of them.
        indexer: What makes indexes of layers; None for this process.

    Raises:
        UnreadableError: if it is no such archive.
    """

    def __init__(self, archive: Archive, limits: Limits, indexer: Indexer | None = None) -> None:
        self._archive = archive
        self._limits = limits
        self._indexer = indexer or LocalIndexer()
        self._documents: dict[str, bytes] = {}
        self._layers: dict[str, str] = {}
        self._images = [self._listed(image) for image in listing(self._archive, self._limits)]

    def resolve(self, name: str) -> Descriptor:
        """Find an image by its name (``alpine:3.20``), its digest, or its place (``@0``).

        Without a name, the only image there is.
        """
        if is_number(name):
            return _sound(numbered(self._images, name, self._archive))
        found = [image for image in self._images if not name or _answers(image, name)]
        if len({_identity(image) for image in found}) == 1:
            return _sound(found[0])
        wanted = f" named {name!r}" if name else ""
        known = sorted({known for image in self._images for known in image.names if known})
        nameless = "only images without a name" if self._images else "no image at all"
        raise UnreadableError(
            f"{self._archive} has {'several images' if found else 'no image'}{wanted}",
            reason=UnknownReason.IMAGE_NOT_FOUND,
            hint=f"it has {', '.join(known[:10]) or nameless}",
        )

    def document(self, descriptor: Descriptor) -> bytes:
        """A manifest as it was made, or a config as it lies in the archive."""
        data = self._documents.get(descriptor.digest)
        if data is None:
            raise missing(self._archive, f"document {short(descriptor.digest)}")
        return data

    def layer(self, descriptor: Descriptor) -> Layer:
        """Read a layer."""
        path = self._layers.get(descriptor.digest)
        if path is None:
            raise missing(self._archive, f"layer {short(descriptor.digest)}")
        try:
            with self._archive.open(path) as stream:
                return self._indexer.layer(stream, descriptor, self._limits)
        except OSError as error:
            raise unreadable(f"{path} of {self._archive}", error) from error

    def _listed(self, image: Listed) -> _Found | _Broken:
        try:
            found = self._find(image)
        except UnreadableError as error:
            return _Broken(tuple(image.names or ()), error)
        self._documents |= found.documents
        self._layers |= found.layers
        return found

    def _find(self, image: Listed) -> _Found:
        config = member(self._archive, image.config, self._limits)
        descriptor = Descriptor(mediatypes.DOCKER_CONFIG, digest_of(config), len(config))
        diff_ids = read_config(config, descriptor).diff_ids
        if len(diff_ids) != len(image.layers):
            raise UnreadableError(
                f"{image.config} of {self._archive} names {len(diff_ids)} layers, {LISTING} "
                f"{len(image.layers)}",
                reason=UnknownReason.IMAGE_INVALID,
            )
        layers = [
            self._layer(path, diff_id) for path, diff_id in zip(image.layers, diff_ids, strict=True)
        ]
        manifest = _manifest(descriptor, layers)
        return _Found(
            descriptor=Descriptor(mediatypes.DOCKER_MANIFEST, digest_of(manifest), len(manifest)),
            names=tuple(image.names or ()),
            documents={digest_of(manifest): manifest, descriptor.digest: config},
            layers={layer.digest: path for layer, path in zip(layers, image.layers, strict=True)},
        )

    def _layer(self, path: str, diff_id: str) -> Descriptor:
        try:
            with self._archive.open(path) as stream:
                if not is_compressed(stream.read(4)):
                    return Descriptor(mediatypes.DOCKER_LAYER, diff_id, self._archive.size(path))
            with self._archive.open(path) as stream:
                digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
            return Descriptor(f"{mediatypes.DOCKER_LAYER}.gzip", digest, self._archive.size(path))
        except FileNotFoundError as error:
            raise missing(self._archive, path) from error
        except OSError as error:
            raise unreadable(f"{path} of {self._archive}", error) from error


def _manifest(config: Descriptor, layers: list[Descriptor]) -> bytes:
    return orjson.dumps(
        {
            "schemaVersion": 2,
            "mediaType": mediatypes.DOCKER_MANIFEST,
            "config": _written(config),
            "layers": [_written(layer) for layer in layers],
        }
    )


def _written(descriptor: Descriptor) -> dict[str, str | int]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }


def _sound(image: _Found | _Broken) -> Descriptor:
    """The descriptor of an image that can be read.

    Raises:
        UnreadableError: if it cannot.
    """
    if isinstance(image, _Broken):
        raise image.error
    return image.descriptor


def _identity(image: _Found | _Broken) -> str:
    """The text that all names of one image have in common."""
    return str(image.error) if isinstance(image, _Broken) else image.descriptor.digest


def _answers(image: _Found | _Broken, name: str) -> bool:
    return name == _identity(image) or any(name in spellings(known) for known in image.names)
