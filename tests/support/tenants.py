"""Tenants of one process that read images: a real reader, on real registries of this machine.

async with reading(folder) as tenants:
    digest = await tenants.read("127.0.0.1:5000/example/app:1.0", namespace="shop")
"""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from elfgate.images.keyring import Keyring
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries, RegistryOptions
from elfgate.platforms import Platform
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.located import Located
from elfgate.scan.reader import Reader
from elfgate.store.protocol import SharedStore, Store
from elfgate.store.sqlite import SqliteStore

from .registry import Answer, Registry

AMD64 = Platform("linux", "amd64")


@dataclass(frozen=True)
class Tenants:
    """Whoever asks for images."""

    reader: Reader
    registries: Registries

    def locate(self, image: str, asker: Asker = ANYBODY) -> Located:
        """As the webhook locates images."""
        reference = Reference.parse(image)
        keyring = asker.keyring
        return Located(
            image,
            self.registries.repository(reference, keyring),
            reference.target,
            reference.familiar_name,
            reference.tag,
            asker=None if keyring is None else keyring.identity(reference.name),
            namespace=asker.namespace,
            host=reference.registry,
        )

    async def read(
        self,
        image: str,
        *,
        namespace: str = "",
        keyring: Keyring | None = None,
        platform: Platform = AMD64,
    ) -> str:
        """The digest of what an image's name points at, once all of it is read."""
        located = self.locate(image, Asker(namespace, keyring))
        digest, contents = await self.reader.read(located, platform)
        assert contents is not None
        return digest


@asynccontextmanager
async def reading(
    folder: Path,
    *,
    store: Store | None = None,
    shared: SharedStore | None = None,
    options: RegistryOptions | None = None,
    concurrency: int | None = None,
) -> AsyncIterator[Tenants]:
    """Read while the context lasts, with facts in a file of this folder unless a store is given."""
    near = SqliteStore(folder / "facts.db") if store is None else store
    registries = Registries(options=options)
    reader = Reader(store=near, shared=shared, concurrency=concurrency, tenants=True)
    try:
        yield Tenants(reader, registries)
    finally:
        await reader.close()
        registries.close()
        near.close()


def silent(registry: Registry, began: threading.Event | None = None) -> Iterator[bytes]:
    """A body that does not begin until the registry stops."""
    if began is not None:
        began.set()
    registry.stopping.wait(60)
    yield b""


def dripping(registry: Registry) -> Answer:
    """A body that comes byte by byte until the registry stops."""
    return Answer(body=registry.drip(interval=0.2))
