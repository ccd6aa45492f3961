"""An image that is to be read, and what was read of it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from elfgate.images.keyring import Keyring
from elfgate.images.source import Descriptor, Source
from elfgate.linkage.start import ImageDefaults
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer


@runtime_checkable
class ByTable(Protocol):
    """A source that can read a layer by its table of contents."""

    def layer_by_table(self, descriptor: Descriptor) -> Layer:
        """Index what the table says, reading only what may matter for a start."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where an image is to be had.

    Attributes:
        image: As it was asked for.
        source: What holds it.
        name: Its tag or digest there.
        repository: Its repository's familiar name, or empty if it has none (a folder, an archive).
        tag: Its tag, or empty.
        asker: Who asks, where not everybody may have everything: answers are kept apart by it, and facts that are
            known already are told only to those whom the source lets have them. None if one person asks for all.
        lane: What is read one beside another only so often at a time: the registry.
    """

    image: str
    source: Source
    name: str
    repository: str = ""
    tag: str = ""
    asker: str | None = None
    lane: str = ""


class Locate(Protocol):
    """Finds the source of an image as written. Raises ``InputError`` if it cannot be one."""

    def __call__(self, image: str, keyring: Keyring | None = None) -> Located:
        """Find it, for whoever has these credentials besides those that all share."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a node would run of an image.

    Attributes:
        digest: The manifest's.
        declared: The platform that the config names.
        defaults: How it starts if the pod says nothing else.
        layers: Its layers' indexes, bottom first, each with the name that its facts go by.
        startable: False for artifacts and data, which have nothing to start.
        partial: Some layer was read by its table of contents only, so that an unknown may be one for want of reading.
    """

    digest: str
    declared: Platform
    defaults: ImageDefaults
    layers: tuple[tuple[str, Layer], ...]
    startable: bool = True
    partial: bool = False
