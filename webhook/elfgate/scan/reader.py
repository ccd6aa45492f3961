"""Images → what a node would run of them.

Store first: what was read once, under any name, is not read again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from elfgate.errors import UnreadableError
from elfgate.images import mediatypes
from elfgate.images.digests import is_digest
from elfgate.images.manifest import Config
from elfgate.images.pull import Pulled
from elfgate.images.source import Descriptor, Limits
from elfgate.images.tags import tags_of
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.memory.weight import weight
from elfgate.platforms import Platform
from elfgate.scan.access import ACCESS_SECONDS, TAG_SECONDS, Access
from elfgate.scan.attested import Attestations, Trusted
from elfgate.scan.documents import Documents, MissingDocumentError
from elfgate.scan.flights import Flights
from elfgate.scan.layers import Layers, Named
from elfgate.scan.levels import Levels, Near, Shared
from elfgate.scan.located import Contents, Locate, Located
from elfgate.scan.origins import Origins
from elfgate.scan.recall import Recall
from elfgate.scan.remembered import Remembered
from elfgate.scan.tags import Tags
from elfgate.scan.threads import Threads
from elfgate.scan.writes import Writes
from elfgate.store.protocol import Kind, SharedStore, Store

__all__ = ["ACCESS_SECONDS", "TAG_SECONDS", "Contents", "Locate", "Located", "Reader"]

_DEFAULTS_BYTES = 64 << 10  # of an image's config, beyond which it is made anew for each question
_RECALL_SECONDS = 0.5

WHOLE = declare(
    "whole", "manifests whose layers' tables of contents do not say enough", max_bytes=1 << 20
)


class Reader:
    """Reads images, once each. Belongs to one event loop; blocking work goes to threads of its own.

    Args:
        store: Where facts are kept by digest; it answers at once.
        shared: Where replicas share them, if they do.
        limits: What counts as hostile.
        concurrency: How many things of one registry are read at a time for one namespace
            (``Threads``).
        by_table: Believe layers' tables of contents, and read only what may matter of layers that
            have one.
        tenants: Several namespaces ask, and share what there is (``Threads``).
        attested: Whose statements of facts are believed, and where.
        on_damage: Told of each fact of the near store that is damaged.
    """

    def __init__(
        self,
        *,
        store: Store,
        shared: SharedStore | None = None,
        limits: Limits | None = None,
        concurrency: int | None = None,
        by_table: bool = False,
        tenants: bool = False,
        attested: Sequence[Trusted] = (),
        on_damage: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._shared = shared
        self._threads = Threads(concurrency, tenants=tenants)
        self._writes = Writes(self._threads)
        self._tags = Tags(store, shared, self._writes)
        self._flights = Flights()
        self._origins = Origins(store)
        self._remembered: Remembered[Contents] = Remembered()
        self._whole: Recent[str, str] = Recent(WHOLE, lambda key, _: len(key) + 80)
        self._access = Access(store, self._flights, self._threads)
        levels = Levels(
            near=Near(store, self._origins, on_damage),
            shared=Shared(shared, store) if shared else None,
            origins=self._origins,
            threads=self._threads,
            flights=self._flights,
            writes=self._writes,
        )
        self._documents = Documents(levels, self._threads, limits or Limits())
        self._layers = Layers(
            levels,
            self._remembered,
            self._origins,
            self._threads,
            by_table=by_table,
            attestations=Attestations(attested, self._threads),
        )
        bring = self._documents, self._layers, self._threads
        self._recall = Recall(store, shared, *bring) if shared else None

    @property
    def stores(self) -> tuple[Store, SharedStore | None]:
        """The stores of this machine and of the replicas."""
        return self._store, self._shared

    async def resolve(self, located: Located) -> Descriptor:
        """Find what an image's name points at (``Access.resolve``).

        Raises:
            UnreadableError: if its source does not say, or does not let the asker have it.
        """
        return await self._access.resolve(located)

    def holds_until(self, located: Located) -> float:
        """When it must be asked anew where an image's name points, and whether it may be had.

        In monotonic seconds.
        """
        return self._access.holds_until(located)

    def is_old(self, located: Located) -> bool:
        """Whether the tag may have moved since its registry was heard: nothing is refused by it."""
        return self._access.is_old(located)

    async def read(
        self, located: Located, platform: Platform, runtime: str | None = None
    ) -> tuple[str, Contents | None]:
        """Read what a node of that platform, with that container runtime, would pull and run.

        Whoever gives up waiting does not end the reading.

        Returns:
            The digest of the image's index or only manifest, and the contents; None if it has
            nothing for the platform.

        Raises:
            UnreadableError: if it cannot be read.
        """
        at_hand = self.at_hand(located, platform, runtime)
        if at_hand is not None:
            return at_hand
        thing, image = self._flight(located, platform, runtime)
        return await self._flights.join(thing, image, source=located.origin)

    def begin(self, located: Located, platform: Platform, runtime: str | None) -> None:
        """Begin to read, and wait for nothing."""
        thing, image = self._flight(located, platform, runtime)
        self._flights.begin(thing, image, source=located.origin)

    async def read_upper(
        self, located: Located, platform: Platform, runtime: str | None, *, fetch: bool
    ) -> tuple[str, Contents | None]:
        """Read the upper layers of an image alone.

        Args:
            located: The image, and who asks.
            platform: Of the node.
            runtime: Its container runtime.
            fetch: Read one that is not at hand, with small ones that follow it; else only those at
                hand.

        Returns:
            As ``read`` does; no contents either if they would spare nothing.

        Raises:
            UnreadableError: if they cannot be read.
        """
        if self.at_hand(located, platform, runtime) is not None:
            return "", None
        thing = f"upper layers of {located.image} on {platform} {runtime} {fetch}"
        awaited = partial(self._flights.awaited, thing, located.origin)
        upper = partial(self._upper, located, platform, runtime, fetch, awaited)
        return await self._flights.join(thing, upper, source=located.origin)

    async def read_whole(
        self, located: Located, platform: Platform, runtime: str | None, contents: Contents
    ) -> tuple[str, Contents | None]:
        """Read without tables of contents, where what they left unread came to matter.

        Raises:
            UnreadableError: if it cannot be read.
        """
        self._whole.put(contents.digest, contents.digest)
        self._remembered.forget(contents.digest)
        return await self.read(located, platform, runtime)

    async def read_anew(
        self, located: Located, platform: Platform, runtime: str | None, contents: Contents
    ) -> Contents:
        """An image whose layers are read from its source again, as what is kept of them is damaged.

        Raises:
            UnreadableError: if it cannot be read.
        """
        self._remembered.forget(contents.digest)
        for name, _ in contents.layers:
            self._remembered.forget_layer(name)
            await self._threads.ask_store(partial(self._drop, name))
        _, anew = await self.read(located, platform, runtime)
        return contents if anew is None else anew

    def at_hand(
        self, located: Located, platform: Platform, runtime: str | None
    ) -> tuple[str, Contents] | None:
        """Do as ``read`` does, if it was read lately; without waiting for anything."""
        digest, manifest = self.pulled_lately(located, platform, runtime) or ("", "")
        contents = self._remembered.image(manifest)
        return (digest, contents) if contents else None

    def pulled_lately(
        self, located: Located, platform: Platform, runtime: str | None
    ) -> tuple[str, str] | None:
        """The digests of an image's index and of the manifest that ``read`` would read.

        The only manifest stands in an index's place.

        None if they are not known at once, or not for sure: then ``read`` finds out.
        """
        descriptor = self._access.now(located)
        if descriptor is None:
            return None
        pulled = self._documents.pulled(descriptor, platform, runtime)
        if pulled is None or not self._origins.admit_image(located, pulled.descriptor.digest):
            return None
        return descriptor.digest, pulled.descriptor.digest

    async def manifest(self, located: Located, platform: Platform) -> Descriptor | None:
        """The manifest that a node of a platform pulls, with its size; None if there is none.

        Raises:
            UnreadableError: if it cannot be read.
        """
        pulled = await self._documents.pull(located, await self.resolve(located), platform, None)
        if pulled is None:
            return None
        found = pulled.descriptor
        media_type = found.media_type or mediatypes.OCI_MANIFEST
        read = partial(located.source.document, replace(found, media_type=media_type))
        data = await self._threads.look_up(located, read)
        return Descriptor(media_type, found.digest, len(data))

    async def listed(self, located: Located) -> tuple[str, ...]:
        """The tags that an image's source lists (``tags_of``)."""
        return await self._threads.look_up(located, partial(tags_of, located.source))

    async def size(self, located: Located, platform: Platform) -> int:
        """The packed bytes of all layers that a node of a platform pulls; 0 if that is not known.

        Raises:
            UnreadableError: if its manifest cannot be read.
        """
        pulled = await self._documents.pull(located, await self.resolve(located), platform, None)
        return sum(layer.size for layer in pulled.manifest.layers) if pulled else 0

    async def platforms(self, located: Located) -> tuple[Platform, ...]:
        """The platforms that an image is offered for.

        Raises:
            UnreadableError: if it cannot be read.
        """
        return await self._documents.platforms(located, await self.resolve(located))

    def known(
        self,
        located: Located,
        digest: str,
        platform: Platform,
        runtime: str | None = None,
        *,
        upper: bool = False,
    ) -> Contents | None:
        """Find an image on a platform in the store alone.

        Args:
            located: Who asks, by which repository.
            digest: Of the image's index or only manifest.
            platform: Of the node.
            runtime: Its container runtime.
            upper: Its upper layers will do, where not all are there.

        Returns:
            What a node would run; None if anything of it is missing, or not for the asker to know.
        """
        try:
            descriptor = Descriptor("", digest)
            pulled = self._documents.pulled(descriptor, platform, runtime)
            if pulled is None:
                pulled = self._documents.kept_pull(located, descriptor, platform, runtime)
            if pulled is None or pulled.manifest.artifact:
                return None
            known = self._known(located, pulled)
            return self._upper_known(located, pulled) if known is None and upper else known
        except (UnreadableError, MissingDocumentError):
            return None

    async def recall(self, located: Located, platform: Platform) -> None:
        """Bring near what replicas know of a repository's tags.

        It is for ``tags`` and ``known``, unless it takes long.
        """
        if self._recall is not None and located.repository:
            recall = self._flights.join(
                f"recall for {platform}",
                partial(self._recall.tags, located, platform),
                source=located.origin,
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(recall, _RECALL_SECONDS)

    def tags(self, repository: str) -> Sequence[tuple[str, str]]:
        """The repository's tags seen so far, the latest first, each with its digest."""
        return self._tags.of(repository)

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """Whether to give up reading what nobody waits for (any longer)."""
        self._flights.shed(shedding)

    def taken(self) -> int:
        """How many layers are being read."""
        return self._threads.layers.taken

    async def close(self) -> None:
        """Stop reading, and let go of the threads."""
        await self._flights.close()
        await self._writes.close()
        self._threads.close()

    async def _image(
        self,
        located: Located,
        platform: Platform,
        runtime: str | None,
        awaited: Callable[[], bool],
    ) -> tuple[str, Contents | None]:
        descriptor = await self.resolve(located)
        pulled = await self._documents.pull(located, descriptor, platform, runtime)
        contents = None if pulled is None else await self._contents(located, pulled, awaited)
        if contents is not None:
            self._origins.note_image(located, contents.digest)
        self._tags.note(located, descriptor)
        return descriptor.digest, contents

    def _flight(
        self, located: Located, platform: Platform, runtime: str | None
    ) -> tuple[str, Callable[[], Coroutine[Any, Any, tuple[str, Contents | None]]]]:
        thing = f"{located.image} on {platform} {runtime}"
        awaited = partial(self._flights.awaited, thing, located.origin)
        return thing, partial(self._image, located, platform, runtime, awaited)

    async def _upper(
        self,
        located: Located,
        platform: Platform,
        runtime: str | None,
        fetch: bool,  # noqa: FBT001 - private
        awaited: Callable[[], bool],
    ) -> tuple[str, Contents | None]:
        descriptor = await self.resolve(located)
        self._tags.note(located, descriptor)
        pulled = await self._documents.pull(located, descriptor, platform, runtime)
        if pulled is None or pulled.manifest.artifact or not is_digest(pulled.descriptor.digest):
            return descriptor.digest, None
        all_layers = pulled.manifest.layers
        layers = self._layers.upper(located, all_layers, fetch=fetch)
        if not layers:
            return descriptor.digest, None
        config, attested = await asyncio.gather(
            self._documents.config(located, pulled.manifest.config),
            self._layers.attested(located, layers, pulled.descriptor.digest, whole=False),
        )
        if all(layer.digest in attested for layer in all_layers):
            return descriptor.digest, None  # all of them are read as soon as one
        read = await self._layers.read(
            located, layers, attested=attested, whole=False, awaited=awaited
        )
        upper = Contents.of(pulled.descriptor, config, read, layers)
        return descriptor.digest, replace(upper, unread=True)

    async def _contents(
        self, located: Located, pulled: Pulled, awaited: Callable[[], bool]
    ) -> Contents:
        digest, manifest = pulled.descriptor.digest, pulled.manifest
        if manifest.artifact:
            return Contents.of_data(digest)
        known = self._known(located, pulled)
        if known is not None:
            return known
        whole = self._whole.get(digest) is not None
        config, attested = await asyncio.gather(
            self._documents.config(located, manifest.config),
            self._layers.attested(located, manifest.layers, digest, whole=whole),
        )
        layers = await self._layers.read(
            located, manifest.layers, attested=attested, whole=whole, awaited=awaited
        )
        return self._keep(pulled, config, layers)

    def _known(self, located: Located, pulled: Pulled) -> Contents | None:
        """An image all of which is at hand, and for the asker to know."""
        digest, manifest = pulled.descriptor.digest, pulled.manifest
        remembered = self._remembered.image(digest)
        if remembered is not None and self._origins.admit_image(located, digest):
            return remembered
        whole = self._whole.get(digest) is not None
        layers: list[Named] = []
        for descriptor in manifest.layers:
            kept = self._layers.kept(located, descriptor, whole=whole)
            if kept is None:
                return None
            layers.append(kept)
        try:
            config = self._documents.kept_config(located, manifest.config)
        except MissingDocumentError:
            return None
        return self._keep(pulled, config, layers)

    def _upper_known(self, located: Located, pulled: Pulled) -> Contents | None:
        """The upper layers of an image that are at hand."""
        descriptors = self._layers.upper(located, pulled.manifest.layers, fetch=False)
        kept = [self._layers.kept(located, one, whole=False) for one in descriptors]
        layers = [layer for layer in kept if layer is not None]
        if not layers or len(layers) < len(descriptors):
            return None
        config = self._documents.kept_config(located, pulled.manifest.config)
        return replace(Contents.of(pulled.descriptor, config, layers, descriptors), unread=True)

    def _keep(self, pulled: Pulled, config: Config, layers: Sequence[Named]) -> Contents:
        digest = pulled.descriptor.digest
        contents = Contents.of(pulled.descriptor, config, layers, pulled.manifest.layers)
        if is_digest(digest) and weight(config.defaults) <= _DEFAULTS_BYTES:
            self._remembered.put_image(digest, contents, dict(layers))
            self._layers.share(digest, [name for name, _ in layers])
        return contents

    def _drop(self, layer: str) -> None:
        """Have stores keep nothing of a layer: what is empty is no index."""
        for store in filter(None, (self._store, self._shared)):
            store.put(Kind.LAYER, layer, b"")
