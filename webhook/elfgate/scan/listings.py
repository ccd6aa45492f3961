"""An image as its manifests and its source's lists tell of it, without its layers."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from elfgate.images import mediatypes
from elfgate.images.labels import Labels
from elfgate.images.pull import Pulled
from elfgate.images.source import Descriptor
from elfgate.images.tags import tags_of
from elfgate.platforms import Platform
from elfgate.scan.documents import Documents
from elfgate.scan.located import Located
from elfgate.scan.threads import Threads


class Listings:
    """Tells what images are listed to be. Belongs to one event loop.

    Each method raises ``UnreadableError`` if what it tells cannot be had.

    Args:
        resolve: Finds what an image's name points at.
        documents: Reads indexes and manifests.
        threads: Where sources are asked.
    """

    def __init__(
        self,
        resolve: Callable[[Located], Awaitable[Descriptor]],
        documents: Documents,
        threads: Threads,
    ) -> None:
        self._resolve = resolve
        self._documents = documents
        self._threads = threads

    async def tags(self, located: Located) -> tuple[str, ...]:
        """The tags that an image's source lists (``tags_of``)."""
        return await self._threads.look_up(located, partial(tags_of, located.source))

    async def platforms(self, located: Located) -> tuple[Platform, ...]:
        """The platforms that an image is offered for."""
        return await self._documents.platforms(located, await self._resolve(located))

    async def manifest(self, located: Located, platform: Platform) -> Descriptor | None:
        """The manifest that a node of a platform pulls, with its size; None if there is none."""
        pulled = await self._pulled(located, platform)
        if pulled is None:
            return None
        found = pulled.descriptor
        media_type = found.media_type or mediatypes.OCI_MANIFEST
        read = partial(located.source.document, replace(found, media_type=media_type))
        data = await self._threads.look_up(located, read)
        return Descriptor(media_type, found.digest, len(data))

    async def labels(self, located: Located, digest: str, manifest: str) -> Labels:
        """The labels of an image (``Documents.labels``)."""
        return await self._documents.labels(located, digest, manifest)

    async def size(self, located: Located, platform: Platform) -> int:
        """The packed bytes of all layers that a node of a platform pulls; 0 if that is not known."""
        pulled = await self._pulled(located, platform)
        return sum(layer.size for layer in pulled.manifest.layers) if pulled else 0

    async def _pulled(self, located: Located, platform: Platform) -> Pulled | None:
        descriptor = await self._resolve(located)
        return await self._documents.pull(located, descriptor, platform, None)
