"""Images put together of the config and the layers that a manifest names."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from elfgate.images.digests import is_digest
from elfgate.images.manifest import Config
from elfgate.images.pull import Pulled
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.memory.weight import weight
from elfgate.scan.documents import Documents, MissingDocumentError
from elfgate.scan.layers import Layers, Named
from elfgate.scan.located import Contents, Located
from elfgate.scan.origins import Origins
from elfgate.scan.remembered import Remembered

_DEFAULTS_BYTES = 64 << 10  # of an image's config, beyond which it is made anew for each question

WHOLE = declare(
    "whole", "manifests whose layers' tables of contents do not say enough", max_bytes=1 << 20
)


class Assembly:
    """Puts images together of what is at hand and what has to be read. Belongs to one event loop.

    Args:
        documents: Reads configs.
        layers: Reads layers.
        remembered: Images and layers in memory.
        origins: Who may be told of what.
    """

    def __init__(
        self,
        documents: Documents,
        layers: Layers,
        remembered: Remembered[Contents],
        origins: Origins,
    ) -> None:
        self._documents = documents
        self._layers = layers
        self._remembered = remembered
        self._origins = origins
        self._whole: Recent[str, str] = Recent(WHOLE, lambda key, _: len(key) + 80)

    def want_whole(self, digest: str) -> None:
        """Believe no table of contents of the layers of this manifest from now on."""
        self._whole.put(digest, digest)
        self._remembered.forget(digest)

    async def contents(
        self, located: Located, pulled: Pulled, awaited: Callable[[], bool]
    ) -> Contents:
        """All of an image; what is not at hand is read.

        Args:
            located: The image, and who asks.
            pulled: Its manifest.
            awaited: Tells whether somebody still waits for it.

        Raises:
            UnreadableError: if a part cannot be read.
        """
        digest, manifest = pulled.descriptor.digest, pulled.manifest
        if manifest.artifact:
            return Contents.of_data(digest)
        known = self.known(located, pulled)
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

    async def upper(
        self, located: Located, pulled: Pulled, *, fetch: bool, awaited: Callable[[], bool]
    ) -> Contents | None:
        """The upper layers of an image; None if they would spare nothing.

        Args:
            located: The image, and who asks.
            pulled: Its manifest.
            fetch: Read one that is not at hand, with small ones that follow it; else only those at
                hand.
            awaited: Tells whether somebody still waits for it.

        Raises:
            UnreadableError: if a part cannot be read.
        """
        digest, manifest = pulled.descriptor.digest, pulled.manifest
        if manifest.artifact or not is_digest(digest):
            return None
        layers = self._layers.upper(located, manifest.layers, fetch=fetch)
        if not layers:
            return None
        config, attested = await asyncio.gather(
            self._documents.config(located, manifest.config),
            self._layers.attested(located, layers, digest, whole=False),
        )
        if all(layer.digest in attested for layer in manifest.layers):
            return None  # all of them are read as soon as one
        read = await self._layers.read(
            located, layers, attested=attested, whole=False, awaited=awaited
        )
        return replace(Contents.of(pulled.descriptor, config, read, layers), unread=True)

    def known(self, located: Located, pulled: Pulled) -> Contents | None:
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

    def upper_known(self, located: Located, pulled: Pulled) -> Contents | None:
        """The upper layers of an image that are at hand.

        Raises:
            MissingDocumentError: if its config is not.
            UnreadableError: if its config cannot be read.
        """
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
