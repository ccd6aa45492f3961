"""Images → what a node would run of them. Store first: what was read once, under any name, is not read again."""

import asyncio
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import is_digest
from elfgate.images.manifest import Config, read_config
from elfgate.images.pull import Pulled, platforms, pull
from elfgate.images.source import Descriptor, Limits, Source
from elfgate.images.table import address
from elfgate.linkage.start import ImageDefaults
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.scan.facts import Facts
from elfgate.scan.flights import Flights, Lanes, Recent
from elfgate.scan.located import ByTable, Contents, Locate, Located
from elfgate.scan.remembered import Remembered
from elfgate.store.protocol import Kind, SharedStore, Store

__all__ = ["ACCESS_SECONDS", "TAG_SECONDS", "Contents", "Locate", "Located", "Reader"]

TAG_SECONDS = 30.0  # how long a tag is taken to point where it pointed
ACCESS_SECONDS = 60.0  # how long whoever may have a digest is taken to have it still
_THREADS = 32  # blocked ones cost little; what works at once is bounded by lanes
_FIRST_PAUSE, _LONGEST_PAUSE = (
    0.1,
    1.0,
)  # seconds between two looks for what another replica is reading
_RECALL_SECONDS = 0.5
# Of layers: a few usual images, others take milliseconds out of the store. What was predicted of an image that was seen
# lately is remembered apart, so that its layers are needed for new questions only.
_REMEMBERED_BYTES = 12 << 20
_SHARING = "sharing"  # the lane of what is told to replicas
_SHARING_SECONDS = 2.0  # that the last of it may take when everything ends


class _NotKeptError(Exception):
    """The store does not have a document (any longer)."""


class Reader:
    """Reads images, once each. Belongs to one event loop; blocking work goes to threads of its own.

    Args:
        store: Where facts are kept by digest; it answers at once.
        shared: Where replicas share them, if they do.
        limits: What counts as hostile.
        concurrency: How many blocking reads of one registry run at once; as many as there are cores, and one, if None.
        by_table: Believe layers' tables of contents, and read only what may matter of layers that have one.
    """

    def __init__(
        self,
        *,
        store: Store,
        shared: SharedStore | None = None,
        limits: Limits | None = None,
        concurrency: int | None = None,
        by_table: bool = False,
    ) -> None:
        self._store = store
        self._facts = Facts(store, shared)
        self._limits = limits or Limits()
        width = concurrency or (os.cpu_count() or 1) + 1
        self._threads = ThreadPoolExecutor(max(_THREADS, width), thread_name_prefix="read")
        self._flights = Flights(self._threads, Lanes(width))
        self._resolved: Recent[tuple[str | None, str], tuple[float, Descriptor]] = Recent(4096)
        self._remembered: Remembered[Contents] = Remembered(_REMEMBERED_BYTES)
        self._by_table = by_table
        self._whole: Recent[str, str] = Recent(
            4096
        )  # manifests whose layers' tables do not say enough
        self._pulled: Recent[tuple[str, Platform, str | None], Pulled] = Recent(1024)
        self._sharing: set[asyncio.Task[None]] = set()

    async def resolve(self, located: Located) -> Descriptor:
        """What an image's name points at, if the asker may have it: an index or a manifest.

        A tag's answer holds for ``TAG_SECONDS``; that a digest may be had, for ``ACCESS_SECONDS``, and for as long as
        the source is out of reach.

        Raises:
            UnreadableError: if its source does not say, or does not let the asker have it.
        """
        digest = is_digest(located.name)
        if (
            located.asker is None
            and digest
            and self._store.get(Kind.DOCUMENT, located.name) is not None
        ):
            return Descriptor("", located.name)  # a digest points at itself
        key = (located.asker, located.image)
        expires, known = self._resolved.get(key) or (0.0, None)
        if known is not None and time.monotonic() <= expires:
            return known
        resolve = partial(located.source.resolve, located.name)
        try:
            found = await self._flights.on_thread(f"resolve {key}", resolve, lane=located.lane)
        except UnreadableError as error:
            if known is not None and digest and error.reason is UnknownReason.REGISTRY_UNREACHABLE:
                return known
            raise
        self._resolved.put(
            key, (time.monotonic() + (ACCESS_SECONDS if digest else TAG_SECONDS), found)
        )
        self._share_tag(located, found)
        return found

    def holds_until(self, located: Located) -> float:
        """When it must be asked anew where an image's name points, and whether it may be had; in monotonic seconds."""
        if located.asker is None and is_digest(located.name):
            return math.inf
        expires, _ = self._resolved.get((located.asker, located.image)) or (0.0, None)
        return expires

    async def read(
        self, located: Located, platform: Platform, runtime: str | None = None
    ) -> tuple[str, Contents | None]:
        """What a node of that platform, with that container runtime, would pull and run.

        Whoever gives up waiting does not end the reading.

        Returns:
            The digest of the image's index or only manifest, and the contents; None if it has nothing for the platform.

        Raises:
            UnreadableError: if it cannot be read.
        """

        async def flight() -> tuple[str, Contents | None]:
            descriptor = await self.resolve(located)
            pulled = await self._pull(located, descriptor, platform, runtime)
            contents = None if pulled is None else await self._read(located, pulled)
            if located.repository and located.tag:
                note = partial(self._store.tag, located.repository, located.tag, descriptor.digest)
                await asyncio.get_running_loop().run_in_executor(
                    self._threads, note
                )  # a locked store makes it wait
            return descriptor.digest, contents

        at_hand = self.at_hand(located, platform, runtime)
        if at_hand is not None:
            return at_hand
        return await self._flights.join(
            f"{located.asker} {located.image} on {platform} {runtime}", flight
        )

    async def read_whole(
        self, located: Located, platform: Platform, runtime: str | None, contents: Contents
    ) -> tuple[str, Contents | None]:
        """The same without tables of contents, where what they left unread came to matter.

        Raises:
            UnreadableError: if it cannot be read.
        """
        self._whole.put(contents.digest, contents.digest)
        self._remembered.forget(contents.digest)
        return await self.read(located, platform, runtime)

    def at_hand(
        self, located: Located, platform: Platform, runtime: str | None
    ) -> tuple[str, Contents] | None:
        """What ``read`` would say, if it was read lately; without waiting for anything."""
        digest, manifest = self.pulled_lately(located, platform, runtime) or ("", "")
        contents = self._remembered.image(manifest)
        return (digest, contents) if contents else None

    def pulled_lately(
        self, located: Located, platform: Platform, runtime: str | None
    ) -> tuple[str, str] | None:
        """The digests of an image's index (or only manifest) and of the manifest that ``read`` would read.

        None if they are not known at once, or not for sure: then ``read`` finds out.
        """
        expires, descriptor = self._resolved.get((located.asker, located.image)) or (0.0, None)
        if descriptor is None or time.monotonic() > expires:
            return None
        pulled = self._pulled.get((descriptor.digest, platform, runtime))
        return (descriptor.digest, pulled.descriptor.digest) if pulled else None

    async def platforms(self, located: Located) -> tuple[Platform, ...]:
        """The platforms that an image is offered for.

        Raises:
            UnreadableError: if it cannot be read.
        """
        descriptor = await self.resolve(located)
        documents = partial(self._document, located.source)
        return await self._flights.on_thread(
            f"platforms of {descriptor.digest}",
            lambda: platforms(descriptor, documents, self._limits),
            lane=located.lane,
        )

    def known(self, digest: str, platform: Platform, runtime: str | None = None) -> Contents | None:
        """What the store alone tells of an image on a platform; None if anything of it is missing there."""
        try:
            pulled = self._kept_pull(Descriptor("", digest), platform, runtime)
            if pulled is None or pulled.manifest.artifact:
                return None
            return self._remembered.image(pulled.descriptor.digest) or self._known(pulled)
        except (UnreadableError, _NotKeptError):
            return None

    async def recall(self, repository: str, platform: Platform) -> None:
        """Bring near what replicas know of a repository's tags, for ``tags`` and ``known``, unless it takes long."""
        if self._facts.shared and repository:
            recall = self._flights.on_thread(
                f"recall {repository} on {platform}", partial(self._recall, repository, platform)
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(recall, _RECALL_SECONDS)

    def tags(self, repository: str) -> Sequence[tuple[str, str]]:
        """The repository's tags seen so far, the latest first, each with its digest."""
        return self._store.tags(repository) if repository else ()

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """Whether to give up reading what nobody waits for (any longer)."""
        self._flights.shed(shedding)

    async def close(self) -> None:
        """Stop reading, and let go of the threads."""
        if self._sharing:
            await asyncio.wait(self._sharing, timeout=_SHARING_SECONDS)
        await self._flights.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _share_tag(self, located: Located, descriptor: Descriptor) -> None:
        """Tell the other replicas where a tag points, while nobody waits for it."""
        if self._facts.shared and located.repository and located.tag:
            share = partial(
                self._facts.share_tag, located.repository, located.tag, descriptor.digest
            )
            task = asyncio.ensure_future(
                self._flights.on_thread(f"share {located.image}", share, lane=_SHARING)
            )
            self._sharing.add(task)
            task.add_done_callback(self._sharing.discard)

    def _recall(self, repository: str, platform: Platform) -> None:
        for tag, digest in reversed(self._facts.shared_tags(repository)):
            with suppress(UnreadableError, _NotKeptError):
                pulled = pull(Descriptor("", digest), platform, self._found_document, self._limits)
                if pulled is not None and not pulled.manifest.artifact:
                    self._found_document(pulled.manifest.config)
                    for layer in pulled.manifest.layers:
                        self._facts.find(Kind.LAYER, layer.digest)
            self._store.tag(repository, tag, digest)

    async def _pull(
        self, located: Located, descriptor: Descriptor, platform: Platform, runtime: str | None
    ) -> Pulled | None:
        """Go from an index to a manifest: without leaving this thread, if the store has both."""
        try:
            return self._kept_pull(descriptor, platform, runtime)
        except _NotKeptError:
            documents = partial(self._document, located.source)
            pulled = await self._flights.on_thread(
                f"pull {descriptor.digest} for {platform} {runtime}",
                lambda: pull(descriptor, platform, documents, self._limits, runtime),
                lane=located.lane,
            )
            return self._remember_pull(descriptor, platform, runtime, pulled)

    def _kept_pull(
        self, descriptor: Descriptor, platform: Platform, runtime: str | None
    ) -> Pulled | None:
        pulled = self._pulled.get((descriptor.digest, platform, runtime))
        if pulled is not None:
            return pulled
        pulled = pull(descriptor, platform, self._kept_document, self._limits, runtime)
        return self._remember_pull(descriptor, platform, runtime, pulled)

    def _remember_pull(
        self, descriptor: Descriptor, platform: Platform, runtime: str | None, pulled: Pulled | None
    ) -> Pulled | None:
        if pulled is not None and _has_content_address(descriptor.digest):
            self._pulled.put((descriptor.digest, platform, runtime), pulled)
        return pulled

    async def _read(self, located: Located, pulled: Pulled) -> Contents:
        digest, manifest = pulled.descriptor.digest, pulled.manifest
        known = self._remembered.image(digest)
        if known is not None:
            return known
        if manifest.artifact:
            return _data(digest)
        config = await self._config(located, manifest.config)
        whole = self._whole.get(digest) is not None
        return self._keep(
            pulled, config, await self._read_layers(located, manifest.layers, whole=whole)
        )

    async def _read_layers(
        self, located: Located, descriptors: Sequence[Descriptor], *, whole: bool
    ) -> list[tuple[str, Layer]]:
        """All layers, bottom first. The largest is begun first, so that no core waits for it alone in the end."""
        by_size = sorted(range(len(descriptors)), key=lambda at: -descriptors[at].size)
        begun = {
            at: asyncio.ensure_future(self._layer(located, descriptors[at], whole=whole))
            for at in by_size
        }
        return await asyncio.gather(*(begun[at] for at in range(len(descriptors))))

    async def _config(self, located: Located, descriptor: Descriptor) -> Config:
        try:
            document = self._kept_document(descriptor)
        except _NotKeptError:
            read = partial(self._document, located.source, descriptor)
            document = await self._flights.on_thread(descriptor.digest, read, lane=located.lane)
        return read_config(document, descriptor)

    def _known(self, pulled: Pulled) -> Contents | None:
        manifest = pulled.manifest
        whole = self._whole.get(pulled.descriptor.digest) is not None
        layers = [
            kept
            for entry in manifest.layers
            if (kept := self._kept_somehow(entry, whole=whole)) is not None
        ]
        if len(layers) < len(manifest.layers):
            return None
        config = read_config(self._kept_document(manifest.config), manifest.config)
        return self._keep(pulled, config, layers)

    def _keep(
        self, pulled: Pulled, config: Config, layers: Sequence[tuple[str, Layer]]
    ) -> Contents:
        digest = pulled.descriptor.digest
        partial = [name for name, _ in layers] != [layer.digest for layer in pulled.manifest.layers]
        contents = Contents(
            digest, config.platform, config.defaults, tuple(layers), partial=partial
        )
        if _has_content_address(digest):
            self._remembered.put_image(digest, contents, dict(layers))
        return contents

    def _kept_document(self, descriptor: Descriptor) -> bytes:
        kept = self._store.get(Kind.DOCUMENT, descriptor.digest)
        if kept is None:
            raise _NotKeptError(descriptor.digest)
        return kept

    def _found_document(self, descriptor: Descriptor) -> bytes:
        found = self._facts.find(Kind.DOCUMENT, descriptor.digest)
        if found is None:
            raise _NotKeptError(descriptor.digest)
        return found

    def _document(self, source: Source, descriptor: Descriptor) -> bytes:
        if not _has_content_address(descriptor.digest):
            return source.document(descriptor)
        found = self._facts.find(Kind.DOCUMENT, descriptor.digest)
        if found is None:
            found = source.document(descriptor)
            self._facts.keep(Kind.DOCUMENT, descriptor.digest, found)
        return found

    async def _layer(
        self, located: Located, descriptor: Descriptor, *, whole: bool
    ) -> tuple[str, Layer]:
        """A layer, and the digest that its facts go by."""
        kept = self._kept_somehow(descriptor, whole=whole)
        if kept is not None:
            return kept
        source, digest = located.source, descriptor.digest
        if not _has_content_address(digest):
            read = partial(source.layer, descriptor)
            return digest, await self._flights.on_thread(digest, read, lane=located.lane)
        table = self._table(descriptor, whole=whole)
        if table and isinstance(source, ByTable):
            with suppress(UnreadableError):  # whatever is wrong with it: the layer itself says more
                return table, await self._found_or_read(
                    located, table, partial(source.layer_by_table, descriptor)
                )
        return digest, await self._found_or_read(located, digest, partial(source.layer, descriptor))

    async def _found_or_read(
        self, located: Located, digest: str, read: Callable[[], Layer]
    ) -> Layer:
        """A layer that some replica has read or, if none has, that is read here, for all who ask meanwhile."""

        async def flight() -> Layer:
            make = partial(self._facts.find_or_make, Kind.LAYER, digest, lambda: read().encode())
            pause, name = _FIRST_PAUSE, f"layer {digest}"
            while (blob := await self._flights.on_thread(name, make, lane=located.lane)) is None:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            layer = Layer.decode(blob)
            self._remembered.put_layer(digest, layer)
            return layer

        return await self._flights.join(digest, flight)

    def _table(self, descriptor: Descriptor, *, whole: bool) -> str:
        """The digest of what a layer's table says; empty if that is not to be believed."""
        return address(descriptor) if self._by_table and not whole else ""

    def _kept_somehow(self, descriptor: Descriptor, *, whole: bool) -> tuple[str, Layer] | None:
        """A layer that is kept, if possible as a whole, with the digest that its facts go by."""
        names = (descriptor.digest, self._table(descriptor, whole=whole))
        kept = ((name, self._kept_layer(name)) for name in names if name)
        return next(((name, layer) for name, layer in kept if layer is not None), None)

    def _kept_layer(self, digest: str) -> Layer | None:
        layer = self._remembered.layer(digest)
        if layer is None and (blob := self._store.get(Kind.LAYER, digest)) is not None:
            try:
                layer = Layer.decode(blob)
            except ValueError:
                return None  # written by another version of elfgate: the layer is read anew
            self._remembered.put_layer(digest, layer)
        return layer


def _data(digest: str) -> Contents:
    nothing = Platform("", "")
    return Contents(digest, nothing, ImageDefaults(), (), startable=False)


def _has_content_address(digest: str) -> bool:
    """A folder has none: what it holds may change, so that nothing of it is kept."""
    return is_digest(digest)
