"""Images → what a node would run of them.

Store first: what was read once, under any name, is not read again.
"""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from elfgate.images.source import Descriptor, Limits
from elfgate.platforms import Platform
from elfgate.scan.access import ACCESS_SECONDS, TAG_SECONDS, Access
from elfgate.scan.assembly import Assembly
from elfgate.scan.attested import Attestations, Trusted
from elfgate.scan.documents import Documents
from elfgate.scan.flights import Flights
from elfgate.scan.layers import Layers
from elfgate.scan.levels import Levels, Near, Shared
from elfgate.scan.listings import Listings
from elfgate.scan.located import Contents, Locate, Located
from elfgate.scan.origins import Origins
from elfgate.scan.recall import Recall
from elfgate.scan.remembered import Remembered
from elfgate.scan.stored import Stored
from elfgate.scan.tags import Tags
from elfgate.scan.threads import Threads
from elfgate.scan.writes import Writes
from elfgate.store.protocol import Kind, SharedStore, Store
from elfgate.traces import step

__all__ = ["ACCESS_SECONDS", "TAG_SECONDS", "Contents", "Locate", "Located", "Reader"]


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

    Attributes:
        listings: What manifests and sources' lists tell of images.
        stored: What stores have of images.
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
        self._access = Access(store, self._flights, self._threads)
        levels = Levels(
            near=Near(store, self._origins, on_damage),
            shared=Shared(shared, store) if shared else None,
            origins=self._origins,
            threads=self._threads,
            flights=self._flights,
            writes=self._writes,
        )
        self._attestations = Attestations(attested, self._threads)
        self._documents = Documents(
            levels, self._threads, limits or Limits(), self._attestations.begin
        )
        layers = Layers(
            levels,
            self._remembered,
            self._origins,
            self._threads,
            by_table=by_table,
            attestations=self._attestations,
        )
        self._assembly = Assembly(self._documents, layers, self._remembered, self._origins)
        self.listings = Listings(self._access.resolve, self._documents, self._threads)
        bring = self._documents, layers, self._threads
        recall = Recall(store, shared, *bring) if shared else None
        self.stored = Stored(self._documents, self._assembly, self._tags, recall, self._flights)

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
        self._assembly.want_whole(contents.digest)
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

    def shed(self, shedding: bool) -> None:  # noqa: FBT001  # the one thing that it says
        """Whether to give up reading what nobody waits for (any longer)."""
        self._flights.shed(shedding)

    def taken(self) -> int:
        """How many layers are being read."""
        return self._threads.layers.taken

    async def close(self) -> None:
        """Stop reading, and let go of the threads."""
        await self._flights.close()
        await self._attestations.close()
        await self._writes.close()
        self._threads.close()

    async def _image(
        self,
        located: Located,
        platform: Platform,
        runtime: str | None,
        awaited: Callable[[], bool],
    ) -> tuple[str, Contents | None]:
        with step("resolve", image=located.image):
            descriptor = await self.resolve(located)
        with step("manifest", digest=descriptor.digest):
            pulled = await self._documents.pull(located, descriptor, platform, runtime)
        contents = None
        if pulled is not None:
            with step("layers", digest=pulled.descriptor.digest):
                contents = await self._assembly.contents(located, pulled, awaited)
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
        if pulled is None:
            return descriptor.digest, None
        upper = await self._assembly.upper(located, pulled, fetch=fetch, awaited=awaited)
        return descriptor.digest, upper

    def _drop(self, layer: str) -> None:
        """Have stores keep nothing of a layer: what is empty is no index."""
        for store in filter(None, (self._store, self._shared)):
            store.put(Kind.LAYER, layer, b"")
