"""Builds layers' tars: what a test wants to say, and nothing else.

``layer({"bin/": directory(), "bin/sh": program(elf), "bin/ash": link("sh"), "etc/x": "text", "etc/y": whiteout()})``
"""

import io
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tar import index

_TYPES = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
    "fifo": tarfile.FIFOTYPE,
    "device": tarfile.CHRTYPE,
    "null_device": tarfile.CHRTYPE,
    "unreadable": b"Z",  # of no type that anybody knows
}


@dataclass(frozen=True)
class Item:
    """One entry of a tar."""

    kind: str
    data: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    target: str = ""
    capability: bytes = b""


def capability(*numbers: int, effective: bool = True) -> bytes:
    """A ``security.capability`` with these permitted, of the second revision (capabilities(7))."""
    permitted = sum(1 << number for number in numbers)
    low, high = permitted & 0xFFFFFFFF, permitted >> 32
    return struct.pack("<5I", 0x02000000 | effective, low, 0, high, 0)


def text(content: str, mode: int = 0o644) -> Item:
    return Item("file", content.encode(), mode)


def program(data: bytes | str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Item:
    return Item("file", data.encode() if isinstance(data, str) else data, mode, uid, gid)


def directory(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Item:
    return Item("directory", mode=mode, uid=uid, gid=gid)


def link(target: str) -> Item:
    return Item("symlink", mode=0o777, target=target)


def hardlink(target: str, mode: int = 0o755, uid: int = 0, capability: bytes = b"") -> Item:
    return Item("hardlink", mode=mode, uid=uid, target=target, capability=capability)


def fifo() -> Item:
    return Item("fifo")


def null_device() -> Item:
    """A character device 0/0, which overlayfs takes for a whiteout."""
    return Item("null_device", mode=0o755)


def whiteout(path: str) -> str:
    """The name of the entry that hides ``path``."""
    parent, slash, name = path.rpartition("/")
    return f"{parent}{slash}.wh.{name}"


def opaque(path: str) -> str:
    """The name of the entry that makes the directory ``path`` opaque."""
    return f"{path}/.wh..wh..opq"


Content = Mapping[str, Item | str | bytes]
"""Entries by name, in order; a str or bytes is a plain file's content."""


def tarball(
    content: Content | list[tuple[str, Item | str | bytes]],
    format: int = tarfile.PAX_FORMAT,  # noqa: A002
) -> bytes:
    """The bytes of a tar. A list allows a name twice."""
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=format, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for name, given in content.items() if isinstance(content, Mapping) else content:
            item = (
                given
                if isinstance(given, Item)
                else Item("file", given.encode() if isinstance(given, str) else given)
            )
            info = tarfile.TarInfo(name)
            info.type = _TYPES[item.kind]
            if item.kind == "device":  # /dev/null's
                info.devmajor, info.devminor = 1, 3
            info.mode, info.uid, info.gid = item.mode, item.uid, item.gid
            info.linkname, info.size = item.target, len(item.data)
            if item.capability:  # as tar --xattrs writes it
                value = item.capability.decode("utf-8", "surrogateescape")
                info.pax_headers = {"SCHILY.xattr.security.capability": value}
            archive.addfile(info, io.BytesIO(item.data))
    return buffer.getvalue()


def read(tar: bytes, max_bytes: int = 1 << 30, max_entries: int = 100_000) -> Layer:
    """Index a tar's bytes."""
    return index(io.BytesIO(tar), max_bytes=max_bytes, max_entries=max_entries)


def layer(content: Content | list[tuple[str, Item | str | bytes]]) -> Layer:
    """An indexed layer of this content."""
    return read(tarball(content))
