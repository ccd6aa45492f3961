"""The only place that knows every implementation: puts collaborators together and hands them out."""

import argparse
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from elfgate.cluster.api import Access, Api
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, read_nodes
from elfgate.errors import InputError
from elfgate.images.keyring import Keyring
from elfgate.images.reference import Location, Reference, Transport
from elfgate.images.source import Limits, Source
from elfgate.policy.config import PolicyConfig
from elfgate.policy.golden import prove
from elfgate.policy.memo import MemoisedEngine
from elfgate.scan.reader import Located, Reader
from elfgate.scan.scanner import Scanner
from elfgate.settings import Settings, default_store
from elfgate.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from elfgate.images.registry import Registries


@dataclass(frozen=True, slots=True)
class Reading:
    """How images are read.

    Attributes:
        images: References that are to be had elsewhere: reference → location, as written.
        insecure: Registry hosts that are spoken to over plain HTTP.
        store: The SQLite file that keeps facts.
        store_bytes: Its size cap.
        limits: What counts as hostile.
        wait: Seconds to wait for an image seen for the first time; None for as long as the limits allow.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    insecure: Sequence[str] = ()
    store: Path = field(default_factory=default_store)
    store_bytes: int = 1 << 30
    limits: Limits = field(default_factory=Limits)
    wait: float | None = None

    @classmethod
    def of_options(cls, options: argparse.Namespace, images: Mapping[str, str]) -> Self:
        """As a verb's options say (``cli.options.add_reading``)."""
        return cls(images=images, insecure=options.insecure_registry, store=options.store or default_store())

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """As the webhook's settings say."""
        return cls(
            images=settings.images,
            insecure=settings.registries.insecure,
            store=settings.store.path,
            store_bytes=settings.store.size_cap,
            limits=settings.limits.limits(),
            wait=settings.admission.first_sight_seconds,
        )


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes there are.

    Attributes:
        inventory: They.
        synced: Tells whether they are known.
    """

    inventory: Inventory
    synced: Callable[[], bool]


@asynccontextmanager
async def scanner(reading: Reading) -> AsyncIterator[Scanner]:
    """A scanner with its store and threads, closed at the end.

    Raises:
        InputError: if one of the references or locations is none, or the store's file cannot be used.
    """
    store = SqliteStore(reading.store, max_bytes=reading.store_bytes)
    try:
        reader, locator = Reader(store=store, limits=reading.limits), Locator(reading)
        try:
            yield Scanner(locate=locator, reader=reader, wait=reading.wait)
        finally:
            await reader.close()
            locator.close()
    finally:
        store.close()


class Locator:
    """Finds the source of an image as written, and keeps the source: a registry's tokens and connections are shared."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._elsewhere = {str(Reference.parse(name)): Location.parse(at) for name, at in reading.images.items()}
        self._sources: dict[tuple[str, str], Source] = {}
        self._registries: Registries | None = None

    def __call__(self, image: str, keyring: Keyring | None = None) -> Located:  # noqa: ARG002
        """Find an image's source.

        Raises:
            InputError: if ``image`` is neither a reference nor a location.
        """
        location = Location.parse(image)
        reference = location.reference
        if reference is None:
            return Located(image, self._source(location), location.name)
        location = self._elsewhere.get(str(reference), location)
        return Located(image, self._source(location), location.name, reference.familiar_name, reference.tag)

    def close(self) -> None:
        """Close connections."""
        if self._registries is not None:
            self._registries.close()

    def _source(self, location: Location) -> Source:
        if location.reference is not None:
            return self._registry().repository(location.reference)
        key = (location.transport, location.path)
        if key not in self._sources:
            self._sources[key] = _local(location, self._reading.limits)
        return self._sources[key]

    def _registry(self) -> "Registries":
        if self._registries is None:
            from elfgate.images.docker_config import DockerConfig
            from elfgate.images.registry import Registries, RegistryOptions

            self._registries = Registries(
                DockerConfig.read(docker_config()),
                options=RegistryOptions(plain_http=frozenset(self._reading.insecure)),
                limits=self._reading.limits,
            )
        return self._registries


def docker_config() -> Path:
    """``config.json`` in ``DOCKER_CONFIG``, else in ``~/.docker`` (Docker's command line reference)."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def _local(location: Location, limits: Limits) -> Source:
    """The source behind a path of this machine."""
    from elfgate.images.archive import Archive
    from elfgate.images.directory import Directory
    from elfgate.images.docker_archive import open_docker_archive
    from elfgate.images.layout import Folder, Layout

    match location.transport:
        case Transport.OCI:
            return Layout(Folder(location.path), limits)
        case Transport.OCI_ARCHIVE:
            return Layout(Archive(location.path, limits), limits)
        case Transport.DOCKER_ARCHIVE:
            return open_docker_archive(location.path, limits)
        case _:
            return Directory(location.path, limits)


async def engine(*, policies: Path | None = None, config: PolicyConfig | None = None) -> MemoisedEngine:
    """The embedded engine, proved on the golden documents: with the shipped bundle, or the one in a folder.

    Raises:
        InputError: if the folder is not a bundle.
        EngineError: if the bundle does not load, or gets golden documents wrong.
    """
    from elfgate.policy.bundle import load
    from elfgate.policy.embedded import EmbeddedEngine

    live = EmbeddedEngine(load(policies, config=config))
    await prove(live)
    return MemoisedEngine(live)


@asynccontextmanager
async def nodes(settings: Settings) -> AsyncIterator[Nodes]:
    """The nodes that the settings name: those of a file, or the cluster's own, followed while the context lasts.

    Raises:
        InputError: if their file or the kubeconfig cannot be read.
    """
    if not settings.nodes.watch:
        inventory = Inventory(_read_file(settings.nodes.file) if settings.nodes.file else ())
        yield Nodes(inventory, lambda: len(inventory) > 0)
        return
    from elfgate.cluster.watch import NodeWatch

    with Api(access(settings)) as api:
        watch = NodeWatch(api, Inventory())
        async with watch.following():
            yield Nodes(watch.inventory, lambda: watch.synced)


def access(settings: Settings) -> Access:
    """How the settings reach the cluster."""
    return Access(settings.cluster.kubeconfig, settings.cluster.context)


def _read_file(path: Path) -> tuple[Node, ...]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return read_nodes(text, source=str(path))
