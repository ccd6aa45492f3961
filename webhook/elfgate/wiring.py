"""The only place that knows every implementation: puts collaborators together and hands them out."""

import argparse
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from elfgate.cluster.api import Access, Api
from elfgate.cluster.binding import Bindings
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, read_nodes
from elfgate.cluster.pullsecrets import PullSecrets
from elfgate.cluster.watch import NodeWatch
from elfgate.errors import InputError
from elfgate.images.reference import Location, Reference, Transport
from elfgate.images.source import Limits, Source
from elfgate.policy.config import PolicyConfig
from elfgate.policy.engine import Engine, EngineError
from elfgate.policy.golden import prove
from elfgate.policy.memo import MemoisedEngine
from elfgate.scan.reader import Located, Reader
from elfgate.scan.scanner import Scanner
from elfgate.settings import Policies, Settings, default_store
from elfgate.settings import Registries as RegistrySettings
from elfgate.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from elfgate.images.keyring import Keyring
    from elfgate.images.registry import Registries
    from elfgate.policy.bundle import Bundle
    from elfgate.policy.guard import Told


@dataclass(frozen=True, slots=True)
class Reading:
    """How images are read.

    Attributes:
        images: References that are to be had elsewhere: reference → location, as written.
        registries: How registries are reached.
        paths: An image may be a path of this machine: where whoever names it is who runs this.
        on_bytes: Told how many bytes of a layer have come, each time some have; from any thread.
        store: The SQLite file that keeps facts.
        store_bytes: Its size cap.
        limits: What counts as hostile.
        wait: Seconds to wait for an image seen for the first time; None for as long as the limits allow.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    registries: RegistrySettings = field(default_factory=RegistrySettings)
    paths: bool = True
    on_bytes: Callable[[int], None] | None = None
    store: Path = field(default_factory=default_store)
    store_bytes: int = 1 << 30
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
        return cls(images=images, registries=registries, store=options.store or default_store())

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """As the webhook's settings say."""
        return cls(
            images=settings.images,
            registries=settings.registries,
            paths=False,
            store=settings.store.path,
            store_bytes=settings.store.size_cap,
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

    def __call__(self, image: str, keyring: "Keyring | None" = None) -> Located:
        """Find an image's source.

        Args:
            image: As it was written.
            keyring: Credentials of whoever asks, besides those that all share.

        Raises:
            InputError: if ``image`` is neither a reference nor a location that may be named.
        """
        location = Location.parse(image)
        if location.reference is None and not self._reading.paths:
            raise InputError(f"image {image[:200]!r} is not a reference", hint="no node would take it")
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


async def engine(judging: Judging | None = None, *, told: "Told" = log_failed_rule) -> MemoisedEngine:
    """An engine, proved on the golden documents.

    Args:
        judging: By what; the shipped bundle and the embedded engine if None.
        told: Who is told of rules of the user's own that fail.

    Raises:
        InputError: if there is no such bundle, or no such rules.
        EngineError: if the bundle does not load, OPA has another one, or golden documents are judged wrongly.
    """
    judging = judging or Judging()
    bundle = judging.bundle()
    live = _live(judging, bundle)
    if bundle.own:
        from elfgate.policy.guard import GuardedEngine

        live = GuardedEngine(live, bundle.own, told=told)
    try:
        await prove(live)
    except EngineError:
        await live.close()
        raise
    return MemoisedEngine(live)


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
async def cluster(settings: Settings) -> AsyncIterator[Cluster]:
    """What the settings say of the cluster: a file's nodes, or its own, followed while the context lasts.

    Raises:
        InputError: if the file of nodes or the kubeconfig cannot be read.
    """
    if not (settings.nodes.watch or settings.admission.bindings or settings.registries.pull_secrets):
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
