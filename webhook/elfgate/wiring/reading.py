"""Options and settings of how images are read."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from elfgate.errors import InputError
from elfgate.given_file import KEY_BYTES, contents
from elfgate.images.source import Limits, Watch
from elfgate.linkage.inputs import Snapshotter
from elfgate.settings import Settings
from elfgate.settings.images import AttestedRepositories, default_store
from elfgate.settings.images import Registries as RegistrySettings
from elfgate.store.sqlite import DEFAULT_MAX_BYTES
from elfgate.wiring.isolation import Isolation
from elfgate.wiring.stores import store_at

if TYPE_CHECKING:
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


def _attested(text: str) -> AttestedRepositories:
    """Read ``REPOSITORIES=FILE``.

    Raises:
        InputError: if it has another shape, or the file cannot be read.
    """
    pattern, _, file = text.partition("=")
    if not pattern or not file:
        raise InputError(f"--attested {text!r} is not REPOSITORIES=FILE")
    try:
        key = contents(Path(file), KEY_BYTES).decode("ascii")
    except ValueError as error:
        raise InputError(f"{file}: not a key") from error
    return AttestedRepositories(repositories=(pattern,), key=key)
