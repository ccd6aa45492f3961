"""The only place that knows every implementation: puts collaborators together and hands them out."""

import argparse
import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from elfgate.cluster.api import Access, Api
from elfgate.cluster.binding import Bindings
from elfgate.cluster.events import Events
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, read_nodes
from elfgate.cluster.watch import NodeWatch
from elfgate.errors import InputError
from elfgate.images.reference import Location, Reference, Transport
from elfgate.images.source import Limits, Source
from elfgate.policy.active import ActiveEngine
from elfgate.policy.config import PolicyConfig
from elfgate.policy.engine import Engine, EngineError
from elfgate.policy.golden import prove
from elfgate.policy.memo import MemoisedEngine
from elfgate.scan.reader import Located, Reader
from elfgate.scan.scanner import Scanner
from elfgate.settings import Policies, Settings, default_store
from elfgate.store.address import is_url
from elfgate.store.address import parse as parse_store_url
from elfgate.store.memory import MemoryStore
from elfgate.store.protocol import Store, StoreError
from elfgate.store.sqlite import DEFAULT_MAX_BYTES, SqliteStore

if TYPE_CHECKING:
    from elfgate.images.keyring import Keyring
    from elfgate.images.registry import Registries
    from elfgate.policy.active import Told as BundleTold
    from elfgate.policy.bundle import Bundle
    from elfgate.policy.guard import Told
    from elfgate.store.shared import ValkeyStore

STORE_PASSWORD = "ELFGATE_STORE_PASSWORD"  # noqa: S105 - the variable's name


@dataclass(frozen=True, slots=True)
class Reading:
    """How images are read.

    Attributes:
        images: References that are to be had elsewhere: reference → location, as written.
        insecure: Registry hosts that are spoken to over plain HTTP.
        store: The SQLite file that keeps facts; None to keep them in memory only, beside ``store_url``.
        store_bytes: Its size cap.
        store_url: The server on which facts are shared; empty if they are not.
        limits: What counts as hostile.
        wait: Seconds to wait for an image seen for the first time; None for as long as the limits allow.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    insecure: Sequence[str] = ()
    store: Path | None = field(default_factory=default_store)
    store_bytes: int = DEFAULT_MAX_BYTES
    store_url: str = ""
    limits: Limits = field(default_factory=Limits)
    wait: float | None = None

    @classmethod
    def of_options(cls, options: argparse.Namespace, images: Mapping[str, str]) -> Self:
        """As a verb's options say (``cli.options.add_reading``)."""
        file, url = store_at(options.store)
        return cls(images=images, insecure=options.insecure_registry, store=file, store_url=url)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """As the webhook's settings say."""
        return cls(
            images=settings.images,
            insecure=settings.registries.insecure,
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
        location = self._elsewhere.get(str(reference), location)
        return Located(
            image,
            self._source(location, keyring),
            location.name,
            reference.familiar_name,
            reference.tag,
            asker=keyring.identity(reference.name) if keyring else None,
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
            from elfgate.images.docker_config import DockerConfig
            from elfgate.images.registry import Registries, RegistryOptions

            self._registries = Registries(
                DockerConfig.read(docker_config()),
                options=RegistryOptions(plain_http=frozenset(self._reading.insecure)),
                limits=self._reading.limits,
            )
        return self._registries


def pulled(locator: Locator, location: str) -> bytes:
    """The bytes of a policy bundle that is kept as an image's only layer: in a registry, a layout or an archive.

    Raises:
        InputError: if ``location`` is no place, or holds no bundle.
        UnreadableError: if it cannot be read.
    """
    from elfgate.policy.artefact import fetch

    located = locator(location)
    return fetch(located.source, located.name, location)


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


@dataclass(frozen=True, slots=True)
class Judging:
    """By which policies, and with which engine, verdicts are given.

    Attributes:
        folder: A bundle's folder; None for the one that comes with elfgate.
        rules: A folder of further rules.
        config: Laid over the bundle's own settings.
        opa: The socket of an OPA server; None to evaluate here.
        seconds: How long an evaluation may take, where it can be ended.
    """

    folder: Path | None = None
    rules: Path | None = None
    config: PolicyConfig | None = None
    opa: Path | None = None
    seconds: float = 1.0

    @classmethod
    def of_settings(cls, policies: Policies) -> Self:
        """As the webhook's settings say."""
        return cls(
            folder=policies.folder,
            rules=policies.own_rules,
            config=policies,
            opa=policies.opa_socket if policies.engine == "opa" else None,
            seconds=policies.seconds,
        )

    def bundle(self) -> "Bundle":
        """The bundle that is to judge.

        Raises:
            InputError: if one of the folders does not hold what it should.
        """
        from elfgate.policy.bundle import load

        return load(self.folder, config=self.config, rules=self.rules)


def log_failed_rule(name: str, why: str) -> None:
    """Tell the log of a rule of the user's own that failed."""
    logging.getLogger("elfgate.policy").warning("rule left out", extra={"rule": name, "why": why})


def log_bundle(result: str, what: str) -> None:
    """Tell the log what came of a bundle that was looked for."""
    level = logging.INFO if result == "activated" else logging.WARNING
    logging.getLogger("elfgate.policy").log(level, "policy bundle %s", result, extra={"bundle": what})


async def engine(judging: Judging | None = None, *, told: "Told" = log_failed_rule) -> MemoisedEngine[ActiveEngine]:
    """An engine, proved on the golden documents.

    Args:
        judging: By what; the shipped bundle and the embedded engine if None.
        told: Who is told of rules of the user's own that fail.

    Raises:
        InputError: if there is no such bundle, or no such rules.
        EngineError: if the bundle does not load, OPA has another one, or golden documents are judged wrongly.
    """
    judging = judging or Judging()
    return MemoisedEngine(ActiveEngine(await _proved(judging, judging.bundle(), told)))


async def _proved(judging: Judging, bundle: "Bundle", told: "Told") -> Engine:
    """The engine of a bundle, once it has proved itself on the golden documents."""
    live = _live(judging, bundle)
    if bundle.own:
        from elfgate.policy.guard import GuardedEngine

        live = GuardedEngine(live, bundle.own, told=told)
    try:
        await prove(live)
    except EngineError:
        await live.close()
        raise
    return live


def _live(judging: Judging, bundle: "Bundle") -> Engine:
    if judging.opa is not None:
        from elfgate.policy.server import OpaServer

        return OpaServer(judging.opa, revision=bundle.revision, seconds=judging.seconds)
    if bundle.own:
        from elfgate.policy.worker import BoundedEngine

        return BoundedEngine(bundle, seconds=judging.seconds)
    from elfgate.policy.embedded import EmbeddedEngine

    return EmbeddedEngine(bundle)


@asynccontextmanager
async def following(
    settings: Settings, active: ActiveEngine, *, told: "BundleTold", rule_told: "Told" = log_failed_rule
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
    from elfgate.policy import archive, signing
    from elfgate.policy.active import Follower

    judging, key = Judging.of_settings(settings.policies), _key(chosen.key)

    async def prepare(packed: bytes) -> Engine:
        contents = archive.unpack(packed, chosen.location)
        signing.verify(contents, key, chosen.key_id)
        return await _proved(judging, archive.read(contents, chosen.location, config=settings.policies), rule_told)

    locator = Locator(Reading.of_settings(settings))
    fetch = _fetcher(locator, chosen.location)
    follower = Follower(active, fetch=fetch, prepare=prepare, told=told, seconds=chosen.poll_seconds)
    await follower.look()
    looking = asyncio.create_task(follower.run())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        locator.close()


def _fetcher(locator: Locator, location: str) -> "Callable[[], Awaitable[bytes]]":
    if location.startswith(("https://", "http://")):
        from elfgate.policy.artefact import download

        return lambda: download(location)
    return lambda: asyncio.to_thread(pulled, locator, location)


def _key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


@asynccontextmanager
async def cluster(settings: Settings) -> AsyncIterator[Cluster]:
    """What the settings say of the cluster: a file's nodes, or its own, followed while the context lasts.

    Raises:
        InputError: if the file of nodes or the kubeconfig cannot be read.
    """
    if not (settings.nodes.watch or settings.admission.bindings or settings.admission.events):
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
