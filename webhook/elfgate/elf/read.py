"""Reads an ELF file's excerpt into facts."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from elfgate.elf import exports, loader, undefined
from elfgate.elf.decode import Decoder
from elfgate.elf.excerpt import is_elf
from elfgate.elf.facts import ElfFacts, Load, Type
from elfgate.elf.header import Header, read_header
from elfgate.elf.layout import Layout, layout_of, written_byte_order, written_class
from elfgate.elf.linked import Linked, read_linked
from elfgate.elf.notes import ABI_TAG, PROPERTY, isa_of, kernel_of, read_notes
from elfgate.elf.sparse import Excerpt, Mark, SparseFile, foreign
from elfgate.elf.wanted import UndefinedSymbols

_X86 = frozenset({3, 62})
_TYPES = {
    1: "PT_LOAD",
    2: "PT_DYNAMIC",
    3: "PT_INTERP",
    4: "PT_NOTE",
    6: "PT_PHDR",
    7: "PT_TLS",
    0x6474E551: "PT_GNU_STACK",
    0x6474E553: "PT_GNU_PROPERTY",
}
_PATH_MAX = 4096
_PF_X = 1
_PF_W = 2
_PAGE = 4096  # bytes of the smallest that there are


def read(excerpt: bytes) -> ElfFacts:
    """Decode what ``elfgate.elf.excerpt.excerpt`` cut out.

    Args:
        excerpt: The blob.

    Returns:
        The file's facts. Headers that no kernel would take are a fact too (``malformed``); then
        nothing else but the header's own fields is told.

    Raises:
        UnreadableError: if the blob is not an excerpt, or one of another version of elfgate.
    """
    kept = Excerpt.unpack(excerpt)
    try:
        return _read(kept, len(excerpt))
    except ValueError as error:
        raise foreign() from error


def _read(kept: Excerpt, size: int) -> ElfFacts:
    head = kept.ranges[0][1][:64] if kept.ranges else b""
    layout = layout_of(head)
    if not is_elf(head) or len(head) < layout.header_size:
        return _without_header(head, layout, kept.file_size, size)
    header = read_header(head, layout, kept.file_size)
    decoder = Decoder(SparseFile(kept.ranges), layout)
    segments = [] if header.malformed else list(_segments(decoder, header))
    return _facts(kept, size, head, header, _program(decoder, segments), decoder=decoder)


def _without_header(head: bytes, layout: Layout, file_size: int, size: int) -> ElfFacts:
    why = "the file ends within its ELF header" if is_elf(head) else "the file has no ELF magic"
    return ElfFacts(
        machine=0,
        elf_class=layout.elf_class,
        byte_order=layout.byte_order,
        type=Type.NONE,
        flags=0,
        os_abi=0,
        file_size=file_size,
        entry=0,
        malformed=why,
        ident_class=written_class(head),
        ident_byte_order=written_byte_order(head),
        excerpt_size=size,
    )


class _Program(NamedTuple):
    """Facts of the program headers, and of what they lead to."""

    loads: tuple[Load, ...]
    interp: str | None
    interp_malformed: str
    names_headers: bool
    stack_executable: bool | None
    dynamic: bool
    dynamic_in_file: bool
    dynamic_behind: bool
    dynamic_at: int
    linked: Linked
    tls: int
    kernel_floor: tuple[int, int, int] | None
    isa_needed: int


def _program(decoder: Decoder, segments: Sequence["_Segment"]) -> _Program:
    loads = tuple(
        Load(s.p_offset, s.p_vaddr, s.p_filesz, s.p_memsz, s.p_align, s.p_flags)
        for s in segments
        if s.p_type == "PT_LOAD"
    )
    interp, interp_malformed = _interp(decoder, segments)
    dynamic = [s for s in segments if s.p_type == "PT_DYNAMIC"]
    last = dynamic[-1] if dynamic else None
    linked = Linked() if last is None else read_linked(decoder, loads, last.p_vaddr)
    kernel_floor, isa_needed = _notes(decoder, segments)
    stacks = (bool(s.p_flags & _PF_X) for s in segments if s.p_type == "PT_GNU_STACK")
    return _Program(
        loads=loads,
        interp=interp,
        interp_malformed=interp_malformed,
        names_headers=any(s.p_type == "PT_PHDR" for s in segments),
        stack_executable=next(stacks, None),
        dynamic=last is not None,
        dynamic_in_file=any(s.p_filesz for s in dynamic),
        dynamic_behind=last is not None and _is_behind(last.p_vaddr, segments),
        dynamic_at=0 if last is None else last.p_offset,
        linked=linked,
        tls=max((s.p_memsz for s in segments if s.p_type == "PT_TLS"), default=0),
        kernel_floor=kernel_floor,
        isa_needed=isa_needed,
    )


def _facts(
    kept: Excerpt, size: int, head: bytes, about: Header, program: "_Program", *, decoder: Decoder
) -> ElfFacts:
    """Put together what headers, the dynamic section and the excerpt's lists say."""
    linked = program.linked
    isa_needed = program.isa_needed if about.machine in _X86 else 0
    relocation_types, slot_types = undefined.decode_types(kept.types)
    complete = decoder.complete and Mark.INCOMPLETE not in kept.marks
    return ElfFacts(
        machine=about.machine,
        elf_class=decoder.layout.elf_class,
        byte_order=decoder.layout.byte_order,
        type=about.kind,
        flags=about.flags,
        os_abi=head[7],
        file_size=kept.file_size,
        entry=about.entry,
        malformed=about.malformed,
        excerpt_size=size,
        ident_class=written_class(head),
        ident_byte_order=written_byte_order(head),
        interp=program.interp,
        interp_malformed=program.interp_malformed,
        loads=program.loads,
        headers_at=about.headers_at,
        names_headers=program.names_headers,
        stack_executable=program.stack_executable,
        dynamic=program.dynamic,
        dynamic_in_file=program.dynamic_in_file,
        dynamic_behind=program.dynamic_behind,
        pie=linked.pie,
        soname=linked.soname,
        needed=linked.needed,
        rpath=linked.rpath,
        runpath=linked.runpath,
        bind_now=linked.bind_now,
        no_default_lib=linked.no_default_lib,
        static_tls=program.tls * linked.static_tls,
        relr=linked.relr,
        relr_at_start=Mark.RELR_AT_START in kept.marks,
        indirect=Mark.INDIRECT in kept.marks,
        dynamic_at=program.dynamic_at,
        relocation_types=relocation_types,
        slot_types=slot_types,
        relocated=linked.relocated,
        filters=linked.filters,
        auxiliaries=linked.auxiliaries,
        versioned=linked.versioned,
        version_needs=linked.version_needs,
        version_definitions=linked.version_definitions,
        undefined=UndefinedSymbols(kept.undefined, linked.versions),
        exports=exports.decode(kept.exports, linked.versions) if complete else exports.EVERYTHING,
        addresses=frozenset(
            kept.addresses.decode("utf-8", "surrogateescape").split("\0") if kept.addresses else ()
        ),
        kernel_floor=program.kernel_floor,
        isa_needed=isa_needed,
        runtime_level=kept.runtime_level.decode("ascii"),
        packed=Mark.PACKED in kept.marks,
        packed_static=Mark.PACKED_STATIC in kept.marks,
        loader=loader.decode(kept.loader, isa_needed),
        truncated=any(load.offset + load.filesz > kept.file_size for load in program.loads),
        incomplete=not complete,
        hints=frozenset({"jemalloc-page-size"} if Mark.JEMALLOC_PAGE_SIZE in kept.marks else ()),
    )


class _Segment(NamedTuple):
    """A program header, by the gABI's names."""

    p_type: str
    p_offset: int
    p_vaddr: int
    p_filesz: int
    p_memsz: int
    p_flags: int
    p_align: int


def _segments(decoder: Decoder, header: Header) -> Iterator[_Segment]:
    """Read the program headers, as far as they are there."""
    form, pick = decoder.layout.segment, decoder.layout.pick_segment
    raw = decoder.bytes(header.headers_at, header.headers * form.size)
    if len(raw) < header.headers * form.size:
        decoder.complete = False
    for fields in form.iter_unpack(raw[: len(raw) - len(raw) % form.size]):
        kind, offset, vaddr, filesz, memsz, flags = pick(fields)
        name, align = _TYPES.get(kind, ""), fields[-1]
        yield _Segment(name, offset, vaddr, filesz, memsz, flags, align)


def _is_behind(vaddr: int, segments: Sequence[_Segment]) -> bool:
    """Tell whether an address lies in no segment, but behind one that can be written.

    It is in the last page of that segment.
    """
    loads = [
        (s.p_vaddr, s.p_vaddr + s.p_memsz, s.p_flags) for s in segments if s.p_type == "PT_LOAD"
    ]
    if any(start <= vaddr < end for start, end, _ in loads):
        return False
    return any(flags & _PF_W and end <= vaddr < -(-end // _PAGE) * _PAGE for _, end, flags in loads)


def _interp(decoder: Decoder, segments: Sequence[_Segment]) -> tuple[str | None, str]:
    """The loader's path in the first PT_INTERP, and why a kernel would not take it.

    Source: binfmt_elf.c, load_elf_binary.
    """
    segment = next((segment for segment in segments if segment.p_type == "PT_INTERP"), None)
    if segment is None:
        return None, ""
    raw = decoder.bytes(segment.p_offset, min(segment.p_filesz, _PATH_MAX))
    path = raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    if not 2 <= segment.p_filesz <= _PATH_MAX:
        return path, f"its PT_INTERP has {segment.p_filesz} bytes, not 2 to {_PATH_MAX}"
    if len(raw) < segment.p_filesz:
        return path, "the file ends within its PT_INTERP"
    return path, "" if raw.endswith(b"\0") else "its PT_INTERP does not end with a NUL"


def _notes(
    decoder: Decoder, segments: Sequence[_Segment]
) -> tuple[tuple[int, int, int] | None, int]:
    """The kernel that the file asks for, and the x86 ISA level."""
    kernel, isa = None, 0
    for segment in segments:
        if segment.p_type not in {"PT_NOTE", "PT_GNU_PROPERTY"}:
            continue
        for kind, offset, size in read_notes(
            decoder, segment.p_offset, segment.p_filesz, segment.p_align
        ):
            if kind == ABI_TAG:
                kernel = kernel or kernel_of(decoder, offset)
            elif kind == PROPERTY:
                isa |= isa_of(decoder, offset, size)
    return kernel, isa
