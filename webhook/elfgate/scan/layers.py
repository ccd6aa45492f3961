"""An image's layers: from memory, else through the levels."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from elfgate.attest.referrers import Referred
from elfgate.errors import UnreadableError
from elfgate.images.digests import is_digest
from elfgate.images.manifest import if_foreign
from elfgate.images.source import Descriptor
from elfgate.images.table import address
from elfgate.rootfs.layer import Layer
from elfgate.scan.attested import Attestations, Attested
from elfgate.scan.levels import Levels, Part
from elfgate.scan.located import ByTable, Contents, Located
from elfgate.scan.origins import Origins
from elfgate.scan.remembered import Remembered
from elfgate.scan.threads import Threads
from elfgate.store.protocol import Kind

_SMALL = 1 << 20  # bytes: a layer that costs little more than the asking
Named = tuple[str, Layer]
"""A layer, and the digest that its facts go by: its own, or that of its table of contents."""


class Layers:
    """Reads them. Belongs to one event loop.

    Args:
        levels: Where they are looked for beyond memory.
        remembered: Those in memory.
        origins: Who may be told of what.
        threads: Where a folder of this machine is read, of which nothing is kept.
        by_table: Believe layers' tables of contents, and read only what may matter of layers that
            have one.
        attestations: Finds indexes that were attested.
    """

    def __init__(
        self,
        levels: Levels,
        remembered: Remembered[Contents],
        origins: Origins,
        threads: Threads,
        *,
        by_table: bool,
        attestations: Attestations,
    ) -> None:
        self._levels = levels
        self._remembered = remembered
        self._origins = origins
        self._threads = threads
        self._by_table = by_table
        self._attestations = attestations

    async def read(
        self,
        located: Located,
        descriptors: Sequence[Descriptor],
        *,
        attested: Mapping[str, Attested],
        whole: bool,
        awaited: Callable[[], bool],
    ) -> list[Named]:
        """All layers, bottom first. The largest is begun first, so that no core waits for it alone.

        Args:
            located: The image, and who asks.
            descriptors: Of its layers, bottom first.
            attested: Indexes of some that are to be had in place of them, by their digests.
            whole: Believe no table of contents, and no attested index.
            awaited: Tells whether somebody still waits for the image.

        Raises:
            UnreadableError: if one of them cannot be read.
        """
        by_size = sorted(range(len(descriptors)), key=lambda at: -descriptors[at].size)
        wanted = partial(self._layer, located, attested, whole=whole, awaited=awaited)
        begun = {at: asyncio.ensure_future(wanted(descriptors[at])) for at in by_size}
        return await asyncio.gather(*(begun[at] for at in range(len(descriptors))))

    def kept(self, located: Located, descriptor: Descriptor, *, whole: bool) -> Named | None:
        """A layer that is at hand, if possible as a whole."""
        names = [descriptor.digest, self._table(descriptor, whole=whole)]
        if not whole:
            names += self._attestations.names(located, descriptor.digest)
        kept = ((name, self._kept(located, descriptor, name)) for name in names if name)
        return next(((name, layer) for name, layer in kept if layer is not None), None)

    def upper(
        self, located: Located, descriptors: Sequence[Descriptor], *, fetch: bool
    ) -> Sequence[Descriptor]:
        """The upper layers that are worth a look before those below are read.

        None if that spares nothing.

        Args:
            located: The image, and who asks.
            descriptors: Of its layers, bottom first.
            fetch: As far as can be had by reading one that is not at hand; else those above it.
        """
        missing = [
            at
            for at, descriptor in enumerate(descriptors)
            if self.kept(located, descriptor, whole=False) is None
        ]
        if fetch and missing:
            missing.pop()
            while missing and 0 < descriptors[missing[-1]].size <= _SMALL:
                missing.pop()
        return descriptors[missing[-1] + 1 :] if missing else ()

    async def attested(
        self, located: Located, descriptors: Sequence[Descriptor], manifest: str, *, whole: bool
    ) -> Mapping[str, Attested]:
        """The indexes that are attested of an image's layers, if one of these is not at hand.

        Raises nothing: whatever is wrong with attestations, the layers are there.
        """
        if whole:
            return {}
        is_wanted = partial(self._lacks, located, descriptors)
        return await self._attestations.of(located, manifest, is_wanted)

    def _lacks(self, located: Located, descriptors: Sequence[Descriptor]) -> bool:
        """Tell whether one of some layers is not at hand."""
        kept = (self.kept(located, each, whole=False) for each in descriptors)
        return any(layer is None for layer in kept)

    async def bring_near(self, located: Located, descriptor: Descriptor) -> None:
        """Bring a layer near that a replica has."""
        await self._levels.stored(_part(located, descriptor, descriptor.digest, _nobody))

    def share(self, image: str, names: Sequence[str]) -> None:
        """Tell the stores which layers an image is made of.

        What many images share is kept longer.
        """
        for name in names:
            self._levels.share(name, image)

    def _kept(self, located: Located, descriptor: Descriptor, name: str) -> Layer | None:
        if not is_digest(name) or not self._origins.admit(located, Kind.LAYER, name):
            return None
        layer = self._remembered.layer(name)
        if layer is None:
            layer = self._levels.near.find(_part(located, descriptor, name, _nobody))
            if layer is not None:
                self._remembered.put_layer(name, layer)
        return layer

    async def _layer(
        self,
        located: Located,
        attested: Mapping[str, Attested],
        descriptor: Descriptor,
        *,
        whole: bool,
        awaited: Callable[[], bool],
    ) -> Named:
        kept = self.kept(located, descriptor, whole=whole)
        if kept is not None:
            return kept
        source, digest = located.source, descriptor.digest
        read = partial(source.layer, descriptor)
        if not is_digest(digest):  # a folder, which may change: nothing of it is kept
            return digest, await self._threads.read_layer(located, read, awaited=awaited)
        index = attested.get(digest)
        if index is not None and isinstance(source, Referred):
            with suppress(UnreadableError):  # the layer itself is there all the same
                return index.name, await self._attested(located, source, index)
        table = self._table(descriptor, whole=whole)
        if table and isinstance(source, ByTable):
            by_table = partial(source.layer_by_table, descriptor)
            with suppress(UnreadableError):  # whatever is wrong: the layer itself says more
                return table, await self._read(_part(located, descriptor, table, by_table, awaited))
        try:
            return digest, await self._read(_part(located, descriptor, digest, read, awaited))
        except UnreadableError as error:
            raise if_foreign(descriptor, error) from error

    async def _attested(self, located: Located, source: Referred, index: Attested) -> Layer:
        """An index that is had in place of its layer: a look-up, as it is short."""
        read = partial(index.read, source)
        size = index.index.size
        part = Part(located, Kind.LAYER, index.name, size, _opened, read)
        layer = await self._levels.document(part)
        self._remembered.put_layer(index.name, layer)
        return layer

    async def _read(self, part: Part[Layer]) -> Layer:
        layer = await self._levels.layer(part)
        self._remembered.put_layer(part.digest, layer)
        return layer

    def _table(self, descriptor: Descriptor, *, whole: bool) -> str:
        """The digest of what a layer's table says; empty if that is not to be believed."""
        return address(descriptor) if self._by_table and not whole else ""


def _part(
    located: Located,
    descriptor: Descriptor,
    name: str,
    read: Callable[[], Layer],
    awaited: Callable[[], bool] = lambda: True,
) -> Part[Layer]:
    def index() -> bytes:
        return read().encode()

    return Part(located, Kind.LAYER, name, descriptor.size, _opened, index, awaited)


def _opened(value: bytes) -> Layer | None:
    try:
        return Layer.decode(value)
    except ValueError:
        return None  # damaged, or written by another version of elfgate


def _nobody() -> Layer:
    raise AssertionError("what is looked for in stores is not read from a source")
