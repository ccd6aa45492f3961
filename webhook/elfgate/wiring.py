"""The only place that knows every implementation: puts collaborators together and hands them out."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from elfgate.cluster.api import Access, Api
from elfgate.cluster.binding import Bindings
from elfgate.cluster.events import Events
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, read_nodes
from elfgate.cluster.pullsecrets import PullSecrets
from elfgate.cluster.watch import NodeWatch
from elfgate.errors import InputError
from elfgate.images.reference import Location, Reference, Transport
from elfgate.images.source import Limits, Source
from elfgate.judging import follow
from elfgate.policy.active import ActiveEngine
from elfgate.scan.reader import Located, Reader
from elfgate.scan.scanner import Scanner
from elfgate.settings import Registries as RegistrySettings
from elfgate.settings import Settings, default_store
from elfgate.store.address import is_url
from elfgate.store.address import parse as parse_store_url
from elfgate.store.memory import MemoryStore
from elfgate.store.protocol import Store, StoreError
from elfgate.store.sqlite import DEFAULT_MAX_BYTES, SqliteStore

if TYPE_CHECKING:
    from elfgate.images.keyring import Keyring
    from elfgate.images.registry import Registries
    from elfgate.policy.active import Told as BundleTold
    from elfgate.policy.guard import Told
    from elfgate.store.shared import ValkeyStore

STORE_PASSWORD = "ELFGATE_STORE_PASSWORD"  # noqa: S105 - the variable's name


@dataclass(frozen=True, slots=True)
class Reading:
    """How images are read.

    Attributes:
        images: References that are to be had elsewhere: reference → location, as written.
        registries: How registries are reached.
        on_bytes: Told how many bytes of a layer have come, each time some have; from any thread.
        store: The SQLite file that keeps facts; None to keep them in memory only, beside ``store_url``.
        store_bytes: Its size cap.
        store_url: The server on which facts are shared; empty if they are not.
        limits: What counts as hostile.
        wait: Seconds to wait for an image seen for the first time; None for as long as the limits allow.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    registries: RegistrySettings = field(default_factory=RegistrySettings)
    on_bytes: Callable[[int], None] | None = None
    store: Path | None = field(default_factory=default_store)
    store_bytes: int = DEFAULT_MAX_BYTES
    store_url: str = ""
    limits: Limits = field(default_factory=Limits)
    wait: float | None = None

    @classmethod
    def of_options(cls, options: argparse.Namespace, images: Mapping[str, str]) -> Self:
        """As a verb's options say (``cli.options.add_reading``)."""
        registries = RegistrySettings(
            insecure=tuple(options.insecure_registry),
            loopback=True,
            config_path=tuple(options.hosts_dir),
            docker_config=options.docker_config,
        )
        file, url = store_at(options.store)
        return cls(images=images, registries=registries, store=file, store_url=url)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """As the webhook's settings say."""
        return cls(
            images=settings.images,
            registries=settings.registries,
            store=settings.store.path or (None if settings.store.url else default_store()),
            store_bytes=settings.store.size_cap,
            store_url=settings.store.url or "",
            limits=settings.limits.limits(),
            wait=settings.admission.first_sight_seconds,
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is known of the cluster.

    Attributes:
        inventory: The nodes there are.
        synced: Tells whether all of them are known.
        api: Its API server; None if nothing that is set needs it.
    """

    inventory: Inventory
    synced: Callable[[], bool]
    api: Api | None = None

    @property
    def bindings(self) -> Bindings | None:
        """Finds what a binding is about."""
        return Bindings(self.api, self.inventory) if self.api else None

    @property
    def pull_secrets(self) -> PullSecrets | None:
        """Knows workloads' own credentials."""
        return PullSecrets(self.api) if self.api else None

    @property
    def events(self) -> Events | None:
        """Writes events."""
        return Events(self.api) if self.api else None


@asynccontextmanager
async def scanner(reading: Reading) -> AsyncIterator[Scanner]:
    """A scanner with its store and threads, closed at the end.

    Raises:
        InputError: if one of the references or locations is none, or the store's file cannot be used.
    """
    async with reader(reading) as (read, locate):
        yield Scanner(locate=locate, reader=read, wait=reading.wait)


@asynccontextmanager
async def reader(reading: Reading, *, at_once: int | None = None) -> AsyncIterator[tuple[Reader, "Locator"]]:
    """A reader and what it finds images by, closed at the end.

    Args:
        reading: How images are read.
        at_once: How many reads may run at the same time, if not as many as suit the processors.

    Raises:
        InputError: as ``scanner`` does.
    """
    async with AsyncExitStack() as closing:
        near = MemoryStore() if reading.store is None else SqliteStore(reading.store, max_bytes=reading.store_bytes)
        closing.callback(near.close)
        shared = shared_store(reading.store_url) if reading.store_url else None
        if shared is not None:
            closing.callback(shared.close)
        locator = Locator(reading)
        closing.callback(locator.close)
        read = Reader(store=near, shared=shared, limits=reading.limits, concurrency=at_once)
        closing.push_async_callback(read.close)
        yield read, locator


def store_at(place: str | None) -> tuple[Path | None, str]:
    """The file or the URL that a person names as the store: one of the two."""
    if place is None:
        return default_store(), ""
    return (None, place) if is_url(place) else (Path(place), "")


def store(place: str | None) -> Store:
    """The store that a person names, for those who have no use for one that does not answer.

    Raises:
        InputError: if it is no URL of a store.
        StoreError: if it cannot be opened, or does not answer.
    """
    file, url = store_at(place)
    if file is not None:
        return SqliteStore(file)
    shared = shared_store(url)
    try:
        shared.check()
    except StoreError:
        shared.close()
        raise
    return shared


def shown(place: str | None) -> str:
    """The same as people may see it: without a password."""
    file, url = store_at(place)
    return str(file) if file is not None else str(parse_store_url(url))


def shared_store(url: str) -> "ValkeyStore":
    """The store at a URL, of which nothing is asked yet. Its password may be in the environment.

    Raises:
        InputError: if it is no URL of a store.
    """
    from elfgate.store.shared import ValkeyStore

    return ValkeyStore(parse_store_url(url, password=os.environ.get(STORE_PASSWORD, "")))


class Locator:
    """Finds the source of an image as written, and keeps the source: a registry's tokens and connections are shared."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._elsewhere = {str(Reference.parse(name)): Location.parse(at) for name, at in reading.images.items()}
        self._sources: dict[tuple[str, str], Source] = {}
        self._registries: Registries | None = None

    def __call__(self, image: str, keyring: "Keyring | None" = None) -> Located:
        """Find an image's source.

        Args:
            image: As it was written.
            keyring: Credentials of whoever asks, besides those that all share.

        Raises:
            InputError: if ``image`` is neither a reference nor a location.
        """
        location = Location.parse(image)
        reference = location.reference
        if reference is None:
            return Located(image, self._source(location, keyring), location.name)
        elsewhere = self._elsewhere.get(str(reference))
        if elsewhere is not None:
            source = self._source(elsewhere, None)
            return Located(image, source, elsewhere.name, reference.familiar_name, reference.tag)
        return Located(
            image,
            self._source(location, keyring),
            location.name,
            reference.familiar_name,
            reference.tag,
            asker=None if keyring is None else keyring.identity(reference.name),
            lane=reference.registry,
        )

    def close(self) -> None:
        """Close connections."""
        if self._registries is not None:
            self._registries.close()

    def _source(self, location: Location, keyring: "Keyring | None") -> Source:
        if location.reference is not None:
            return self._registry().repository(location.reference, keyring)
        key = (location.transport, location.path)
        if key not in self._sources:
            self._sources[key] = _local(location, self._reading.limits)
        return self._sources[key]

    def _registry(self) -> "Registries":
        if self._registries is None:
            places = (location.reference for location in self._elsewhere.values())
            named = frozenset(place.registry for place in places if place is not None)
            self._registries = _registries(self._reading, named)
        return self._registries


def _registries(reading: Reading, named: frozenset[str]) -> "Registries":
    """Registries, as the settings say, with the credentials that all who ask share.

    Raises:
        InputError: if a file of credentials cannot be used.
    """
    from elfgate.images.auth import Chain, Credentials
    from elfgate.images.docker_config import DockerConfig
    from elfgate.images.registry import Registries, RegistryOptions

    said = reading.registries
    shared: list[Credentials] = []
    if said.credential_providers is not None:
        from elfgate.images.credential_provider import CredentialProviders

        shared.append(CredentialProviders.read(said.credential_providers.config, said.credential_providers.folder))
    shared.append(DockerConfig.read(said.docker_config or docker_config()))
    options = RegistryOptions(
        plain_http=frozenset(said.insecure),
        config_path=said.config_path,
        loopback=said.loopback,
        named=named,
        on_bytes=reading.on_bytes,
    )
    return Registries(Chain(*shared), options=options, limits=reading.limits)


def pulled(locator: Locator, location: str) -> bytes:
    """The bytes of a policy bundle that is kept as an image's only layer: in a registry, a layout or an archive.

    Raises:
        InputError: if ``location`` is no place, or holds no bundle.
        UnreadableError: if it cannot be read.
    """
    from elfgate.policy.artefact import fetch

    located = locator(location)
    return fetch(located.source, located.name, location)


async def pushed(packed: bytes, reference: Reference, *, insecure: Sequence[str]) -> str:
    """Push a policy bundle, with the user's own credentials; return its digest.

    Raises:
        InputError: if the registry does not take it.
        UnreadableError: if the credentials cannot be found out.
    """
    from elfgate.images.addresses import is_loopback_host
    from elfgate.images.docker_config import DockerConfig
    from elfgate.policy.push import push

    credentials = DockerConfig.read(docker_config()).find(reference.name)
    host = urlsplit(f"//{reference.registry}").hostname or ""
    plain_http = reference.registry in insecure or is_loopback_host(host)
    return await push(packed, reference, credentials[0] if credentials else None, plain_http=plain_http)


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


@asynccontextmanager
async def following(
    settings: Settings, active: ActiveEngine, *, told: "BundleTold", rule_told: "Told"
) -> AsyncIterator[None]:
    """Follow the bundle that the settings name, if any, for as long as the block lasts.

    Args:
        settings: Where the bundle is, and whose signature it must have.
        active: Whose bundle is replaced.
        told: Who is told what came of each bundle.
        rule_told: Who is told of rules in it that fail.

    Raises:
        InputError: if the key cannot be read, or the location is none.
    """
    chosen = settings.policies.bundle
    if chosen is None:
        yield
        return
    registries = settings.registries.model_copy(update={"loopback": True})  # whoever runs this names the place
    locator = Locator(replace(Reading.of_settings(settings), registries=registries))
    try:
        fetch = _fetcher(locator, chosen.location)
        async with follow(settings.policies, chosen, active, fetch=fetch, told=told, rule_told=rule_told):
            yield
    finally:
        locator.close()


def _fetcher(locator: Locator, location: str) -> Callable[[], Awaitable[bytes]]:
    if location.startswith(("https://", "http://")):
        from elfgate.policy.artefact import download

        return lambda: download(location)
    return lambda: asyncio.to_thread(pulled, locator, location)


@asynccontextmanager
async def cluster(settings: Settings) -> AsyncIterator[Cluster]:
    """What the settings say of the cluster: a file's nodes, or its own, followed while the context lasts.

    Raises:
        InputError: if the file of nodes or the kubeconfig cannot be read.
    """
    if not (
        settings.nodes.watch
        or settings.registries.pull_secrets
        or settings.admission.bindings
        or settings.admission.events
    ):
        inventory = _from_file(settings)
        yield Cluster(inventory, lambda: len(inventory) > 0)
        return
    with Api(Access(settings.cluster.kubeconfig, settings.cluster.context)) as api:
        if not settings.nodes.watch:
            inventory = _from_file(settings)
            yield Cluster(inventory, lambda: len(inventory) > 0, api)
            return
        watch = NodeWatch(api, Inventory())
        async with watch.following():
            yield Cluster(watch.inventory, lambda: watch.synced, api)


def _from_file(settings: Settings) -> Inventory:
    return Inventory(_read_file(settings.nodes.file) if settings.nodes.file else ())


def _read_file(path: Path) -> tuple[Node, ...]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return read_nodes(text, source=str(path))
