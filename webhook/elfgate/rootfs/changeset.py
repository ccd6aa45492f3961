"""What an entry of a layer means, whatever form it was written in.

Source: OCI image spec, "Image Layer Filesystem Changeset"; names as a node's runtime takes them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.contents import Buffer
from elfgate.rootfs.entry import Kind

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(slots=True)
class Member:
    """An entry as written: see the attributes of the same names in ``Entry``; ``name`` is its path."""

    name: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    link: str
    capability: bytes = b""


def add(builder: LayerBuilder, member: Member, content: Callable[[str, Member], Buffer]) -> None:
    """Add an entry to an index.

    Args:
        builder: The index.
        member: The entry.
        content: Gives a file's first bytes, by its absolute path and entry: as many as ``contents.bytes_wanted`` says.

    Raises:
        ValueError: if no node could unpack it, or its name climbs.
        UnreadableError: if the index has more names than allowed.
    """
    path = absolute(member.name)
    parent, _, last = path.rpartition("/")
    if last == _OPAQUE:
        builder.opaque(parent)
    elif "/.wh..wh." in path:
        return  # what AUFS kept for itself
    elif last.startswith(_WHITEOUT):
        builder.add(f"{parent}/{_hidden(last)}", Kind.WHITEOUT)
    else:
        builder.add(
            path,
            member.kind,
            mode=member.mode,
            uid=member.uid,
            gid=member.gid,
            size=member.size,
            link=absolute(member.link) if member.kind is Kind.HARDLINK else member.link,
            data=content(path, member) if member.kind is Kind.FILE else b"",
            capability=member.capability,
        )


def absolute(name: str) -> str:
    """The absolute, normalised path of an entry.

    Raises:
        ValueError: if it climbs.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"the name {name[:100]!r} climbs with '..'")
    return "/" + "/".join(parts)


def _hidden(last: str) -> str:
    name = last.removeprefix(_WHITEOUT)
    if name in ("", ".", ".."):
        raise ValueError(f"{last!r} hides no name")
    return name
