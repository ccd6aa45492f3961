"""One name of a layer, from the tar's header to the tree.

What matters for a start, and nothing else.

A new fact about a file has its field or trait here, its bytes in ``form``, and is read in ``tar``,
``images.table`` and ``images.directory``; everything between passes an ``Entry`` on.
"""

from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """The inode that a name in a directory stands for."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    HARDLINK = 3
    OTHER = 4  # device, FIFO, socket
    WHITEOUT = 5  # OCI layer spec: hides the name in the layers below
    # It is there, but its bytes could not be kept (sparse, over a limit): an unknown if it matters.
    UNREADABLE = 6


# Traits: facts that are there or not. Bits of ``Entry.traits``, and of a stored record.
OPAQUE = 0x01  # a directory that hides what the layers below have in it
IMPLIED = 0x02  # a directory without an entry of its own: only its contents tell of it
RENEWED = 0x04  # a directory made where the same layer has hidden or replaced something
LATE = 0x08  # a directory whose own entry follows some of its contents, or its opaque mark
DISPUTED = 0x10  # of a layer's root: what is unpacked depends on more than the index has
NULL_DEVICE = 0x20  # a character device 0/0, overlayfs's whiteout; of a root: the layer has one
# Of no entry, but a global header, before which some runtimes remove its name; of a root: the layer
# has one of a name that only layers below may have.
PASSING = 0x40


class Entry(NamedTuple):
    """One name of a layer. A tuple, as a layer may have a million.

    Attributes:
        kind: What it is.
        mode: Permission bits (0o7777).
        uid: Owner.
        gid: Group.
        size: Bytes of a file.
        link: A symlink's target as written, or a hard link's target as an absolute path in the
            image.
        traits: Bits, such as ``IMPLIED``.
        capability: An ELF file's ``security.capability`` (capabilities(7)), as it is written; empty
            if it has none.
        head: A file's first bytes (up to 256), if it has an x bit or a library's name, or is an ELF
            file.
        tail: The rest of a shell script's text up to 64 KiB, or of a file that scripts read into
            themselves.
        elf: The digest under which the layer keeps an ELF file's excerpt (``Layer.excerpt``), else
            empty. The excerpt itself is not here, so that whoever has its facts already need not
            unpack it.
        text: The whole of a file whose text decides (ld.so.cache, ld.so.preload, ld-musl-*.path,
            os-release, passwd, group), else None.
    """

    kind: Kind
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    link: str = ""
    traits: int = 0
    capability: bytes = b""
    head: bytes = b""
    tail: bytes = b""
    elf: bytes = b""
    text: bytes | None = None

    @property
    def opaque(self) -> bool:
        """Whether it is a directory that hides what the layers below have in it."""
        return bool(self.traits & OPAQUE)

    @property
    def implied(self) -> bool:
        """Whether it is a directory without an entry of its own.

        It has the mode and owner of the one below.
        """
        return bool(self.traits & IMPLIED)

    def under(self, link: "Entry", *, is_kept: bool) -> "Entry":
        """The inode of a file after a hard link to it was unpacked.

        The link's header is applied to it last.

        Its mode, its owner and its capabilities, which a change of owner takes away (containerd's
        ``createTarFile``; capabilities(7)).

        Args:
            link: The hard link.
            is_kept: Whether what ``exec`` looks at was kept of the file, which it is not for one
                without an x bit.
        """
        kind = self.kind
        if kind is Kind.FILE and link.mode & 0o111 and self.size and not is_kept:
            kind = Kind.UNREADABLE
        return self._replace(
            kind=kind, mode=link.mode, uid=link.uid, gid=link.gid, capability=link.capability
        )
