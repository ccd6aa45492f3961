"""A layer's table of contents.

What eStargz and zstd:chunked layers have at their end, and where they have each file.

Sources: stargz-snapshotter's ``docs/estargz.md`` (the table, its footer, ``innerOffset``);
containers/storage's ``pkg/chunked`` (the same table in a skippable zstd frame, whose place and
digest annotations tell). Both name the table's digest in the manifest's annotations, and the table
the digest of each chunk. The layer's own digest vouches for neither.
"""

import base64
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import digest_of, is_digest
from elfgate.images.source import Descriptor
from elfgate.images.streams import unpack
from elfgate.rootfs.entry import NULL_DEVICE, Entry, Kind
from elfgate.rootfs.header import BLOCK, parse

Fetch = Callable[[int, int], bytes]
"""Fetches the blob's bytes from one offset up to another."""

_ESTARGZ = "containerd.io/snapshot/stargz/toc.digest"
_CHUNKED = "io.github.containers.zstd-chunked.manifest-checksum"
_CHUNKED_PLACE = (
    "io.github.containers.zstd-chunked.manifest-position"  # offset:length:unpacked length:1
)
ANNOTATIONS = frozenset({_ESTARGZ, _CHUNKED, _CHUNKED_PLACE})  # those of a layer that are looked at
_FOOTER_BYTES = 51
_FOOTER_NUMBER = slice(
    16, 32
)  # behind gzip's header and that of its extra field "SG": hexadecimal, then STARGZ
_TABLE_BYTES = 32 << 20
_MOST_ENTRIES = 100_000  # of files and chunks; in memory each takes about a kilobyte
_MOST_VALUES = 16 * _MOST_ENTRIES
_CAPABILITY = "security.capability"

_KINDS = {
    "reg": Kind.FILE,
    "dir": Kind.DIRECTORY,
    "symlink": Kind.SYMLINK,
    "hardlink": Kind.HARDLINK,
    "char": Kind.OTHER,
    "block": Kind.OTHER,
    "fifo": Kind.OTHER,
}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file.

    Attributes:
        start: Where in the blob it is packed.
        end: No byte from there on belongs to it.
        skip: Bytes of something else before it, once unpacked.
        size: Its own bytes, unpacked.
        digest: What these add up to.
    """

    start: int
    end: int
    skip: int
    size: int
    digest: str


@dataclass(slots=True)
class Item:
    """An entry by its name, and where a file's bytes are.

    ``told`` is how many of them the chunks have.
    """

    name: str
    entry: Entry
    chunks: list[Chunk] = field(default_factory=list)
    told: int = 0


def address(descriptor: Descriptor) -> str:
    """Under which digest facts read by a layer's table are kept.

    Its own, so that they are nobody else's.

    Returns:
        The digest of the layer's digest and the table's; empty if no table is named.
    """
    table = descriptor.annotations.get(_ESTARGZ) or descriptor.annotations.get(_CHUNKED) or ""
    return digest_of(f"by table {descriptor.digest} {table}".encode()) if is_digest(table) else ""


def read_table(descriptor: Descriptor, fetch: Fetch) -> list[Item]:
    """Fetch a layer's table, and check it against the manifest's annotation.

    Raises:
        UnreadableError: if it is not what the annotation says, or has another form; as ``fetch``
            does.
        ValueError: the same, in more words.
    """
    if _ESTARGZ in descriptor.annotations:
        start, document = _estargz(descriptor, fetch)
    else:
        start, document = _chunked(descriptor, fetch)
    if (
        document.count(b"{") > _MOST_ENTRIES or document.count(b",") > _MOST_VALUES
    ):  # before any of it takes memory
        raise _unsound("is too long")
    try:
        entries = _ENTRIES.validate_python(orjson.loads(document)["entries"])
    except (orjson.JSONDecodeError, ValidationError, KeyError, TypeError) as error:
        raise _unsound("is malformed") from error
    return _items(entries, start)


def _estargz(descriptor: Descriptor, fetch: Fetch) -> tuple[int, bytes]:
    """The table's place and JSON: in a tar of one file, in the last gzip member but one."""
    end = descriptor.size - _FOOTER_BYTES
    if end <= 0:
        raise _unsound("is not where it should be")
    footer = fetch(end, descriptor.size)
    start = int(footer[_FOOTER_NUMBER], 16) if footer[32:38] == b"STARGZ" else -1
    if not 0 <= start < end or end - start > _TABLE_BYTES:
        raise _unsound("is not where it should be")
    data = unpack(fetch(start, end), _TABLE_BYTES)
    if len(data) < BLOCK:
        raise _unsound("is cut short")
    size = parse(data[:BLOCK]).size
    document = data[BLOCK : BLOCK + size]
    if digest_of(document) != descriptor.annotations[_ESTARGZ]:
        raise _unsound("does not match its digest")
    return start, document


def _chunked(descriptor: Descriptor, fetch: Fetch) -> tuple[int, bytes]:
    """The table's place and JSON: in a skippable frame, compressed once more."""
    start, length, size, *_ = map(
        int, descriptor.annotations.get(_CHUNKED_PLACE, "0:0:0").split(":")
    )
    if start <= 0 or not 0 < length <= _TABLE_BYTES or not 0 < size <= _TABLE_BYTES:
        raise _unsound("is not where it should be")
    packed = fetch(start, start + length)
    if digest_of(packed) != descriptor.annotations[_CHUNKED]:
        raise _unsound("does not match its digest")
    return start, unpack(packed, size)


Number = Annotated[int, Field(ge=0, lt=1 << 62)]


class _Row(BaseModel):
    name: str = ""
    type: str
    size: Number = 0
    mode: Number = 0
    uid: Number = 0
    gid: Number = 0
    link: str = Field("", alias="linkName")
    major: Number = Field(0, alias="devMajor")
    minor: Number = Field(0, alias="devMinor")
    xattrs: dict[str, Any] = Field(default_factory=dict)
    digest: str = ""
    offset: Number = 0
    inner_offset: Number = Field(0, alias="innerOffset")
    chunk_offset: Number = Field(0, alias="chunkOffset")
    chunk_size: Number = Field(0, alias="chunkSize")
    chunk_digest: str = Field("", alias="chunkDigest")


_ENTRIES = TypeAdapter(list[_Row])


def _items(entries: Sequence[_Row], end: int) -> list[Item]:
    """The entries with their chunks; what is packed at one offset ends where the next begins."""
    starts = sorted({entry.offset for entry in entries if entry.offset} | {end})
    items: list[Item] = []
    for row in entries:
        if ".." in row.name.split("/"):
            raise _unsound("has a name that climbs")
        if row.type != "chunk":
            items.append(Item(row.name, _entry(row)))
        if row.type in {"reg", "chunk"} and items and items[-1].entry.size:
            _add_chunk(items[-1], row, starts)
    return items


def _entry(row: _Row) -> Entry:
    kind = _KINDS.get(row.type, Kind.UNREADABLE)
    capability = _decoded(row.xattrs.get(_CAPABILITY, ""))
    is_null = row.type == "char" and not row.major and not row.minor
    traits = NULL_DEVICE if is_null else 0
    return Entry(kind, row.mode, row.uid, row.gid, row.size, row.link, traits, capability)


def _decoded(value: object) -> bytes:
    """An extended attribute's bytes, which a table writes in base64."""
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b"?"
    except ValueError:
        return b"?"  # an attribute is there; what it says is not known


def _add_chunk(item: Item, row: _Row, starts: Sequence[int]) -> None:
    after = bisect_right(starts, row.offset)
    if not row.offset or after == len(starts):
        raise _unsound("has a file outside the layer")
    size = row.chunk_size or item.entry.size - row.chunk_offset
    if row.chunk_offset != item.told or not 0 < size <= item.entry.size - item.told:
        raise _unsound("has a file in pieces that do not follow one another")
    digest = row.chunk_digest or (row.digest if size == item.entry.size else "")
    item.chunks.append(Chunk(row.offset, starts[after], row.inner_offset, size, digest))
    item.told += size


def _unsound(what: str) -> UnreadableError:
    return UnreadableError(f"its table of contents {what}", reason=UnknownReason.IMAGE_INVALID)
