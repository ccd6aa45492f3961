"""Facts of an ELF file about how it is to be started: immutable, without judgement.

Strings are the file's bytes decoded as UTF-8 with ``surrogateescape``, as the names in a tar are:
they compare equal to those byte for byte, and whoever prints them escapes what is not printable.

Everything is read from the ELF header, the program headers and what they lead to; section headers
are never looked at, as neither the kernel nor a loader does (a file stripped of them starts all the
same).
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from elfgate.elf.exports import NOTHING, Exports
from elfgate.elf.wanted import UndefinedSymbols


class Type(IntEnum):
    """``e_type`` (gABI, "ELF Header")."""

    NONE = 0
    REL = 1
    EXEC = 2
    DYN = 3
    CORE = 4


@dataclass(frozen=True, slots=True)
class Load:
    """A ``PT_LOAD`` segment.

    All values in bytes, but ``flags`` (1 executable, 2 writable, 4 readable).
    """

    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int
    flags: int = 5


class VersionNeed(NamedTuple):
    """One ``Elf_Vernaux``: a version that the file needs of the library ``file``.

    ``weak`` is ``VER_FLG_WEAK``.
    """

    file: str
    version: str
    weak: bool


@dataclass(frozen=True, slots=True)
class LoaderFacts:
    """Facts of a dynamic loader's own file about how the loader searches.

    Attributes:
        libc: ``glibc``, ``musl`` or ``gcompat`` (which executes musl's).
        version: Such as ``2.36`` or ``1.2.3``; empty if the file does not say.
        default_directories: glibc's trusted directories, in its order, without the trailing slash.
            Empty for musl; for gcompat, musl's loader and its own library.
        cpu_floor: The level that this glibc demands of the CPU (``x86-64-v2``, ``power9``,
            ``z14``); empty if none.
    """

    libc: str
    version: str
    default_directories: tuple[str, ...] = ()
    cpu_floor: str = ""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class ElfFacts:
    """The facts that the kernel and the loaders read of one file.

    Attributes:
        machine: ``e_machine``.
        elf_class: 32 or 64: how its headers are laid out, which is what kernels go by.
        byte_order: ``little`` or ``big``: the same.
        type: ``e_type``, as found.
        flags: ``e_flags``.
        os_abi: ``EI_OSABI``.
        file_size: The whole file's size in bytes.
        malformed: Why the kernel would not take these headers (one clause), or empty.
        ident_class: ``EI_CLASS`` as written, which loaders go by, and some kernels too: 32 or 64; 0
            if it is neither.
        ident_byte_order: ``EI_DATA`` as written: ``little`` or ``big``; empty if it is neither.
        interp: ``PT_INTERP``'s path (the first one), or None if there is none.
        interp_malformed: Why the kernel would not take the PT_INTERP (one clause), or empty.
        loads: The PT_LOAD segments in file order.
        headers_at: ``e_phoff``: where in the file the program headers are.
        names_headers: There is a PT_PHDR.
        stack_executable: PT_GNU_STACK asks for a stack that can be executed; None if there is no
            PT_GNU_STACK.
        dynamic: There is a PT_DYNAMIC.
        dynamic_in_file: It is not empty, as it is in what ``objcopy --only-keep-debug`` leaves.
        dynamic_behind: It lies behind the segment that it is mapped with, which can be written.
        pie: ``DF_1_PIE``.
        entry: ``e_entry``.
        soname: DT_SONAME, or None.
        needed: DT_NEEDED in file order.
        rpath: DT_RPATH, unsplit, or None.
        runpath: DT_RUNPATH, unsplit, or None.
        bind_now: DT_BIND_NOW, DF_BIND_NOW or DF_1_NOW.
        no_default_lib: DF_1_NODEFLIB.
        static_tls: Bytes of a PT_TLS that must have its place from the start on (DF_STATIC_TLS).
        relr: There is a DT_RELR.
        relr_at_start: It relocates functions that are called before ``main`` (DT_INIT_ARRAY).
        indirect: There are relocations by functions (``R_*_IRELATIVE``).
        dynamic_at: Where the file should have the PT_DYNAMIC; 0 if it has none.
        relocation_types: The types in DT_RELA and DT_REL, as numbers of its machine; none for MIPS.
        slot_types: The types in DT_JMPREL, likewise.
        relocated: There are relocations with a type of the machine's own (DT_RELA, DT_REL or
            DT_JMPREL).
        filters: DT_FILTER in file order: loaded before what is needed, by glibc.
        auxiliaries: DT_AUXILIARY in file order: likewise, unless they are not there.
        versioned: There is a DT_VERSYM.
        version_needs: In file order.
        version_definitions: The versions that the file defines, without its base version.
        undefined: The dynamic symbols that it takes from elsewhere: those that a relocation refers
            to, as no loader looks up any other.
        exports: Tells whether the file defines a dynamic symbol of that name. A false yes is
            possible (it goes by hash, and of a file with very many exports says yes to all), a
            false no is not. The same goes for the version.
        addresses: Functions of others for which a program at fixed addresses has one of its own:
            what data refers to.
        kernel_floor: NT_GNU_ABI_TAG's kernel version, such as (3, 2, 0), or None.
        isa_needed: GNU_PROPERTY_X86_ISA_1_NEEDED, a bit set (1 baseline, 2 v2, 4 v3, 8 v4).
        runtime_level: The CPU level that a Go program was built for (``x86-64-v3``, ``power9``);
            empty if any will do.
        packed: The file is packed (UPX): its own needs are hidden.
        packed_static: What was packed needs no loader.
        loader: Facts of the file as a dynamic loader, if it is one.
        truncated: A PT_LOAD reaches past the file's end.
        incomplete: The file is larger or stranger than what elfgate keeps of one, or ends before
            what it refers to: lists may lack something. What seems missing may not be.
        excerpt_size: Bytes of the excerpt that these facts were decoded from: what decoding costs.
        hints: Strings of the file that hint at a need headers do not tell, such as
            ``jemalloc-page-size``.
    """

    machine: int
    elf_class: int
    byte_order: str
    type: int
    flags: int = 0
    os_abi: int = 0
    file_size: int = 0
    entry: int = 0
    malformed: str = ""
    ident_class: int = 0
    ident_byte_order: str = ""
    interp: str | None = None
    interp_malformed: str = ""
    loads: tuple[Load, ...] = ()
    headers_at: int = 0
    names_headers: bool = False
    stack_executable: bool | None = None
    dynamic: bool = False
    dynamic_in_file: bool = False
    dynamic_behind: bool = False
    pie: bool = False
    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    bind_now: bool = False
    no_default_lib: bool = False
    static_tls: int = 0
    relr: bool = False
    relr_at_start: bool = False
    indirect: bool = False
    dynamic_at: int = 0
    relocation_types: frozenset[int] = frozenset()
    slot_types: frozenset[int] = frozenset()
    relocated: bool = False
    filters: tuple[str, ...] = ()
    auxiliaries: tuple[str, ...] = ()
    versioned: bool = False
    version_needs: tuple[VersionNeed, ...] = ()
    version_definitions: tuple[str, ...] = ()
    undefined: UndefinedSymbols = field(default_factory=UndefinedSymbols)
    exports: Exports = NOTHING
    addresses: frozenset[str] = frozenset()
    kernel_floor: tuple[int, int, int] | None = None
    isa_needed: int = 0
    runtime_level: str = ""
    packed: bool = False
    packed_static: bool = False
    loader: LoaderFacts | None = None
    truncated: bool = False
    incomplete: bool = False
    excerpt_size: int = field(default=0, compare=False)
    hints: frozenset[str] = frozenset()
