"""Cuts out of a whole ELF file what decides its start: some kilobytes of what may be hundreds of megabytes."""

from collections.abc import Sequence

from elfgate.elf import dynamic, exports, loader, undefined
from elfgate.elf.layout import HEADER_LIMIT, MAGIC, Layout, layout_of
from elfgate.elf.sparse import Excerpt, Mark
from elfgate.elf.window import Data, Image, Window

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE, _PT_GNU_PROPERTY = 1, 2, 3, 4, 0x6474E553
_ET_EXEC, _ET_DYN = 2, 3

HEADERS_LIMIT = 65536  # bytes of program headers that a kernel takes (binfmt_elf.c, load_elf_phdrs)
_INTERP_LIMIT = 4097  # PATH_MAX and one more, so that a longer one can be told
_NOTE_LIMIT, _NOTES_LIMIT = 4096, 8

_UPX_NEAR_START, _UPX_NEAR_END = 1024, 128
_JEMALLOC = b"<jemalloc>: Unsupported system page size"


def is_elf(head: bytes) -> bool:
    """Whether a file that begins so is an ELF file."""
    return head[:4] == MAGIC


def excerpt(data: Data) -> bytes:
    """Cut out what ``elfgate.elf.read.read`` needs.

    Section headers are not looked at. Of the file's own structures the ranges are kept as they are; what would be too
    long for that (relocations, symbols, hash tables, a loader's strings) is evaluated here and kept as a short list.

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
    image = Image(window, layout, [segment[1:] for segment in segments if segment[0] == _PT_LOAD])
    tags, needed = dynamic.cut(image, [vaddr for segment, _, vaddr, _ in segments if segment == _PT_DYNAMIC])
    symbols, defined = undefined.cut(image, machine, tags), exports.cut(image, machine, tags)
    alone = kind == _ET_DYN and not interp and not needed  # a loader, or a static-pie program
    told = loader.cut(window, dynamic.soname(image, tags)) if alone and defined else b""
    marks = _marks(window, program=kind == _ET_EXEC or interp or (alone and not defined))
    return Excerpt(window.size, marks, window.ranges(), symbols, defined, told).pack()


def _segments(window: Window, layout: Layout, head: bytes) -> list[tuple[int, int, int, int]]:
    """The program headers' type, offset, vaddr and filesz; none if they are not of the size that they must be."""
    fields = layout.header.unpack_from(head, 16)
    table, entry_size, count = fields[4], fields[8], fields[9]
    if entry_size != layout.segment.size:
        return []
    raw = window.keep(table, min(count * entry_size, HEADERS_LIMIT))
    whole = raw[: len(raw) - len(raw) % entry_size]
    return [layout.pick_segment(row) for row in layout.segment.iter_unpack(whole)]


def _keep_segments(window: Window, segments: Sequence[tuple[int, int, int, int]]) -> bool:
    """Keep the first PT_INTERP and the notes, and tell whether there is a PT_INTERP."""
    notes = 0
    interp = False
    for kind, offset, _, size in segments:
        if kind == _PT_INTERP and not interp:
            interp = True
            window.keep(offset, min(size, _INTERP_LIMIT))
        elif kind in {_PT_NOTE, _PT_GNU_PROPERTY} and notes < _NOTES_LIMIT:
            notes += 1
            window.keep(offset, min(size, _NOTE_LIMIT))
    return interp


def _marks(window: Window, *, program: bool) -> Mark:
    """Marks of the whole file; its strings are only searched in a program."""
    marks = Mark(0)
    start, end = window.look(0, _UPX_NEAR_START), window.look(max(0, window.size - _UPX_NEAR_END), _UPX_NEAR_END)
    if b"UPX!" in start or b"UPX!" in end:
        marks |= Mark.PACKED
    if program and window.find(_JEMALLOC) >= 0:
        marks |= Mark.JEMALLOC_PAGE_SIZE
    return marks if window.complete else marks | Mark.INCOMPLETE
