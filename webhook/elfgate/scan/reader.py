"""Images → what a node would run of them. Store first: what was read once, under any name, is not read again."""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.choose import choose
from elfgate.images.digests import is_digest
from elfgate.images.manifest import Config, Index, Manifest, read_config, read_document
from elfgate.images.source import Descriptor, Limits, Source
from elfgate.linkage.report import Variant
from elfgate.linkage.start import ImageDefaults
from elfgate.linkage.variant import variant
from elfgate.platforms import ARCHITECTURES, Architecture, Platform
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Tree
from elfgate.scan.flights import Flights, Recent
from elfgate.store.protocol import Kind, Store

_DEEPEST_INDEX = 4
TAG_SECONDS = 30.0  # how long a tag is taken to point where it pointed


@dataclass(frozen=True, slots=True)
class Located:
    """Where an image is to be had.

    Attributes:
        image: As it was asked for.
        source: What holds it.
        name: Its tag or digest there.
        repository: Its repository's familiar name, or empty if it has none (a folder, an archive).
        tag: Its tag, or empty.
    """

    image: str
    source: Source
    name: str
    repository: str = ""
    tag: str = ""


class Locate(Protocol):
    """Finds the source of an image as written. Raises ``InputError`` if it cannot be one."""

    def __call__(self, image: str) -> Located:
        """Find it."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image whose top document has been read.

    Attributes:
        located: Where it came from.
        digest: Of its index, or of its only manifest.
        entries: The manifests that its index lists; the only one, if there is no index.
        is_index: Whether there is an index to choose from.
    """

    located: Located
    digest: str
    entries: tuple[Descriptor, ...]
    is_index: bool

    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that the index names, in its order."""
        return tuple(dict.fromkeys(entry.platform for entry in self.entries if entry.platform))


@dataclass(frozen=True, slots=True)
class Contents:
    """What a node would run of an image.

    Attributes:
        digest: The manifest's.
        declared: The platform that the config names.
        defaults: How it starts if the pod says nothing else.
        tree: Its file system.
        variant: Its nature.
        startable: False for artifacts and data, which have nothing to start.
    """

    digest: str
    declared: Platform
    defaults: ImageDefaults
    tree: Tree
    variant: Variant
    startable: bool = True


class Reader:
    """Reads images, once each. Belongs to one event loop; blocking work goes to threads of its own.

    Args:
        store: Where facts are kept by digest.
        limits: What counts as hostile.
        concurrency: How many blocking reads run at once.
    """

    def __init__(self, *, store: Store, limits: Limits | None = None, concurrency: int | None = None) -> None:
        self._store = store
        self._limits = limits or Limits()
        self._threads = ThreadPoolExecutor(concurrency or (os.cpu_count() or 1) + 1, thread_name_prefix="read")
        self._flights = Flights(self._threads)
        self._opened: Recent[str, tuple[float, Image]] = Recent(4096)
        self._layers: Recent[str, Layer] = Recent(512)
        self._contents: Recent[str, Contents] = Recent(256)

    async def read(self, located: Located, platform: Platform) -> tuple[Image, Contents | None]:
        """What a node of that platform would pull and run; None if the image has nothing for it.

        Whoever gives up waiting does not end the reading.

        Raises:
            UnreadableError: if it cannot be read.
        """

        async def flight() -> tuple[Image, Contents | None]:
            image = await self.open(located)
            chosen = choose(image.entries, platform) if image.is_index else image.entries[0]
            return image, None if chosen is None else await self.contents(image, chosen)

        return await self._flights.join(f"{located.image} on {platform}", flight)

    async def open(self, located: Located) -> Image:
        """Read an image's top document. A tag's answer holds for ``TAG_SECONDS``.

        Raises:
            UnreadableError: if it cannot be read.
        """
        expires, image = self._opened.get(located.image) or (0.0, None)
        if image is None or time.monotonic() > expires:
            image = await self._flights.join(located.image, lambda: self._open(located))
            self._opened.put(located.image, (time.monotonic() + TAG_SECONDS, image))
        return image

    async def contents(self, image: Image, descriptor: Descriptor) -> Contents:
        """What one of the image's manifests describes.

        Raises:
            UnreadableError: if it cannot be read.
        """
        known = self._contents.get(descriptor.digest)
        if known is not None:
            return known
        source = image.located.source
        manifest = read_document(await self._document(source, descriptor), descriptor, limits=self._limits)
        if isinstance(manifest, Index) or manifest.artifact:
            return _data(descriptor.digest)
        config = read_config(await self._document(source, manifest.config), manifest.config)
        layers = await asyncio.gather(*(self._layer(source, layer) for layer in manifest.layers))
        return self._keep(descriptor.digest, config, layers)

    def known(self, digest: str, platform: Platform) -> Contents | None:
        """What the store alone tells of an image on a platform; None if anything of it is missing there."""
        try:
            return self._known(digest, platform)
        except UnreadableError:
            return None

    def tags(self, repository: str) -> Sequence[tuple[str, str]]:
        """The repository's tags seen so far, the latest first, each with its digest."""
        return self._store.tags(repository) if repository else ()

    async def close(self) -> None:
        """Stop reading, and let go of the threads."""
        await self._flights.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _open(self, located: Located) -> Image:
        descriptor = await self._resolve(located)
        document = read_document(await self._document(located.source, descriptor), descriptor, limits=self._limits)
        if located.repository and located.tag:
            self._store.tag(located.repository, located.tag, descriptor.digest)
        if not isinstance(document, Index):
            return Image(located, descriptor.digest, (descriptor,), is_index=False)
        return Image(located, descriptor.digest, await self._flatten(located.source, document), is_index=True)

    async def _resolve(self, located: Located) -> Descriptor:
        """What the image's name points at. A digest points at itself: what the store has of it needs no source."""
        if is_digest(located.name) and self._store.get(Kind.DOCUMENT, located.name) is not None:
            return Descriptor("", located.name)
        return await self._flights.on_thread(f"resolve {located.image}", lambda: located.source.resolve(located.name))

    async def _flatten(self, source: Source, index: Index, depth: int = 1) -> tuple[Descriptor, ...]:
        """Indexes may hold indexes (OCI image index spec); whoever chooses sees manifests only."""
        flat: list[Descriptor] = []
        for entry in index.entries:
            if entry.media_type not in mediatypes.INDEXES:
                flat.append(entry)
            elif depth == _DEEPEST_INDEX:
                raise UnreadableError(f"index {entry.digest} is nested too deeply", reason=UnknownReason.LIMIT_EXCEEDED)
            else:
                nested = read_document(await self._document(source, entry), entry, limits=self._limits)
                flat += await self._flatten(source, nested, depth + 1) if isinstance(nested, Index) else (entry,)
        return tuple(flat)

    def _known(self, digest: str, platform: Platform) -> Contents | None:
        descriptor = Descriptor("", digest)
        document = self._kept_document(descriptor)
        if isinstance(document, Index):
            chosen = choose(document.entries, platform)
            if chosen is None:
                return None
            descriptor, document = chosen, self._kept_document(chosen)
        if (known := self._contents.get(descriptor.digest)) is not None:
            return known
        if document is None or isinstance(document, Index) or document.artifact:
            return None
        config = self._store.get(Kind.DOCUMENT, document.config.digest)
        layers = [layer for entry in document.layers if (layer := self._kept_layer(entry.digest)) is not None]
        if config is None or len(layers) < len(document.layers):
            return None
        return self._keep(descriptor.digest, read_config(config, document.config), layers)

    def _kept_document(self, descriptor: Descriptor) -> Index | Manifest | None:
        kept = self._store.get(Kind.DOCUMENT, descriptor.digest)
        return None if kept is None else read_document(kept, descriptor, limits=self._limits)

    def _keep(self, digest: str, config: Config, layers: Sequence[Layer]) -> Contents:
        tree = Tree(layers)
        contents = Contents(digest, config.platform, config.defaults, tree, variant(tree, _architecture(config)))
        self._contents.put(digest, contents)
        return contents

    async def _document(self, source: Source, descriptor: Descriptor) -> bytes:
        kept = self._store.get(Kind.DOCUMENT, descriptor.digest)
        if kept is not None:
            return kept
        document = await self._flights.on_thread(descriptor.digest, lambda: source.document(descriptor))
        if _has_content_address(descriptor):
            self._store.put(Kind.DOCUMENT, descriptor.digest, document)
        return document

    async def _layer(self, source: Source, descriptor: Descriptor) -> Layer:
        kept = self._kept_layer(descriptor.digest)
        if kept is not None:
            return kept
        layer = await self._flights.on_thread(descriptor.digest, lambda: self._read_layer(source, descriptor))
        self._layers.put(descriptor.digest, layer)
        return layer

    def _read_layer(self, source: Source, descriptor: Descriptor) -> Layer:
        layer = source.layer(descriptor)
        if _has_content_address(descriptor):
            self._store.put(Kind.LAYER, descriptor.digest, layer.encode())
        return layer

    def _kept_layer(self, digest: str) -> Layer | None:
        layer = self._layers.get(digest)
        if layer is None and (blob := self._store.get(Kind.LAYER, digest)) is not None:
            try:
                layer = Layer.decode(blob)
            except ValueError:
                return None  # written by another version of elfgate: the layer is read anew
            self._layers.put(digest, layer)
        return layer


def _architecture(config: Config) -> Architecture:
    """Whose loaders are looked for first when naming the image's libc; as the label may lie, the others' follow."""
    return ARCHITECTURES.get(config.platform.architecture, ARCHITECTURES["amd64"])


def _data(digest: str) -> Contents:
    nothing = Platform("", "")
    return Contents(digest, nothing, ImageDefaults(), Tree(()), Variant("data"), startable=False)


def _has_content_address(descriptor: Descriptor) -> bool:
    return descriptor.digest.startswith(("sha256:", "sha512:"))
