"""What is kept of one file of a layer: what matters for starting a program, and nothing else."""

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What a name in a directory stands for."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    HARDLINK = 3
    OTHER = 4  # device, FIFO, socket
    WHITEOUT = 5  # OCI layer spec: hides the name in the layers below
    UNREADABLE = 6  # it is there, but its bytes could not be kept (sparse, over a limit): an unknown if it matters


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a layer.

    Attributes:
        kind: What it is.
        mode: Permission bits (0o7777).
        uid: Owner.
        gid: Group.
        size: Bytes of a file.
        link: A symlink's target as written, or a hard link's target as an absolute path in the image.
        opaque: A directory that hides what the layers below have in it.
        implied: A directory that only its contents tell of: it takes mode and owner of the one below, if there is.
        head: A file's first bytes (up to 256), if it has an x bit or a library's name, or is an ELF file.
        tail: The rest of a shell script's text up to 64 KiB, so that its ``exec "$@"`` can be seen.
        elf: The digest under which the layer keeps an ELF file's excerpt (``Layer.excerpt``), else empty. The excerpt
            itself is not here, so that whoever has its facts already need not unpack it.
        text: The whole of a file whose text decides (ld.so.cache, ld.so.preload, ld-musl-*.path, os-release, passwd,
            group), else None.
        capability: An ELF file's ``security.capability`` (capabilities(7)), as it is written; empty if it has none.
    """

    kind: Kind
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    link: str = ""
    opaque: bool = False
    implied: bool = False
    head: bytes = b""
    tail: bytes = b""
    elf: bytes = b""
    text: bytes | None = None
    capability: bytes = b""
