"""Cuts out of a whole ELF file what decides its start.

Some kilobytes of what may be hundreds of megabytes.
"""

from collections.abc import Sequence
from typing import TypeAlias

from elfgate.elf import dynamic, exported, golang, loader, packed, undefined, upx
from elfgate.elf.layout import HEADER_LIMIT, MAGIC, Layout, layout_of
from elfgate.elf.sparse import Excerpt, Mark
from elfgate.elf.window import Data, Image, Window

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE, _PT_GNU_PROPERTY = 1, 2, 3, 4, 0x6474E553
_PF_X, _PF_W = 1, 2
_ET_EXEC, _ET_DYN = 2, 3

Segment: TypeAlias = tuple[
    int, int, int, int, int, int
]  # type, offset, vaddr, filesz, memsz, flags

HEADERS_LIMIT = 65536  # bytes of program headers that a kernel takes (binfmt_elf.c, load_elf_phdrs)
_INTERP_LIMIT = 4097  # PATH_MAX and one more, so that a longer one can be told
_NOTE_LIMIT, _NOTES_LIMIT = 4096, 8

_UPX_NEAR_START, _UPX_NEAR_END, _UPX_FIRST_BLOCK = 1024, 128, 8192
_JEMALLOC = b"<jemalloc>: Unsupported system page size"


def is_elf(head: bytes) -> bool:
    """Whether a file that begins so is an ELF file."""
    return head[:4] == MAGIC


def excerpt(data: Data) -> bytes:
    """Cut out what ``elfgate.elf.read.read`` needs.

    Section headers are not looked at. Of the file's own structures the ranges are kept as they are;
    what would be too long for that (relocations, symbols, hash tables, a loader's strings) is
    evaluated here and kept as a short list.

    Args:
        data: The whole file; it is not copied.

    Returns:
        A blob of at most 1 MiB. There is no input that this raises an error for.
    """
    window = Window(data)
    head = window.keep(0, HEADER_LIMIT)
    layout = layout_of(head)
    if not is_elf(head) or len(head) < layout.header_size:
        return Excerpt(window.size, ranges=window.ranges()).pack()

    kind, machine, *_ = layout.header.unpack_from(head, 16)
    segments = _segments(window, layout, head)
    interp = _keep_segments(window, segments)
    image = Image(window, layout, [segment[1:5] for segment in segments if segment[0] == _PT_LOAD])
    tags, needed = dynamic.cut(
        image, [segment[2] for segment in segments if segment[0] == _PT_DYNAMIC]
    )
    symbols, indirect, types = undefined.cut(image, machine, tags)
    defined = exported.cut(image, machine, tags)
    alone = kind == _ET_DYN and not interp and not needed  # a loader, or a static-pie program
    told = loader.cut(window, dynamic.soname(image, tags)) if alone and defined else b""
    if kind == _ET_DYN and not needed and not told:
        told = loader.cut_stub(window)
    is_program = kind == _ET_EXEC or interp or (alone and not defined)
    marks = _marks(window, layout, _with_strings(segments) if is_program else ())
    marks |= Mark.INDIRECT if indirect else Mark(0)
    marks |= Mark.RELR_AT_START if packed.relocate_start(image, tags) else Mark(0)
    level = golang.cut(window, _written(segments)) if is_program else b""
    addresses = exported.cut_addresses(image, machine, tags) if kind == _ET_EXEC else b""
    lists = (symbols, defined, told, level, types, addresses)
    return Excerpt(window.size, marks, window.ranges(), *lists).pack()


def _segments(window: Window, layout: Layout, head: bytes) -> list[Segment]:
    """The program headers; none if they are not of the size that they must be."""
    fields = layout.header.unpack_from(head, 16)
    table, entry_size, count = fields[4], fields[8], fields[9]
    if entry_size != layout.segment.size:
        return []
    raw = window.keep(table, min(count * entry_size, HEADERS_LIMIT))
    whole = raw[: len(raw) - len(raw) % entry_size]
    return [layout.pick_segment(row) for row in layout.segment.iter_unpack(whole)]


def _keep_segments(window: Window, segments: Sequence[Segment]) -> bool:
    """Keep the first PT_INTERP and the notes, and tell whether there is a PT_INTERP."""
    notes = 0
    interp = False
    for kind, offset, _, size, *_ in segments:
        if kind == _PT_INTERP and not interp:
            interp = True
            window.keep(offset, min(size, _INTERP_LIMIT))
        elif kind in {_PT_NOTE, _PT_GNU_PROPERTY} and notes < _NOTES_LIMIT:
            notes += 1
            window.keep(offset, min(size, _NOTE_LIMIT))
    return interp


def _written(segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """Offset and size of the segments that can be written."""
    return [
        (offset, size)
        for kind, offset, _, size, _, flags in segments
        if kind == _PT_LOAD and flags & _PF_W
    ]


def _with_strings(segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """Places of the file's constants, as starts and ends: ascending, not overlapping.

    Linkers put them into a PT_LOAD that can only be read, or, where a file has none, into the one
    with the code.
    """
    loads = [
        (offset, offset + size, flags)
        for kind, offset, _, size, _, flags in segments
        if kind == _PT_LOAD
    ]
    has_constants = any(not flags & (_PF_X | _PF_W) for *_, flags in loads)
    places, end = [], 0
    for first, last, flags in sorted(loads):
        if last > end and not (has_constants and flags & _PF_X):
            places.append((max(first, end), last))
            end = last
    return places


def _marks(window: Window, layout: Layout, places: Sequence[tuple[int, int]]) -> Mark:
    """Marks of the whole file; strings are only searched in the given places."""
    marks = Mark(0)
    start, end = (
        window.look(0, _UPX_NEAR_START),
        window.look(max(0, window.size - _UPX_NEAR_END), _UPX_NEAR_END),
    )
    if upx.MAGIC in start or upx.MAGIC in end:
        marks |= Mark.PACKED
        if upx.needs_no_loader(window.look(0, _UPX_FIRST_BLOCK), layout):
            marks |= Mark.PACKED_STATIC
    if any(window.has(_JEMALLOC, *place) for place in places):
        marks |= Mark.JEMALLOC_PAGE_SIZE
    return marks if window.complete else marks | Mark.INCOMPLETE
