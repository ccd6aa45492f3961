"""A program's file on this machine, as an image that has nothing else (``file:PROGRAM``).

Its platform is the file's own. As with a folder, nothing of it is ever stored.
"""

import json
from pathlib import Path

from elfgate.elf.excerpt import excerpt, is_elf
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
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path).resolve()
        self._name = f"/{Path(path).name}"
        self._folded = Folded(self._path)

    def resolve(self, name: str) -> Descriptor:
        """The file's one image, which has no name."""
        if name or not self._path.is_file():
            raise UnreadableError(
                f"{self._path} is not a file", reason=UnknownReason.IMAGE_NOT_FOUND
            )
        return self._folded.image

    def document(self, descriptor: Descriptor) -> bytes:
        """The manifest or the config, whichever the media type asks for."""
        if descriptor.media_type != mediatypes.OCI_CONFIG:
            return self._folded.manifest()
        config = {
            "os": "linux",
            "architecture": self._architecture(),
            "config": {"Entrypoint": [self._name]},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        return json.dumps(config).encode()

    def layer(self, descriptor: Descriptor) -> Layer:  # noqa: ARG002 - there is one
        """Index the file."""
        builder = LayerBuilder(max_entries=1)
        try:
            add(builder, self._path, self._name, mode=0o111)
            return builder.build()
        except (OSError, ValueError) as error:
            raise UnreadableError(
                f"{self._path}: {error}", reason=UnknownReason.IMAGE_INVALID
            ) from error

    def _architecture(self) -> str:
        """The architecture that the file is for; empty if it is no ELF file."""
        try:
            data = self._path.read_bytes()
        except OSError as error:
            reason = UnknownReason.IMAGE_NOT_FOUND
            raise UnreadableError(f"{self._path}: {error.strerror}", reason=reason) from error
        if not is_elf(data[:4]):
            return ""
        facts = read(excerpt(data))
        return machine_name(facts.machine, facts.elf_class, facts.byte_order)
