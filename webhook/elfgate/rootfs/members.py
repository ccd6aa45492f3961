"""The members of a tar stream: a name, and the entry that its headers describe.

Walks the headers itself: ``tarfile`` costs more than inflating the layer does.
"""

from collections.abc import Iterator

from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.header import BLOCK, PAX_BYTES, Header, parse, pax_number, pax_records
from elfgate.rootfs.input import Input

_ZERO_BLOCK = bytes(BLOCK)

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
_WITHOUT_DATA = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_EXTENSIONS = frozenset((b"x", b"L", b"K"))  # of the next entry: pax, GNU long name, GNU long link
_CAPABILITY = "SCHILY.xattr.security.capability"


def members(source: Input) -> Iterator[tuple[str, Entry]]:
    """The entries by name, in order.

    Whatever of an entry's data is not taken is skipped before the next.

    Raises:
        ValueError: if it is no tar, or cut short. One line.
        UnreadableError: if it is longer than the source allows.
    """
    extended: dict[str, bytes] = {}
    while block := source.peek(BLOCK):
        if len(block) < BLOCK:
            raise ValueError("the tar is cut short in a header")
        source.skip(BLOCK)
        if block == _ZERO_BLOCK:
            if source.peek(BLOCK) not in (b"", _ZERO_BLOCK):
                raise ValueError("the tar goes on after its end")
            break
        header = parse(block)
        if header.type in _EXTENSIONS:
            extended |= _extension(header, source)
            continue
        while header.extended:
            header.extended = source.take(BLOCK)[504] != 0
        end = source.position + _stored(header, extended)
        if header.type != b"g":
            yield _member(header, extended)
            extended = {}
        source.skip(end - source.position)
        source.skip_padding(BLOCK)
    if extended:
        raise ValueError("the tar is cut short after an extended header")


def _extension(header: Header, source: Input) -> dict[str, bytes]:
    """The facts of an extended header about the next entry, in the words of pax."""
    if header.size > PAX_BYTES:
        raise ValueError(f"an extended header is longer than {PAX_BYTES} bytes")
    data = bytes(source.take(header.size))
    source.skip_padding(BLOCK)
    if header.type == b"x":
        return pax_records(data)
    return {"path" if header.type == b"L" else "linkpath": data.partition(b"\0")[0]}


def _stored(header: Header, extended: dict[str, bytes]) -> int:
    """How many bytes of data follow a header in the stream."""
    if header.type in _WITHOUT_DATA:
        return 0
    return pax_number(extended["size"]) if extended.get("size") else header.size


def _member(header: Header, extended: dict[str, bytes]) -> tuple[str, Entry]:
    """A header, with what extended headers change of it."""
    kind = _KINDS.get(header.type, Kind.UNREADABLE)
    if header.type == b"\0" and header.name.endswith(b"/"):
        kind = Kind.DIRECTORY  # as before POSIX
    name, size, link = header.name, _stored(header, extended), header.link
    uid, gid, capability = header.uid, header.gid, b""
    if extended:
        name, link = extended.get("path") or name, extended.get("linkpath") or link
        uid = pax_number(extended["uid"]) if extended.get("uid") else uid
        gid = pax_number(extended["gid"]) if extended.get("gid") else gid
        capability = extended.get(_CAPABILITY, b"")
        if any(key.startswith("GNU.sparse.") for key in extended):
            kind, name = Kind.UNREADABLE, extended.get("GNU.sparse.name") or name
            size = _unpacked_size(extended)
    target = link.decode("utf-8", "surrogateescape")
    entry = Entry(kind, header.mode, uid, gid, size, target, capability=capability)
    return name.decode("utf-8", "surrogateescape"), entry


def _unpacked_size(extended: dict[str, bytes]) -> int:
    """The bytes of a sparse file, holes included."""
    return pax_number(
        extended.get("GNU.sparse.realsize") or extended.get("GNU.sparse.size") or b"0"
    )
