"""Indexes, manifests and configs: from what a name points at to the manifest that a node pulls."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from elfgate.images import mediatypes
from elfgate.images.digests import is_digest
from elfgate.images.labels import Labels, annotations_in, labels_in
from elfgate.images.manifest import Config, Manifest, read_config, read_document
from elfgate.images.pull import Pulled, platforms, pull
from elfgate.images.source import Descriptor, Limits
from elfgate.images.table import ANNOTATIONS
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.platforms import Platform
from elfgate.scan.levels import Levels, Part
from elfgate.scan.located import Located
from elfgate.scan.threads import Threads
from elfgate.store.content import document_fact, document_in
from elfgate.store.protocol import Kind

T = TypeVar("T")
Choice = tuple[str, Platform, str | None]
"""An index's or only manifest's digest, a node's platform and its container runtime."""

CHOICES = declare("choices", "manifests that nodes pull, by index and node", max_bytes=2 << 20)
MANIFESTS = declare("manifests", "what manifests say, by digest", max_bytes=4 << 20)


class MissingDocumentError(Exception):
    """A document that is not at hand."""

    def __init__(self, descriptor: Descriptor) -> None:
        super().__init__(descriptor.digest)
        self.descriptor = descriptor


class Documents:
    """Reads them, through the levels. Belongs to one event loop.

    Args:
        levels: Where they are looked for.
        threads: Where a folder of this machine is read, of which nothing is kept.
        limits: What counts as hostile.
        on_manifest: Told of each manifest that is about to be fetched for a pull, by its digest.
    """

    def __init__(
        self,
        levels: Levels,
        threads: Threads,
        limits: Limits,
        on_manifest: Callable[[Located, str], None],
    ) -> None:
        self._levels = levels
        self._threads = threads
        self._limits = limits
        self._on_manifest = on_manifest
        self._choices: Recent[Choice, str] = Recent(CHOICES, lambda key, _: 500 + len(key[0]))
        self._manifests: Recent[str, Pulled] = Recent(MANIFESTS, lambda _, pulled: _weigh(pulled))

    async def pull(
        self, located: Located, descriptor: Descriptor, node: Platform, runtime: str | None
    ) -> Pulled | None:
        """Find the manifest that a node pulls; None if the image has nothing for it.

        Raises:
            UnreadableError: if a document on the way cannot be had or read.
        """
        lately = self.pulled(descriptor, node, runtime)
        if lately is not None and self._may_know(located, descriptor, lately.descriptor):
            return lately
        choose = partial(self._pull, descriptor, node, runtime)
        return await self._with_documents(located, choose, partial(self._on_manifest, located))

    async def platforms(self, located: Located, descriptor: Descriptor) -> tuple[Platform, ...]:
        """The platforms that an image is offered for.

        Raises:
            UnreadableError: as ``pull`` does.
        """
        return await self._with_documents(
            located, lambda documents: platforms(descriptor, documents, self._limits)
        )

    async def config(self, located: Located, descriptor: Descriptor) -> Config:
        """An image's config.

        Raises:
            UnreadableError: as ``pull`` does.
        """
        return read_config(await self._document(located, descriptor), descriptor)

    async def labels(self, located: Located, digest: str, manifest: str) -> Labels:
        """The labels of an image.

        Args:
            located: It, and who asks.
            digest: Of its index or only manifest.
            manifest: Of the manifest that a node pulls; empty if there is none for the node.

        Raises:
            UnreadableError: as ``pull`` does, and if one is not text, or all are too long.
        """
        annotations, labels = {}, {}
        if digest != manifest:
            index = Descriptor(mediatypes.OCI_INDEX, digest)
            annotations = annotations_in(await self._document(located, index))
        if manifest:
            descriptor = Descriptor(mediatypes.OCI_MANIFEST, manifest)
            data = await self._document(located, descriptor)
            annotations |= annotations_in(data)
            labels = await self._labels(located, data, descriptor)
        return Labels(labels, annotations)

    async def _labels(
        self, located: Located, data: bytes, descriptor: Descriptor
    ) -> dict[str, str]:
        """The labels of the config that a manifest names; none of what is no image."""
        manifest = read_document(data, descriptor, limits=self._limits)
        if not isinstance(manifest, Manifest) or manifest.artifact:
            return {}
        return labels_in(await self._document(located, manifest.config))

    def pulled(self, descriptor: Descriptor, node: Platform, runtime: str | None) -> Pulled | None:
        """Remember what ``pull`` said lately, or None. Nobody is asked, and no asker is checked."""
        chosen = self._choices.get((descriptor.digest, node, runtime))
        return self._manifests.get(chosen) if chosen else None

    def kept_pull(
        self, located: Located, descriptor: Descriptor, node: Platform, runtime: str | None
    ) -> Pulled | None:
        """Do as ``pull`` does, from the near store alone.

        Raises:
            MissingDocumentError: if a document is not there.
            UnreadableError: if one cannot be read.
        """
        return self._pull(descriptor, node, runtime, partial(self._kept, located, {}))

    def kept_config(self, located: Located, descriptor: Descriptor) -> Config:
        """An image's config, from the near store alone.

        Raises:
            MissingDocumentError: if it is not there.
            UnreadableError: if it cannot be read.
        """
        return read_config(self._kept(located, {}, descriptor), descriptor)

    async def bring_near(self, located: Located, descriptor: Descriptor) -> bool:
        """Bring a document near that a replica has; whether it is there now."""
        return await self._levels.stored(_part(located, descriptor)) is not None

    async def _with_documents(
        self,
        located: Located,
        ask: Callable[[Callable[[Descriptor], bytes]], T],
        on_manifest: Callable[[str], None] = lambda _: None,
    ) -> T:
        """Ask what needs documents, and read each that it lacks; there are a handful at most."""
        read: dict[str, bytes] = {}
        while True:
            try:
                return ask(partial(self._kept, located, read))
            except MissingDocumentError as missing:
                descriptor = missing.descriptor
                if descriptor.media_type in mediatypes.MANIFESTS:
                    on_manifest(descriptor.digest)
                read[descriptor.digest] = await self._document(located, descriptor)

    async def _document(self, located: Located, descriptor: Descriptor) -> bytes:
        if not is_digest(descriptor.digest):
            read = partial(located.source.document, descriptor)
            return await self._threads.look_up(located, read)
        return await self._levels.document(_part(located, descriptor))

    def _kept(self, located: Located, read: dict[str, bytes], descriptor: Descriptor) -> bytes:
        found = read.get(descriptor.digest)
        if found is None and is_digest(descriptor.digest):
            found = self._levels.near.find(_part(located, descriptor))
        if found is None:
            raise MissingDocumentError(descriptor)
        return found

    def _may_know(self, located: Located, *documents: Descriptor) -> bool:
        """Whether the asker may be told what documents say, as it would be if they were read."""
        return all(self._levels.near.admits(_part(located, one)) for one in documents)

    def _pull(
        self,
        descriptor: Descriptor,
        node: Platform,
        runtime: str | None,
        documents: Callable[[Descriptor], bytes],
    ) -> Pulled | None:
        pulled = pull(descriptor, node, documents, self._limits, runtime)
        if pulled is None or not is_digest(descriptor.digest):
            return pulled
        digest = pulled.descriptor.digest
        kept = self._manifests.get(digest) or _slim(pulled)
        self._manifests.put(digest, kept)  # one object for all platforms
        self._choices.put((descriptor.digest, node, runtime), digest)
        return kept


def _part(located: Located, descriptor: Descriptor) -> Part[bytes]:
    digest = descriptor.digest

    def read() -> bytes:
        return document_fact(digest, descriptor.content or located.source.document(descriptor))

    opened = partial(document_in, digest)
    return Part(located, Kind.DOCUMENT, digest, descriptor.size, opened, read)


def _slim(pulled: Pulled) -> Pulled:
    """Of a manifest, what is used."""
    manifest, descriptor = pulled.manifest, pulled.descriptor
    layers = tuple(_used(layer) for layer in manifest.layers)
    slim = Manifest(_used(manifest.config), layers, artifact=manifest.artifact)
    return Pulled(Descriptor(descriptor.media_type, descriptor.digest, descriptor.size), slim)


def _used(descriptor: Descriptor) -> Descriptor:
    annotations = {
        name: text for name, text in descriptor.annotations.items() if name in ANNOTATIONS
    }
    return replace(descriptor, platform=None, annotations=annotations)


def _weigh(pulled: Pulled) -> int:
    layers = (pulled.descriptor, pulled.manifest.config, *pulled.manifest.layers)
    return 400 + sum(_bytes(descriptor) for descriptor in layers)


def _bytes(descriptor: Descriptor) -> int:
    said = descriptor.media_type, descriptor.digest, descriptor.data
    texts = (*said, *descriptor.annotations.values())
    return 400 + sum(map(len, texts))
