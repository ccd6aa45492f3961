"""Other replicas' knowledge of a repository's tags, brought near: for remedies."""

from contextlib import suppress
from functools import partial

from elfgate.errors import UnreadableError
from elfgate.images.source import Descriptor
from elfgate.platforms import Platform
from elfgate.scan.documents import Documents, MissingDocumentError
from elfgate.scan.layers import Layers
from elfgate.scan.located import Located
from elfgate.scan.threads import Threads
from elfgate.store.protocol import SharedStore, Store

_MOST_DOCUMENTS = 8  # on the way from an index to a manifest


class Recall:
    """Brings facts near. Belongs to one event loop.

    Args:
        near: Where tags are noted.
        shared: Where replicas share them.
        documents: Brings documents near.
        layers: Brings layers near.
        threads: Where stores are asked.
    """

    def __init__(
        self,
        near: Store,
        shared: SharedStore,
        documents: Documents,
        layers: Layers,
        threads: Threads,
    ) -> None:
        self._near = near
        self._shared = shared
        self._documents = documents
        self._layers = layers
        self._threads = threads

    async def tags(self, located: Located, platform: Platform) -> None:
        """Bring a repository's tags near, and what replicas know of their images."""
        seen = await self._threads.ask_store(partial(self._shared.tags, located.repository))
        for tag, digest in reversed(seen):
            with suppress(UnreadableError):
                await self._image(located, Descriptor("", digest), platform)
            note = partial(self._near.tag, located.repository, tag, digest)
            await self._threads.ask_store(note)

    async def _image(self, located: Located, descriptor: Descriptor, platform: Platform) -> None:
        missing = descriptor
        for _ in range(_MOST_DOCUMENTS):
            if not await self._documents.bring_near(located, missing):
                return
            try:
                pulled = self._documents.kept_pull(located, descriptor, platform, None)
            except MissingDocumentError as error:
                missing = error.descriptor
                continue
            if pulled is not None and not pulled.manifest.artifact:
                await self._documents.bring_near(located, pulled.manifest.config)
                for layer in pulled.manifest.layers:
                    await self._layers.bring_near(located, layer)
            return
