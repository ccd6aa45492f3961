"""Writes a layer's index (see ``form``) from the names that its builder has put together."""

import zlib
from collections.abc import Iterator

from elfgate.elf import sparse
from elfgate.rootfs import form
from elfgate.rootfs.entry import OPAQUE, RENEWED, Kind
from elfgate.rootfs.pieces import Pieces
from elfgate.rootfs.upper import Directory, Name


def encode(root: Directory, links: Pieces, texts: Pieces, excerpts: Pieces) -> bytes:
    """The stored form. The same content gives the same bytes.

    Args:
        root: The root directory.
        links: The targets of symlinks and hard links.
        texts: Heads, tails and texts.
        excerpts: ELF excerpts.
    """
    paths: list[str] = []
    traits = bytearray()
    records_at, names_at = [0], [0]
    names, records = bytearray(), bytearray()
    for path, directory in sorted(_directories(root), key=lambda row: row[0]):
        children = directory.children if path else {"": directory}
        paths.append(path)
        traits.append(directory.entry.traits)
        ordered = sorted(children)
        names += "\0".join(ordered).encode("utf-8", "surrogateescape")
        for last in ordered:
            records += _record(children[last], len(links.lengths), len(texts.lengths))
        records_at.append(len(records) // form.RECORD.size)
        names_at.append(len(names))
    directories = form.pack_numbers((len(paths), *records_at, *names_at)) + traits
    directories += "\0".join(paths).encode("utf-8", "surrogateescape")
    return _file((directories, bytes(names), bytes(records)), (links, texts, excerpts))


def _directories(root: Directory) -> Iterator[tuple[str, Directory]]:
    """Every directory that has names, by path; the empty path stands for the root's own name."""
    yield "", root
    waiting = [("", root)]
    while waiting:
        path, directory = waiting.pop()
        if directory.children or directory.entry.traits & (OPAQUE | RENEWED):
            yield path or "/", directory
        waiting += [
            (f"{path}/{last}", name)
            for last, name in directory.children.items()
            if isinstance(name, Directory)
        ]


def _record(name: Name, links: int, texts: int) -> bytes:
    """One record; pieces are numbered through: links, then texts, then excerpts."""
    entry = name.entry
    is_link = entry.kind in (Kind.SYMLINK, Kind.HARDLINK)
    before_head = 0 if is_link else links
    before_body = links + texts if name.form == form.ELF else links
    first = name.head + before_head if name.head else 0
    second = name.body + before_body if name.body else 0
    return form.RECORD.pack(
        entry.kind | name.form,
        entry.traits,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.size,
        first,
        second,
        name.capability + links if name.capability else 0,
    )


def _file(sections: tuple[bytes, bytes, bytes], sorts: tuple[Pieces, Pieces, Pieces]) -> bytes:
    for pieces in sorts:
        pieces.flush()
    frames = [frame for pieces in sorts for frame in pieces.frames]
    lengths = [length for pieces in sorts for length in pieces.lengths]
    digests = sorts[-1].digests
    chunks = form.pack_numbers(
        (
            len(frames),
            len(lengths),
            len(digests),
            *map(len, frames),
            *(size for pieces in sorts for size in pieces.frame_sizes),
            *lengths,
        )
    ) + b"".join(digests)
    unpacked = (*sections, chunks)
    stored = [form.pack(section) for section in unpacked]
    sizes = [size for pair in zip(stored, unpacked, strict=True) for size in map(len, pair)]
    length = form.HEADER.size + form.SECTIONS.size + sum(map(len, stored)) + sum(map(len, frames))
    table = form.SECTIONS.pack(*sizes)
    checksum = zlib.crc32(b"".join((table, *stored, *frames)))
    header = form.HEADER.pack(form.MAGIC, form.VERSION, sparse.VERSION, checksum, length)
    return b"".join((header, table, *stored, *frames))
