"""The members of a tar stream: a name, and the entry that its headers describe.

Walks the headers itself: ``tarfile`` costs more than inflating the layer does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.rootfs.entry import NULL_DEVICE, OPAQUE, PASSING, Entry, Kind
from elfgate.rootfs.header import (
    BLOCK,
    PAX_BYTES,
    WITHOUT_DATA,
    Header,
    parse,
    pax_number,
    pax_records,
)
from elfgate.rootfs.holes import MOST_BYTES, SparseData, sparse_of
from elfgate.rootfs.input import Input

_ZERO_BLOCK = bytes(BLOCK)
_GLOBAL = Entry(Kind.UNREADABLE, traits=PASSING)

_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,  # contiguous: POSIX says to treat it as a regular file
    b"1": Kind.HARDLINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.OTHER,
    b"4": Kind.OTHER,
    b"5": Kind.DIRECTORY,
    b"6": Kind.OTHER,
    b"S": Kind.UNREADABLE,
}
_LONG = {b"L": "path", b"K": "linkpath"}  # GNU's, in the words of pax
_CAPABILITY = "SCHILY.xattr.security.capability"
# What overlayfs itself keeps of a file, by the privilege that it is mounted with.
_OVERLAY = ("SCHILY.xattr.trusted.overlay.", "SCHILY.xattr.user.overlay.")
_OVERLAY_OPAQUE = frozenset(f"{prefix}opaque" for prefix in _OVERLAY)
_OVERLAY_OTHERS = frozenset(
    f"{prefix}{name}" for prefix in _OVERLAY for name in ("redirect", "metacopy", "whiteout")
)


class Data(Protocol):
    """A member's bytes."""

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer at the end of the stream, without passing them."""

    def take(self, size: int) -> memoryview | bytearray:
        """The next ``size`` bytes. They are good until the next call.

        Raises:
            ValueError: if the stream ends before.
        """


@dataclass(slots=True)
class _Extended:
    """The words of extended headers about the next entry.

    A second pax header takes the place of the first; GNU's names win over those of pax.
    """

    pax: dict[str, bytes] = field(default_factory=dict)
    gnu: dict[str, bytes] = field(default_factory=dict)

    def read(self, header: Header, source: Input) -> None:
        """Read the header of an extension, and what follows it."""
        if header.size > PAX_BYTES:
            raise ValueError(f"an extended header is longer than {PAX_BYTES} bytes")
        data = bytes(source.take(header.size))
        source.skip_padding(BLOCK)
        if header.type == b"x":
            self.pax = pax_records(data)
        else:
            self.gnu[_LONG[header.type]] = data.partition(b"\0")[0]

    def records(self) -> dict[str, bytes]:
        """All of it, in the words of pax."""
        return self.pax | {key: name for key, name in self.gnu.items() if name}


def members(source: Input) -> Iterator[tuple[str, Entry, Data]]:
    """The entries by name, in order, and their bytes.

    Whatever of an entry's data is not taken is skipped before the next.

    Raises:
        ValueError: if it is no tar, or cut short. One line.
        UnreadableError: if it is longer than the source allows, or has what no runtime's own files
            say.
    """
    extended: _Extended | None = None
    while block := source.peek(BLOCK):
        if len(block) < BLOCK:
            raise ValueError("the tar is cut short in a header")
        source.skip(BLOCK)
        if block == _ZERO_BLOCK:
            if source.peek(BLOCK) not in (b"", _ZERO_BLOCK):
                raise ValueError("the tar goes on after its end")
            break
        header = parse(block)
        if header.type == b"x" or header.type in _LONG:
            extended = extended or _Extended()
            extended.read(header, source)
            continue
        while header.extended:
            header.extended = source.take(BLOCK)[504] != 0
        if header.type == b"g":  # it ends what was said of a next entry, as archive/tar has it
            yield _global(header, source), _GLOBAL, source
        elif extended is None:
            data = 0 if header.type in WITHOUT_DATA else header.size
            end = source.position + data
            yield _name(header.name), _entry(header), source
            _pass(source, end - source.position)
        else:
            yield from _extended(header, extended.records(), source)
        extended = None


def _global(header: Header, source: Input) -> str:
    """The name of a global header, which no runtime heeds otherwise.

    containerd removes what has its name, as before any entry; others do not.
    """
    told = {}
    if header.size <= PAX_BYTES:
        told = pax_records(bytes(source.take(header.size)))
        source.skip_padding(BLOCK)
    else:
        _pass(source, header.size)
    return _name(told.get("path") or header.name)


def _pass(source: Input, size: int) -> None:
    source.skip(size)
    source.skip_padding(BLOCK)


def _extended(
    header: Header, extended: dict[str, bytes], source: Input
) -> Iterator[tuple[str, Entry, Data]]:
    """An entry with what extended headers change of it."""
    header.name = extended.get("path") or header.name
    header.link = extended.get("linkpath") or header.link
    header.uid = pax_number(extended["uid"]) if extended.get("uid") else header.uid
    header.gid = pax_number(extended["gid"]) if extended.get("gid") else header.gid
    header.size = pax_number(extended["size"]) if extended.get("size") else header.size
    length = 0 if header.type in WITHOUT_DATA else header.size
    if length < 0:
        raise ValueError("a size is negative")
    end = source.position + length
    data: Data = source
    sparse = sparse_of(extended)
    if sparse is not None:
        header.name = sparse.name or header.name
        header.size = header.size if sparse.size is None else sparse.size
        data = SparseData(source, sparse, header.size)
    entry = _entry(header)
    kind = entry.kind
    if sparse is not None and entry.size > MOST_BYTES:
        kind = Kind.UNREADABLE
    capability = extended.get(_CAPABILITY, b"")
    traits = entry.traits | _traits(extended)
    entry = entry._replace(kind=kind, capability=capability, traits=traits)
    yield _name(header.name), entry, data
    _pass(source, end - source.position)


def _traits(extended: dict[str, bytes]) -> int:
    """The traits that an entry has by attributes of overlayfs's own."""
    if not _OVERLAY_OTHERS.isdisjoint(extended):
        message = "the layer has files in the kernel's own form of an overlay"
        raise UnreadableError(message, reason=UnknownReason.IMAGE_UNSUPPORTED)
    return OPAQUE if any(extended.get(key) == b"y" for key in _OVERLAY_OPAQUE) else 0


def _entry(header: Header) -> Entry:
    kind = _KINDS.get(header.type, Kind.UNREADABLE)
    if header.type == b"\0" and header.name.endswith(b"/"):
        kind = Kind.DIRECTORY  # as before POSIX
    size = 0 if header.type in WITHOUT_DATA else header.size
    link = header.link.decode("utf-8", "surrogateescape")
    traits = NULL_DEVICE if header.is_null else 0
    return Entry(kind, header.mode, header.uid, header.gid, size, link, traits)


def _name(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
