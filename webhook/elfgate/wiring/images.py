"""The sources of images, and the scanner that reads them."""

import argparse
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from elfgate.errors import InputError
from elfgate.images.reference import Location, Reference, Transport
from elfgate.images.source import Limits, Source, Watch
from elfgate.linkage.inputs import Snapshotter
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.attested import Trusted
from elfgate.scan.inquiry import Predictor
from elfgate.scan.reader import Located, Reader
from elfgate.scan.scanner import Scanner
from elfgate.settings import AttestedRepositories, Settings, default_store
from elfgate.settings import Registries as RegistrySettings
from elfgate.store.near import near_store
from elfgate.store.sqlite import DEFAULT_MAX_BYTES
from elfgate.wiring.isolation import Isolation, Work, untrusted_work
from elfgate.wiring.stores import shared_store, store_at

if TYPE_CHECKING:
    from elfgate.images.indexer import Indexer
    from elfgate.images.keyring import Keyring
    from elfgate.images.registry import Registries
    from elfgate.isolation.figures import Figures


def _nobody(_what: str) -> None:
    """Is told, and does nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How images are read.

    Attributes:
        images: References that are to be had elsewhere: reference → location, as written.
        registries: How registries are reached.
        watch: Told what is fetched of layers, from any thread.
        store: The SQLite file that keeps facts; None to keep them in memory only, beside
            ``store_url``.
        store_bytes: Its size cap.
        store_url: The server on which facts are shared; empty if they are not.
        limits: What counts as hostile.
        wait: Seconds to wait for an image seen for the first time; None for as long as the limits
            allow.
        tenants: Several namespaces ask, and share what there is.
        injected: Patterns of libraries that the nodes add to containers, besides those that elfgate
            knows.
        snapshotter: How the nodes unpack layers; None if that is not known.
        on_store_failure: Told of each failure of the ``near`` or the ``shared`` store, from any
            thread.
        on_unread: Told of each image that could not be read when it was asked for, with the
            unknown's reason.
        by_upper: Tells whether images' natures do not matter now, so that upper layers may do.
        isolation: Whether images are looked into in confined processes of their own.
        self_test: Whether it is tried out first that such processes can do their work.
        figures: Where kills of those are counted.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    registries: RegistrySettings = field(default_factory=RegistrySettings)
    watch: Watch | None = None
    store: Path | None = field(default_factory=default_store)
    store_bytes: int = DEFAULT_MAX_BYTES
    store_url: str = ""
    limits: Limits = field(default_factory=Limits)
    wait: float | None = None
    tenants: bool = False
    injected: tuple[str, ...] = ()
    snapshotter: Snapshotter | None = None
    on_store_failure: Callable[[str], None] = _nobody
    on_unread: Callable[[str], None] = _nobody
    by_upper: Callable[[], bool] = lambda: False
    isolation: Isolation = "none"
    self_test: bool = False
    figures: "Figures | None" = None

    @classmethod
    def of_options(
        cls, options: argparse.Namespace, images: Mapping[str, str], watch: Watch | None = None
    ) -> Self:
        """The sources that a verb's options name (``cli.options.add_reading``)."""
        registries = RegistrySettings(
            insecure=tuple(options.insecure_registry),
            loopback=True,
            config_path=tuple(options.hosts_dir),
            docker_config=options.docker_config,
            by_table=options.by_table,
            attested=tuple(map(_attested, options.attested)),
        )
        file, url = store_at(options.store)
        return cls(
            images=images,
            registries=registries,
            watch=watch,
            store=file,
            store_url=url,
            injected=tuple(options.injected_library),
            isolation=options.isolation,
            snapshotter=options.snapshotter,
        )

    def beside(self, settings: Settings) -> Self:
        """These, and what settings say of images and of what nodes do to them.

        Verdicts are so the webhook's.
        """
        attested = (*self.registries.attested, *settings.registries.attested)
        return replace(
            self,
            registries=self.registries.model_copy(update={"attested": attested}),
            images={**settings.images, **self.images},
            injected=(*settings.nodes.injected_libraries, *self.injected),
            snapshotter=self.snapshotter or settings.nodes.snapshotter,
        )

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The sources that the webhook's settings name."""
        return cls(
            images=settings.images,
            registries=settings.registries,
            store=settings.store.path or (None if settings.store.url else default_store()),
            store_bytes=settings.store.size_cap,
            store_url=settings.store.url or "",
            limits=settings.limits.limits(),
            wait=settings.admission.first_sight_seconds,
            tenants=True,
            injected=settings.nodes.injected_libraries,
            isolation=settings.isolation,
            self_test=True,
            snapshotter=settings.nodes.snapshotter,
        )


@asynccontextmanager
async def scanner(reading: Reading) -> AsyncIterator[Scanner]:
    """A scanner with its store and threads, closed at the end.

    Raises:
        InputError: if one of the references or locations is none, or the store's file cannot be
            used.
    """
    async with (
        work_of(reading) as work,
        reader_by(reading, work.indexer) as (read, locate),
        scanner_by(reading, work.predictor, read, locate) as scanning,
    ):
        yield scanning


@asynccontextmanager
async def scanner_by(
    reading: Reading, predictor: Predictor, read: Reader, locate: "Locator"
) -> AsyncIterator[Scanner]:
    """A scanner of these parts, closed at the end."""
    scanning = Scanner(
        locate=locate,
        reader=read,
        predictor=predictor,
        wait=reading.wait,
        snapshotter=reading.snapshotter,
        on_unread=reading.on_unread,
        by_upper=reading.by_upper,
    )
    try:
        await scanning.load()
        yield scanning
    finally:
        await scanning.close()


def _attested(text: str) -> AttestedRepositories:
    """Read ``REPOSITORIES=FILE``.

    Raises:
        InputError: if it has another shape, or the file cannot be read.
    """
    pattern, _, file = text.partition("=")
    if not pattern or not file:
        raise InputError(f"--attested {text!r} is not REPOSITORIES=FILE")
    try:
        key = Path(file).read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: {getattr(error, 'strerror', None) or 'not a key'}") from error
    return AttestedRepositories(repositories=(pattern,), key=key)


def work_of(reading: Reading) -> AbstractAsyncContextManager[Work]:
    """The processes that do untrusted work, ended at the end."""
    return untrusted_work(
        reading.isolation, reading.injected, reading.figures, self_test=reading.self_test
    )


@asynccontextmanager
async def reader(
    reading: Reading, *, at_once: int | None = None
) -> AsyncIterator[tuple[Reader, "Locator"]]:
    """A reader and what it finds images by, closed at the end.

    Args:
        reading: How images are read.
        at_once: How many things of one registry are read at a time, if not as many as the settings
            say.

    Raises:
        InputError: as ``scanner`` does.
    """
    async with (
        work_of(reading) as work,
        reader_by(reading, work.indexer, at_once=at_once) as opened,
    ):
        yield opened


@asynccontextmanager
async def reader_by(
    reading: Reading, indexer: "Indexer | None", *, at_once: int | None = None
) -> AsyncIterator[tuple[Reader, "Locator"]]:
    """A reader with this indexer, and what it finds images by, closed at the end (``reader``)."""
    async with AsyncExitStack() as closing:
        told = reading.on_store_failure
        file, size = reading.store, reading.store_bytes
        near = near_store(file, max_bytes=size, on_failure=told)
        closing.callback(near.close)
        shared = shared_store(reading.store_url, told) if reading.store_url else None
        if shared is not None:
            closing.callback(shared.close)
        locator = Locator(reading, indexer)
        closing.callback(locator.close)
        said = reading.registries
        places = at_once or said.concurrency
        read = Reader(
            store=near,
            shared=shared,
            limits=reading.limits,
            concurrency=places,
            by_table=said.by_table,
            attested=trusted(said.attested),
            tenants=reading.tenants,
            on_damage=partial(told, "near"),
        )
        closing.push_async_callback(read.close)
        yield read, locator


def trusted(said: Sequence[AttestedRepositories]) -> tuple[Trusted, ...]:
    """The keys whose statements of facts are believed, each with its repositories.

    Raises:
        InputError: if a key is none.
    """
    if not said:
        return ()
    from elfgate.keys import Verifier

    return tuple(Trusted(each.repositories, Verifier(each.key.encode())) for each in said)


class Locator:
    """Finds the source of an image as written, and keeps the source.

    A registry's tokens and connections are shared.
    """

    def __init__(self, reading: Reading, indexer: "Indexer | None" = None) -> None:
        self._reading = reading
        self._indexer = indexer
        self._elsewhere = {
            str(Reference.parse(name)): Location.parse(at) for name, at in reading.images.items()
        }
        self._sources: dict[tuple[str, str], Source] = {}
        self._registries: Registries | None = None

    def __call__(self, image: str, asker: Asker = ANYBODY) -> Located:
        """Find an image's source.

        Args:
            image: As it was written.
            asker: Who asks.

        Raises:
            InputError: if ``image`` is neither a reference nor a location.
        """
        location = Location.parse(image)
        reference = location.reference
        if reference is None:
            source = self._source(location, None)
            return Located(image, source, location.name, namespace=asker.namespace)
        elsewhere = self._elsewhere.get(str(reference))
        if elsewhere is not None:
            return self._at(elsewhere, image, reference, asker)
        keyring = asker.keyring
        return Located(
            image,
            self._source(location, keyring),
            location.name,
            reference.familiar_name,
            reference.tag,
            asker=None if keyring is None else keyring.identity(reference.name),
            namespace=asker.namespace,
            host=reference.registry,
        )

    def _at(self, place: Location, image: str, named: Reference, asker: Asker) -> Located:
        """An image that is to be had elsewhere."""
        return Located(
            image,
            self._source(place, None),
            place.name,
            named.familiar_name,
            named.tag,
            namespace=asker.namespace,
            host=place.reference.registry if place.reference else "",
            pushed=False,
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
            self._sources[key] = _local(location, self._reading.limits, self._indexer)
        return self._sources[key]

    def _registry(self) -> "Registries":
        if self._registries is None:
            places = (location.reference for location in self._elsewhere.values())
            named = frozenset(place.registry for place in places if place is not None)
            self._registries = _registries(self._reading, named, self._indexer)
        return self._registries


def _registries(reading: Reading, named: frozenset[str], indexer: "Indexer | None") -> "Registries":
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

        shared.append(
            CredentialProviders.read(
                said.credential_providers.config, said.credential_providers.folder
            )
        )
    shared.append(DockerConfig.read(said.docker_config or docker_config()))
    options = RegistryOptions(
        plain_http=frozenset(said.insecure),
        config_path=said.config_path,
        loopback=said.loopback,
        named=named,
        watch=reading.watch,
    )
    if indexer is not None:
        options = replace(options, indexer=indexer)
    return Registries(Chain(*shared), options=options, limits=reading.limits)


def docker_config() -> Path:
    """``config.json`` in ``DOCKER_CONFIG``, else in ``~/.docker``.

    Source: Docker's command line reference.
    """
    folder = os.environ.get("DOCKER_CONFIG")
    try:
        return (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    except RuntimeError:  # nobody knows the user that runs this, who so has none
        return Path("/.docker/config.json")


def _local(location: Location, limits: Limits, indexer: "Indexer | None") -> Source:
    """The source behind a path of this machine."""
    from elfgate.images.archive import Archive
    from elfgate.images.directory import Directory
    from elfgate.images.docker_archive import open_docker_archive
    from elfgate.images.layout import Folder, Layout
    from elfgate.images.program import Program

    match location.transport:
        case Transport.FILE:
            return Program(location.path)
        case Transport.OCI:
            return Layout(Folder(location.path), limits, indexer)
        case Transport.OCI_ARCHIVE:
            return Layout(Archive(location.path, limits), limits, indexer)
        case Transport.DOCKER_ARCHIVE:
            return open_docker_archive(location.path, limits, indexer)
        case _:
            return Directory(location.path, limits)
