"""Images → what a node would run of them. Store first: what was read once, under any name, is not read again."""

import asyncio
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from elfgate.errors import UnreadableError
from elfgate.images.digests import is_digest
from elfgate.images.manifest import Config, read_config
from elfgate.images.pull import Pulled, platforms, pull
from elfgate.images.source import Descriptor, Limits, Source
from elfgate.linkage.report import Variant
from elfgate.linkage.start import ImageDefaults
from elfgate.linkage.variant import variant
from elfgate.platforms import ARCHITECTURES, Architecture, Platform
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Tree
from elfgate.scan.flights import Flights, Recent
from elfgate.store.protocol import Kind, Store

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


class _NotKeptError(Exception):
    """The store does not have a document (any longer)."""


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
        self._resolved: Recent[str, tuple[float, Descriptor]] = Recent(4096)
        self._layers: Recent[str, Layer] = Recent(512)
        self._contents: Recent[str, Contents] = Recent(256)
        self._pulled: Recent[tuple[str, Platform], Pulled] = Recent(1024)

    async def resolve(self, located: Located) -> Descriptor:
        """What an image's name points at: an index or a manifest. A tag's answer holds for ``TAG_SECONDS``.

        Raises:
            UnreadableError: if its source does not say.
        """
        if is_digest(located.name) and self._store.get(Kind.DOCUMENT, located.name) is not None:
            return Descriptor("", located.name)  # a digest points at itself
        expires, descriptor = self._resolved.get(located.image) or (0.0, None)
        if descriptor is None or time.monotonic() > expires:
            resolve = partial(located.source.resolve, located.name)
            descriptor = await self._flights.on_thread(f"resolve {located.image}", resolve)
            self._resolved.put(located.image, (time.monotonic() + TAG_SECONDS, descriptor))
        return descriptor

    def holds_until(self, located: Located) -> float:
        """When it must be asked anew where an image's name points, in monotonic seconds; never of a digest."""
        if is_digest(located.name):
            return math.inf
        expires, _ = self._resolved.get(located.image) or (0.0, None)
        return expires

    async def read(self, located: Located, platform: Platform) -> tuple[str, Contents | None]:
        """What a node of that platform would pull and run.

        Whoever gives up waiting does not end the reading.

        Returns:
            The digest of the image's index or only manifest, and the contents; None if it has nothing for the platform.

        Raises:
            UnreadableError: if it cannot be read.
        """

        async def flight() -> tuple[str, Contents | None]:
            descriptor = await self.resolve(located)
            pulled = await self._pull(located.source, descriptor, platform)
            contents = None if pulled is None else await self._read(located.source, pulled)
            if located.repository and located.tag:
                self._store.tag(located.repository, located.tag, descriptor.digest)
            return descriptor.digest, contents

        at_hand = self._at_hand(located, platform)
        if at_hand is not None:
            return at_hand
        return await self._flights.join(f"{located.image} on {platform}", flight)

    async def platforms(self, located: Located) -> tuple[Platform, ...]:
        """The platforms that an image is offered for.

        Raises:
            UnreadableError: if it cannot be read.
        """
        descriptor = await self.resolve(located)
        documents = partial(self._document, located.source)
        return await self._flights.on_thread(
            f"platforms of {descriptor.digest}", lambda: platforms(descriptor, documents, self._limits)
        )

    def known(self, digest: str, platform: Platform) -> Contents | None:
        """What the store alone tells of an image on a platform; None if anything of it is missing there."""
        try:
            pulled = self._kept_pull(Descriptor("", digest), platform)
            if pulled is None or pulled.manifest.artifact:
                return None
            return self._contents.get(pulled.descriptor.digest) or self._known(pulled)
        except (UnreadableError, _NotKeptError):
            return None

    def tags(self, repository: str) -> Sequence[tuple[str, str]]:
        """The repository's tags seen so far, the latest first, each with its digest."""
        return self._store.tags(repository) if repository else ()

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """Whether to give up reading what nobody waits for (any longer)."""
        self._flights.shed(shedding)

    async def close(self) -> None:
        """Stop reading, and let go of the threads."""
        await self._flights.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _at_hand(self, located: Located, platform: Platform) -> tuple[str, Contents] | None:
        """What was read lately, without a flight of its own."""
        expires, descriptor = self._resolved.get(located.image) or (0.0, None)
        if descriptor is None or time.monotonic() > expires:
            return None
        pulled = self._pulled.get((descriptor.digest, platform))
        contents = self._contents.get(pulled.descriptor.digest) if pulled else None
        return (descriptor.digest, contents) if contents else None

    async def _pull(self, source: Source, descriptor: Descriptor, platform: Platform) -> Pulled | None:
        """Go from an index to a manifest: without leaving this thread, if the store has both."""
        try:
            return self._kept_pull(descriptor, platform)
        except _NotKeptError:
            documents = partial(self._document, source)
            return await self._flights.on_thread(
                f"pull {descriptor.digest} for {platform}", lambda: pull(descriptor, platform, documents, self._limits)
            )

    def _kept_pull(self, descriptor: Descriptor, platform: Platform) -> Pulled | None:
        pulled = self._pulled.get((descriptor.digest, platform))
        if pulled is None:
            pulled = pull(descriptor, platform, self._kept_document, self._limits)
            if pulled is not None and _has_content_address(descriptor.digest):
                self._pulled.put((descriptor.digest, platform), pulled)
        return pulled

    async def _read(self, source: Source, pulled: Pulled) -> Contents:
        digest, manifest = pulled.descriptor.digest, pulled.manifest
        known = self._contents.get(digest)
        if known is not None:
            return known
        if manifest.artifact:
            return _data(digest)
        config = await self._config(source, manifest.config)
        layers = await asyncio.gather(*(self._layer(source, layer) for layer in manifest.layers))
        return self._keep(digest, config, layers)

    async def _config(self, source: Source, descriptor: Descriptor) -> Config:
        try:
            document = self._kept_document(descriptor)
        except _NotKeptError:
            document = await self._flights.on_thread(descriptor.digest, partial(self._document, source, descriptor))
        return read_config(document, descriptor)

    def _known(self, pulled: Pulled) -> Contents | None:
        manifest = pulled.manifest
        layers = [layer for entry in manifest.layers if (layer := self._kept_layer(entry.digest)) is not None]
        if len(layers) < len(manifest.layers):
            return None
        config = read_config(self._kept_document(manifest.config), manifest.config)
        return self._keep(pulled.descriptor.digest, config, layers)

    def _keep(self, digest: str, config: Config, layers: Sequence[Layer]) -> Contents:
        tree = Tree(layers)
        contents = Contents(digest, config.platform, config.defaults, tree, variant(tree, _architecture(config)))
        if _has_content_address(digest):
            self._contents.put(digest, contents)
        return contents

    def _kept_document(self, descriptor: Descriptor) -> bytes:
        kept = self._store.get(Kind.DOCUMENT, descriptor.digest)
        if kept is None:
            raise _NotKeptError(descriptor.digest)
        return kept

    def _document(self, source: Source, descriptor: Descriptor) -> bytes:
        kept = self._store.get(Kind.DOCUMENT, descriptor.digest)
        if kept is not None:
            return kept
        document = source.document(descriptor)
        if _has_content_address(descriptor.digest):
            self._store.put(Kind.DOCUMENT, descriptor.digest, document)
        return document

    async def _layer(self, source: Source, descriptor: Descriptor) -> Layer:
        kept = self._kept_layer(descriptor.digest)
        if kept is not None:
            return kept
        layer = await self._flights.on_thread(descriptor.digest, partial(self._read_layer, source, descriptor))
        if _has_content_address(descriptor.digest):
            self._layers.put(descriptor.digest, layer)
        return layer

    def _read_layer(self, source: Source, descriptor: Descriptor) -> Layer:
        layer = source.layer(descriptor)
        if _has_content_address(descriptor.digest):
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


def _has_content_address(digest: str) -> bool:
    """A folder has none: what it holds may change, so that nothing of it is kept."""
    return is_digest(digest)
