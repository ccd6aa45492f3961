"""The meaning of a layer's entry, whatever form it was written in.

Source: OCI image spec, "Image Layer Filesystem Changeset"; names as a node's runtime takes them
(containerd's ``applyNaive`` cleans them, and keeps what climbs within the root; its
``hardlinkRootPath`` walks a hard link's target).
"""

from itertools import dropwhile
from posixpath import normpath
from typing import TYPE_CHECKING

from elfgate.rootfs.entry import PASSING, Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from elfgate.rootfs.build import LayerBuilder
    from elfgate.rootfs.contents import Buffer

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


def add(
    builder: "LayerBuilder", name: str, entry: Entry, content: "Callable[[str, Entry], Buffer]"
) -> None:
    """Add an entry to an index.

    Args:
        builder: The index.
        name: The entry's path as written.
        entry: The rest of it; a hard link's target may be relative to the root.
        content: Gives a file's first bytes, by its absolute path and entry: as many as
            ``contents.bytes_wanted`` says.

    Raises:
        ValueError: if no node could unpack it.
        UnreadableError: if the index has more names than allowed.
    """
    path = absolute(name)
    parent, _, last = path.rpartition("/")
    if entry.traits & PASSING:
        builder.disturb(path)
    elif last == OPAQUE:
        builder.opaque(parent)
    elif last.startswith(WHITEOUT):
        builder.add(f"{parent}/{_hidden(last)}", Entry(Kind.WHITEOUT))
    elif entry.kind is Kind.FILE:
        builder.add(path, entry, content(path, entry))
    elif entry.kind is Kind.HARDLINK:
        builder.add(path, entry._replace(link=_target(entry.link)))
    else:
        builder.add(path, entry)
        if entry.opaque and path != "/":
            builder.opaque(path, by_kernel=True)


def absolute(name: str) -> str:
    """The absolute, normalised path of an entry; a name that climbs ends at the root."""
    return normpath(f"/{name.lstrip('/')}")


def _target(link: str) -> str:
    """The absolute path of a hard link's target, which is walked rather than cleaned."""
    parts = [part for part in link.split("/") if part not in ("", ".")]
    return f"/{'/'.join(dropwhile(_climbs, parts))}"


def _climbs(part: str) -> bool:
    return part == ".."


def _hidden(last: str) -> str:
    name = last.removeprefix(WHITEOUT)
    if name in ("", ".", ".."):
        raise ValueError(f"{last!r} hides no name")
    return name
