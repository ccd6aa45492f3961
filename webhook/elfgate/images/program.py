"""A program's file on this machine, as an image that has nothing else (``file:PROGRAM``).

Its platform is the file's own. As with a folder, nothing of it is ever stored.
"""

import json
import mmap
import os
from pathlib import Path

from elfgate.elf.excerpt import excerpt, is_elf
from elfgate.elf.facts import ElfFacts
from elfgate.elf.read import read
from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.directory import Folded, add
from elfgate.images.source import Descriptor
from elfgate.platforms import machine_name
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.layer import Layer


class Program:
    """A file as an image (a ``Source``).

    Args:
        path: The file; the image has it as ``/NAME``, and starts it.

    Attributes:
        path: The file.
        name: The same in the image.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(os.path.realpath(path))
        self.name = f"/{Path(path).name}"
        self._folded = Folded(self.path)

    def resolve(self, name: str) -> Descriptor:
        """The file's one image, which has no name."""
        if name or not self.path.is_file():
            raise UnreadableError(
                f"{self.path} is not a file", reason=UnknownReason.IMAGE_NOT_FOUND
            )
        return self._folded.image

    def document(self, descriptor: Descriptor) -> bytes:
        """The manifest or the config, whichever the media type asks for."""
        if descriptor.media_type != mediatypes.OCI_CONFIG:
            return self._folded.manifest()
        config = {
            "os": "linux",
            "architecture": self._architecture(),
            "config": {"Entrypoint": [self.name]},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        return json.dumps(config).encode()

    def layer(self, descriptor: Descriptor) -> Layer:  # noqa: ARG002 - there is one
        """Index the file."""
        builder = LayerBuilder(max_entries=1)
        try:
            add(builder, self.path, self.name, mode=0o111)
            return builder.build()
        except (OSError, ValueError) as error:
            raise UnreadableError(
                f"{self.path}: {error}", reason=UnknownReason.IMAGE_INVALID
            ) from error

    def _architecture(self) -> str:
        """The architecture that the file is for; empty if it is no ELF file."""
        try:
            facts = self._facts()
        except OSError as error:
            reason = UnknownReason.IMAGE_NOT_FOUND
            raise UnreadableError(f"{self.path}: {error.strerror}", reason=reason) from error
        if facts is None:
            return ""
        return machine_name(facts.machine, facts.elf_class, facts.byte_order)

    def _facts(self) -> ElfFacts | None:
        """The file's facts; None if it is no ELF file. It may be larger than the memory."""
        with self.path.open("rb") as file:
            if not is_elf(file.read(4)):
                return None
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return read(excerpt(data))
