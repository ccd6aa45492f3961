"""The source of an image's parts.

One small protocol, and the facts about a part before it is read.
"""

from base64 import b64decode
from dataclasses import dataclass, field
from typing import Protocol

from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer


@dataclass(frozen=True, slots=True)
class Descriptor:
    """An OCI content descriptor.

    Attributes:
        media_type: As written.
        digest: ``sha256:…``; for a folder that has none, ``dir:PATH`` (never stored).
        size: Bytes; 0 if not known.
        platform: An index entry's platform, if it has one.
        annotations: As written.
        data: The content in base64, verified; empty if the descriptor does not carry it.
    """

    media_type: str
    digest: str
    size: int = 0
    platform: Platform | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    data: str = ""

    @property
    def content(self) -> bytes:
        """The content that it carries; nothing if it does not."""
        return b64decode(self.data)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of an image is read before it counts as hostile. Bytes, counts and seconds.

    Attributes:
        manifest_bytes: One manifest, index or config.
        layer_bytes: One layer, unpacked.
        layer_entries: Names in one layer.
        layer_ratio: Unpacked to packed bytes, beyond the first 64 MiB unpacked.
        index_entries: Manifests in one index.
        seconds: One layer, from the first byte asked for to the last.
    """

    manifest_bytes: int = 4 << 20
    layer_bytes: int = 16 << 30
    layer_entries: int = 1_000_000
    layer_ratio: int = 200
    index_entries: int = 1_000
    seconds: float = 600.0


class Watch(Protocol):
    """Is told what is fetched of layers. Thread-safe."""

    def expect(self, what: str, size: int) -> None:
        """A thing of this name and of so many bytes is asked for."""

    def add(self, count: int) -> None:
        """So many bytes have come."""


class Source(Protocol):
    """Anything that holds images. Calls block: the scan runs them on threads. Thread-safe.

    Every method raises ``UnreadableError`` with the reason if the thing cannot be had or is not
    what it should be.
    """

    def resolve(self, name: str) -> Descriptor:
        """The index or manifest that ``name`` points at now.

        The name is a tag or a digest; it is empty for the only image.
        """

    def document(self, descriptor: Descriptor) -> bytes:
        """The bytes of an index, manifest or config: digest verified, bounded.

        A source may leave of a heavy document what is read of it (``pared``).
        """

    def layer(self, descriptor: Descriptor) -> Layer:
        """Read one layer's bytes once, verify them while reading, and index them."""
