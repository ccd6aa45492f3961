"""An image that is to be read, and what was read of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from elfgate.images.manifest import Config
from elfgate.images.source import Descriptor, Source
from elfgate.linkage.inputs import ImageDefaults
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.scan.asker import ANYBODY, Asker


@runtime_checkable
class ByTable(Protocol):
    """A source that can read a layer by its table of contents."""

    def layer_by_table(self, descriptor: Descriptor) -> Layer:
        """Index what the table says, reading only what may matter for a start."""


@dataclass(frozen=True, slots=True)
class Located:
    """A place where an image is to be had, and for whom.

    Attributes:
        image: As it was asked for.
        source: What holds it.
        name: Its tag or digest there.
        repository: Its repository's familiar name, or empty if it has none (a folder, an archive).
        tag: Its tag, or empty.
        asker: Whose credentials count, where not everybody may have everything: facts are told only
            to whom the source lets have them. None if one access is everybody's.
        namespace: Whose share of reading it takes.
        host: Whose places it takes: the registry, or empty for what is on this machine.
        pushed: Its tag is the registry's own. If not, it was given another place for this process
            only, and no store is told where the tag points.
    """

    image: str
    source: Source
    name: str
    repository: str = ""
    tag: str = ""
    asker: str | None = None
    namespace: str = ""
    host: str = ""
    pushed: bool = True

    @property
    def origin(self) -> str:
        """Names the source, for whom it is asked: a failure belongs to it and to no other."""
        return f"{self.namespace} {self.asker} {self.repository or self.image}"


class Locate(Protocol):
    """Finds the source of an image as written. Raises ``InputError`` if it cannot be one."""

    def __call__(self, image: str, asker: Asker = ANYBODY) -> Located:
        """Find it, for whoever asks."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a node would run of an image.

    Attributes:
        digest: The manifest's.
        declared: The platform that the config names.
        defaults: How it starts if the pod says nothing else.
        layers: Its layers' indexes, bottom first, each with the name that its facts go by.
        startable: False for artifacts and data, which have nothing to start.
        partial: Some layer was read by its table of contents only, so that an unknown may be one
            for want of reading.
        unread: Layers below these were not read, likewise.
    """

    digest: str
    declared: Platform
    defaults: ImageDefaults
    layers: tuple[tuple[str, Layer], ...]
    startable: bool = True
    partial: bool = False
    unread: bool = False

    @classmethod
    def of(
        cls,
        manifest: Descriptor,
        config: Config,
        layers: Sequence[tuple[str, Layer]],
        descriptors: Sequence[Descriptor],
    ) -> "Contents":
        """An image of a manifest, with the layers of these descriptors as they were read."""
        partial = [name for name, _ in layers] != [layer.digest for layer in descriptors]
        return cls(
            manifest.digest, config.platform, config.defaults, tuple(layers), partial=partial
        )

    @classmethod
    def of_data(cls, digest: str) -> "Contents":
        """An artifact, or data: nothing to start."""
        return cls(digest, Platform("", ""), ImageDefaults(), (), startable=False)

    @property
    def wanting(self) -> bool:
        """Whether an unknown may be one for want of reading."""
        return self.partial or self.unread
