"""Reads an ELF file's excerpt into facts."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE

from elfgate.elf import exports, loader, undefined
from elfgate.elf.decode import Decoder
from elfgate.elf.excerpt import HEADERS_LIMIT, is_elf
from elfgate.elf.facts import ElfFacts, Load, Type
from elfgate.elf.layout import Layout, layout_of, written_byte_order, written_class
from elfgate.elf.linked import Linked, read_linked
from elfgate.elf.notes import ABI_TAG, PROPERTY, isa_of, kernel_of, read_notes
from elfgate.elf.sparse import Excerpt, Mark, SparseFile, foreign

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
        The file's facts. Headers that no kernel would take are a fact too (``malformed``); then nothing else but the
        header's own fields is told.

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
        why = "the file ends within its ELF header" if is_elf(head) else "the file has no ELF magic"
        marked = written_class(head), written_byte_order(head)
        return ElfFacts(
            0,
            layout.elf_class,
            layout.byte_order,
            Type.NONE,
            0,
            0,
            kept.file_size,
            0,
            why,
            *marked,
            excerpt_size=size,
        )

    plain = (
        0,
        layout.plain_ident() + kept.ranges[0][1][16:],
    )  # pyelftools rejects values that kernels do not look at
    decoder = Decoder(SparseFile([plain, *kept.ranges[1:]]), layout)
    header = decoder.at(decoder.structs.Elf_Ehdr, 0)
    if header is None:
        raise ValueError("the excerpt's ranges leave out its own header")
    machine = _number(header.e_machine, ENUM_E_MACHINE)
    kind = _number(header.e_type, ENUM_E_TYPE)
    malformed = _malformed(header, kind, layout, kept.file_size)
    segments = [] if malformed else list(_segments(decoder, header, layout))
    loads = tuple(
        Load(s.p_offset, s.p_vaddr, s.p_filesz, s.p_memsz, s.p_align, s.p_flags)
        for s in segments
        if s.p_type == "PT_LOAD"
    )
    interp, interp_malformed = _interp(decoder, segments)
    dynamic = [s for s in segments if s.p_type == "PT_DYNAMIC"]
    linked = read_linked(decoder, loads, dynamic[-1].p_vaddr) if dynamic else Linked()
    kernel_floor, isa_needed = _notes(decoder, segments)
    isa_needed = isa_needed if machine in _X86 else 0
    relocation_types, slot_types = undefined.decode_types(kept.types)
    complete = decoder.complete and Mark.INCOMPLETE not in kept.marks
    return ElfFacts(
        machine=machine,
        elf_class=layout.elf_class,
        byte_order=layout.byte_order,
        type=kind,
        flags=header.e_flags,
        os_abi=head[7],
        file_size=kept.file_size,
        entry=header.e_entry,
        malformed=malformed,
        excerpt_size=size,
        ident_class=written_class(head),
        ident_byte_order=written_byte_order(head),
        interp=interp,
        interp_malformed=interp_malformed,
        loads=loads,
        headers_at=header.e_phoff,
        names_headers=any(segment.p_type == "PT_PHDR" for segment in segments),
        stack_executable=next(
            (bool(s.p_flags & _PF_X) for s in segments if s.p_type == "PT_GNU_STACK"), None
        ),
        dynamic=bool(dynamic),
        dynamic_in_file=any(s.p_type == "PT_DYNAMIC" and s.p_filesz for s in segments),
        dynamic_behind=bool(dynamic) and _is_behind(dynamic[-1].p_vaddr, segments),
        pie=linked.pie,
        soname=linked.soname,
        needed=linked.needed,
        rpath=linked.rpath,
        runpath=linked.runpath,
        bind_now=linked.bind_now,
        no_default_lib=linked.no_default_lib,
        static_tls=max((s.p_memsz for s in segments if s.p_type == "PT_TLS"), default=0)
        * linked.static_tls,
        relr=linked.relr,
        relr_at_start=Mark.RELR_AT_START in kept.marks,
        indirect=Mark.INDIRECT in kept.marks,
        dynamic_at=dynamic[-1].p_offset if dynamic else 0,
        relocation_types=relocation_types,
        slot_types=slot_types,
        relocated=linked.relocated,
        filters=linked.filters,
        auxiliaries=linked.auxiliaries,
        versioned=linked.versioned,
        version_needs=linked.version_needs,
        version_definitions=linked.version_definitions,
        undefined=undefined.decode(kept.undefined, linked.versions),
        exports=exports.decode(kept.exports, linked.versions) if complete else exports.EVERYTHING,
        addresses=frozenset(
            kept.addresses.decode("utf-8", "surrogateescape").split("\0") if kept.addresses else ()
        ),
        kernel_floor=kernel_floor,
        isa_needed=isa_needed,
        runtime_level=kept.runtime_level.decode("ascii"),
        packed=Mark.PACKED in kept.marks,
        packed_static=Mark.PACKED_STATIC in kept.marks,
        loader=loader.decode(kept.loader, isa_needed),
        truncated=any(load.offset + load.filesz > kept.file_size for load in loads),
        incomplete=not complete,
        hints=frozenset({"jemalloc-page-size"} if Mark.JEMALLOC_PAGE_SIZE in kept.marks else ()),
    )


def _number(value: str | int, names: Any) -> int:
    """The number behind a name that pyelftools gave."""
    return value if isinstance(value, int) else int(names[value])


def _malformed(header: Any, kind: int, layout: Layout, file_size: int) -> str:
    """Why a kernel answers ENOEXEC to these headers (binfmt_elf.c, load_elf_binary and load_elf_phdrs), or empty."""
    size = header.e_phnum * header.e_phentsize
    if kind not in {Type.EXEC, Type.DYN}:
        return f"its type is {kind}, neither EXEC nor DYN"
    if header.e_phentsize != layout.segment.size:
        return f"its program headers are said to be {header.e_phentsize} bytes each, not {layout.segment.size}"
    if size == 0:
        return "it has no program headers"
    if size > HEADERS_LIMIT:  # Linux 6.1 takes no more than a page of them, 6.18 does
        return f"it has {header.e_phnum} program headers, more than a kernel takes"
    if header.e_phoff + size > file_size:
        return "the file ends within its program headers"
    return ""


class _Segment(NamedTuple):
    """A program header, by the gABI's names."""

    p_type: str
    p_offset: int
    p_vaddr: int
    p_filesz: int
    p_memsz: int
    p_flags: int
    p_align: int


def _segments(decoder: Decoder, header: Any, layout: Layout) -> Iterator[_Segment]:
    """Read the program headers, as far as they are there."""
    form = layout.segment
    for index in range(header.e_phnum):
        raw = decoder.bytes(header.e_phoff + index * form.size, form.size)
        if len(raw) < form.size:
            decoder.complete = False
            continue
        fields = form.unpack(raw)
        kind, offset, vaddr, filesz, memsz, flags = layout.pick_segment(fields)
        name, align = _TYPES.get(kind, ""), fields[-1]
        yield _Segment(name, offset, vaddr, filesz, memsz, flags, align)


def _is_behind(vaddr: int, segments: Sequence[_Segment]) -> bool:
    """Tell whether an address lies in no segment, but behind one that can be written, in its last page."""
    loads = [
        (s.p_vaddr, s.p_vaddr + s.p_memsz, s.p_flags) for s in segments if s.p_type == "PT_LOAD"
    ]
    if any(start <= vaddr < end for start, end, _ in loads):
        return False
    return any(flags & _PF_W and end <= vaddr < -(-end // _PAGE) * _PAGE for _, end, flags in loads)


def _interp(decoder: Decoder, segments: Sequence[_Segment]) -> tuple[str | None, str]:
    """The loader's path in the first PT_INTERP, and why a kernel would not take it (binfmt_elf.c, load_elf_binary)."""
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
