"""Writes real, tiny ELF files of any class and byte order, without a compiler.

What it writes is laid out as a linker would: two PT_LOADs (headers, tables and code; then .dynamic and the GOT),
program headers for the rest, and no section headers, as nothing that starts a program reads them.

Sources: gABI chapters 4 and 5; the GNU extensions as ``elf.h`` and the LSB name them; relocation numbers from the
processor supplements.
"""

import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from elfgate.elf.facts import Load
from elfgate.platforms import ARCHITECTURES

Symbol: TypeAlias = str | tuple[str, ...]
"""A name, or a name with marks: ``("name", "weak")``, ``("name", "lazy")``, ``("name", "unreferenced")``."""

Version: TypeAlias = str | tuple[str, str]
"""A version's name, or ``("name", "weak")``."""

# e_machine: (GLOB_DAT or its like, JUMP_SLOT, whether relocations carry addends)
_RELOCATIONS = {
    3: (6, 7, False),
    8: (3, 127, False),
    20: (20, 21, True),
    21: (20, 21, True),
    22: (10, 11, True),
    40: (21, 22, False),
    62: (6, 7, True),
    183: (1025, 1026, True),
    243: (2, 5, True),
    258: (2, 5, True),
}
_MIPS, _S390 = 8, 22


@dataclass(frozen=True)
class _Encoding:
    """How numbers are written in files of one machine, class and byte order."""

    machine: int
    wide: bool
    little: bool

    @property
    def word(self) -> str:
        return "Q" if self.wide else "I"

    def pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(("<" if self.little else ">") + layout.replace("W", self.word), *values)

    def program_header(self, kind: int, flags: int, load: Load) -> bytes:
        where = (load.offset, load.vaddr, load.vaddr, load.filesz, load.memsz)
        if self.wide:
            return self.pack("IIWWWWWW", kind, flags, *where, load.align)
        return self.pack("IWWWWWIW", kind, *where, flags, load.align)

    def symbol(self, name: int, info: int, section: int, value: int) -> bytes:
        if self.wide:
            return self.pack("IBBHQQ", name, info, 0, section, value, 0)
        return self.pack("IIIBBH", name, value, 0, info, 0, section)

    def relocation(self, place: int, symbol: int, kind: int, *, addend: bool) -> bytes:
        if not self.wide:
            info = symbol << 8 | kind & 0xFF
        elif self.machine == _MIPS and self.little:  # MIPS N64 writes the symbol first, whatever the byte order
            info = symbol | kind << 56
        else:
            info = symbol << 32 | kind
        return self.pack("WW", place, info) + (self.pack("W", 0) if addend else b"")

    def note(self, kind: int, content: bytes, align: int) -> bytes:
        padded = content + bytes(-len(content) % align)
        return self.pack("III", 4, len(content), kind) + b"GNU\0" + padded


@dataclass
class _Strings:
    """A string table that gives each string one place."""

    content: bytearray = field(default_factory=lambda: bytearray(1))

    def add(self, text: str) -> int:
        encoded = text.encode("utf-8", "surrogateescape") + b"\0"
        found = self.content.find(b"\0" + encoded)
        if found >= 0:
            return found + 1
        self.content += encoded
        return len(self.content) - len(encoded)


def sysv_hash(name: str) -> int:
    """The gABI's hash of a symbol's name."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    return value


def gnu_hash(name: str) -> int:
    """DT_GNU_HASH's hash of a symbol's name."""
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _marks(symbol: Symbol) -> tuple[str, frozenset[str]]:
    return (symbol, frozenset()) if isinstance(symbol, str) else (symbol[0], frozenset(symbol[1:]))


def _version_needs(code: _Encoding, strings: _Strings, needs: Mapping[str, Sequence[Version]]) -> bytes:
    blob, index = b"", 32
    for position, (file, versions) in enumerate(needs.items()):
        size = 16 + 16 * len(versions)
        last = position == len(needs) - 1
        blob += code.pack("HHIII", 1, len(versions), strings.add(file), 16, 0 if last else size)
        for number, version in enumerate(versions):
            name, marks = _marks(version)
            following = 0 if number == len(versions) - 1 else 16
            blob += code.pack(
                "IHHII", sysv_hash(name), 2 if "weak" in marks else 0, index, strings.add(name), following
            )
            index += 1
    return blob


def _version_definitions(code: _Encoding, strings: _Strings, base: str, names: Sequence[str]) -> bytes:
    blob = b""
    for index, name in enumerate((base, *names), 1):
        following = 0 if index == len(names) + 1 else 28
        blob += code.pack("HHHHIII", 1, int(index == 1), index, 1, sysv_hash(name), 20, following)
        blob += code.pack("II", strings.add(name), 0)
    return blob


def _gnu_hash_table(code: _Encoding, first: int, names: Sequence[str], buckets: int) -> bytes:
    """The table of ``names``, which are sorted by bucket and stand in the symbol table from ``first`` on."""
    starts = [0] * buckets
    chain = []
    for index, name in enumerate(names):
        value = gnu_hash(name)
        bucket = value % buckets
        starts[bucket] = starts[bucket] or first + index
        last = index + 1 == len(names) or gnu_hash(names[index + 1]) % buckets != bucket
        chain.append(value & ~1 | last)
    everything_passes = (1 << (64 if code.wide else 32)) - 1
    return code.pack(f"IIIIW{buckets + len(chain)}I", buckets, first, 1, 6, everything_passes, *starts, *chain)


def _sysv_hash_table(code: _Encoding, count: int) -> bytes:
    cell = "Q" if code.machine == _S390 and code.wide else "I"  # the one processor here with 64-bit hash entries
    return code.pack(f"{2 + 1 + count}{cell}", 1, count, count - 1, 0, *range(count - 1))


def elf_file(  # noqa: C901, PLR0912, PLR0915 - a linker in one breath: every part of the file is decided here
    architecture: str = "amd64",
    *,
    machine: int | None = None,
    elf_class: int | None = None,
    byte_order: str | None = None,
    type: int = 3,  # noqa: A002 - e_type's name
    flags: int = 0,
    osabi: int = 0,
    entry: int | None = None,
    interp: str | bytes | None = None,
    dynamic: bool | None = None,
    pie: bool | None = None,
    soname: str | None = None,
    needed: Sequence[str] = (),
    rpath: str | None = None,
    runpath: str | None = None,
    bind_now: bool = False,
    nodeflib: bool = False,
    relr: bool = False,
    version_needs: Mapping[str, Sequence[Version]] | None = None,
    version_definitions: Sequence[str] = (),
    undefined: Sequence[Symbol] = (),
    defined: Sequence[str] = (),
    hash_style: str = "gnu",
    abi_tag: tuple[int, int, int] | None = None,
    isa_needed: int | None = None,
    text: bytes = b"",
    strings: Sequence[bytes] = (),
    loads: Sequence[Load] = (),
    load_align: int = 0x10000,
    phentsize: int | None = None,
    phnum: int | None = None,
    trailing: bytes = b"",
) -> bytes:
    """Write an ELF file.

    Args:
        architecture: A name of ``elfgate.platforms``; gives machine, class and byte order unless they are given too.
        machine: ``e_machine``.
        elf_class: 32 or 64.
        byte_order: ``little`` or ``big``.
        type: ``e_type``: 3 a shared object or PIE, 2 a program at a fixed address.
        flags: ``e_flags``.
        osabi: ``EI_OSABI``.
        entry: ``e_entry``; by default where ``text`` is, for programs.
        interp: The loader's path (a NUL is added), or PT_INTERP's raw bytes.
        dynamic: Whether there is a PT_DYNAMIC; by default if the file is of type 3 or something asks for one.
        pie: DF_1_PIE; by default for type 3 with an ``interp``.
        soname: DT_SONAME.
        needed: DT_NEEDED.
        rpath: DT_RPATH.
        runpath: DT_RUNPATH.
        bind_now: DF_BIND_NOW and DF_1_NOW.
        nodeflib: DF_1_NODEFLIB.
        relr: A DT_RELR with one entry.
        version_needs: File to the versions needed of it: ``{"libc.so.6": ["GLIBC_2.34", ("GLIBC_2.99", "weak")]}``.
        version_definitions: Versions defined; a base version is put before them.
        undefined: Symbols taken from elsewhere; a relocation that is done at start refers to each, or, if marked
            ``lazy``, a jump slot, or, if ``unreferenced``, none.
        defined: Symbols exported.
        hash_style: ``gnu``, ``sysv`` or ``both``.
        abi_tag: NT_GNU_ABI_TAG's kernel version.
        isa_needed: GNU_PROPERTY_X86_ISA_1_NEEDED, in a PT_NOTE and a PT_GNU_PROPERTY.
        text: Machine code.
        strings: Read-only data; a NUL is put before and after each.
        loads: Further PT_LOADs, written as they are.
        load_align: The page size the file is linked for: its segments are congruent up to it, not beyond.
        phentsize: What the header says of ``e_phentsize``, if not the truth.
        phnum: What the header says of ``e_phnum``, if not the truth.
        trailing: Bytes after all segments.

    Returns:
        The file's bytes.
    """
    row = ARCHITECTURES[architecture].machine
    code = _Encoding(
        machine=row.number if machine is None else machine,
        wide=(elf_class or row.elf_class) == 64,
        little=(byte_order or row.byte_order) == "little",
    )
    program = type == 2 or interp is not None or bool(pie)
    pie = (type == 3 and interp is not None) if pie is None else pie
    needs = version_needs or {}
    if dynamic is None:
        dynamic = type == 3 or interp is not None or bool(needed) or bool(undefined) or bool(defined)

    word = 8 if code.wide else 4
    glob_dat, jump_slot, addend = _RELOCATIONS.get(code.machine, (6, 7, True))
    buckets = max(1, len(defined) // 2)
    exported = sorted(defined, key=lambda name: gnu_hash(name) % buckets)
    taken = [_marks(symbol) for symbol in undefined]
    slots = [index for index, (_, marks) in enumerate(taken, 1) if "unreferenced" not in marks]
    at_start = [index for index in slots if "lazy" not in taken[index - 1][1]]
    lazily = [index for index in slots if "lazy" in taken[index - 1][1]]

    def relocations(symbols: Sequence[int], kind: int, got: int) -> bytes:
        return b"".join(
            code.relocation(got + word * slots.index(index), index, kind, addend=addend) for index in symbols
        )

    def tables(at: Mapping[str, int]) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Both segments' blocks, given where everything lies: called twice, first to learn the sizes."""
        names = _Strings()
        symbols = code.symbol(0, 0, 0, 0)
        for name, marks in taken:
            symbols += code.symbol(names.add(name), 0x20 if "weak" in marks else 0x10, 0, 0)
        for name in exported:
            symbols += code.symbol(names.add(name), 0x12, 1, at["text"])
        count = 1 + len(taken) + len(exported)

        blocks: dict[str, bytes] = {}
        if interp is not None:
            blocks["interp"] = interp if isinstance(interp, bytes) else interp.encode() + b"\0"
        if abi_tag is not None:
            blocks["abi_tag"] = code.note(1, code.pack("IIII", 0, *abi_tag), 4)
        if isa_needed is not None:
            item = code.pack("III", 0xC0008002, 4, isa_needed) + bytes(4 if code.wide else 0)
            blocks["property"] = code.note(5, item, word)
        tags: list[tuple[int, int]] = [(1, names.add(name)) for name in needed]
        tags += [
            (tag, names.add(value)) for tag, value in ((14, soname), (15, rpath), (29, runpath)) if value is not None
        ]
        if dynamic:
            if hash_style in {"gnu", "both"}:
                blocks["gnu_hash"] = _gnu_hash_table(code, 1 + len(taken), exported, buckets)
                tags.append((0x6FFFFEF5, at["gnu_hash"]))
            if hash_style in {"sysv", "both"}:
                blocks["hash"] = _sysv_hash_table(code, count)
                tags.append((4, at["hash"]))
            blocks["dynsym"] = symbols
            rel = relocations(at_start, glob_dat, at["got"])
            jmprel = relocations(lazily, jump_slot, at["got"])
            entry_size = len(code.relocation(0, 0, 0, addend=addend))
            if rel:
                blocks["rel"] = rel
                first = 7 if addend else 17
                tags += [(first, at["rel"]), (first + 1, len(rel)), (first + 2, entry_size)]
            if jmprel:
                blocks["jmprel"] = jmprel
                tags += [(23, at["jmprel"]), (2, len(jmprel)), (20, 7 if addend else 17), (3, at["got"])]
            if relr:
                blocks["relr"] = code.pack("W", at["got"])
                tags += [(36, at["relr"]), (35, word), (37, word)]
            if needs:
                blocks["verneed"] = _version_needs(code, names, needs)
                tags += [(0x6FFFFFFE, at["verneed"]), (0x6FFFFFFF, len(needs))]
            if version_definitions:
                blocks["verdef"] = _version_definitions(code, names, soname or "base", version_definitions)
                tags += [(0x6FFFFFFC, at["verdef"]), (0x6FFFFFFD, 1 + len(version_definitions))]
            if needs or version_definitions:
                blocks["versym"] = code.pack(f"{count}H", 0, *[1] * (count - 1))
                tags.append((0x6FFFFFF0, at["versym"]))
            flags_1 = bool(bind_now) | bool(nodeflib) << 11 | bool(pie) << 27
            tags += [(tag, value) for tag, value in ((30, 8 * bind_now), (0x6FFFFFFB, flags_1)) if value]
            tags += [(5, at["dynstr"]), (10, len(names.content)), (6, at["dynsym"]), (11, 24 if code.wide else 16)]
            blocks["dynstr"] = bytes(names.content)
        blocks["strings"] = b"".join(b"\0" + item + b"\0" for item in strings)
        blocks["text"] = text
        if not dynamic:
            return blocks, {}
        written = b"".join(code.pack("WW", tag, value) for tag, value in (*tags, (0, 0)))
        return blocks, {"dynamic": written, "got": bytes(word * (len(slots) + 3))}

    header_size, header_entry = (64, 56) if code.wide else (52, 32)
    base = 0 if type == 3 else 0x10000000
    headers = 1 + len(loads) + (3 if dynamic else 1)  # PT_LOAD; PT_LOAD, PT_DYNAMIC; PT_GNU_STACK
    headers += (interp is not None) * 2 + (abi_tag is not None) + (isa_needed is not None) * 2

    at: Mapping[str, int] = defaultdict(int)
    first = second = Load(0, base, 0, 0, load_align)
    image = bytearray()
    offsets: dict[str, int] = {}
    for _ in range(2):
        image = bytearray(header_size + header_entry * headers)
        placed: dict[str, int] = {}
        segments = []
        for blocks, shift in zip(tables(at), (0, load_align), strict=True):
            start = len(image) if segments else 0
            for name, content in blocks.items():
                image += bytes(-len(image) % 16)
                offsets[name] = len(image)
                placed[name] = base + shift + len(image)
                image += content
            start = min((offsets[name] for name in blocks), default=start) if segments else 0
            size = len(image) - start
            segments.append(Load(start, base + shift + start, size, size, load_align))
        first, second = segments
        at = defaultdict(int, placed)
    sizes = {name: len(content) for blocks in tables(at) for name, content in blocks.items()}

    def part(name: str, align: int) -> Load:
        return Load(offsets[name], at[name], sizes[name], sizes[name], align)

    table = []
    if interp is not None:
        size = header_entry * headers
        table.append((6, 4, Load(header_size, base + header_size, size, size, word)))
        table.append((3, 4, part("interp", 1)))
    table.append((1, 5, first))
    if dynamic:
        table += [(1, 6, second), (2, 6, part("dynamic", word))]
    table += [(1, 4, load) for load in loads]
    if abi_tag is not None:
        table.append((4, 4, part("abi_tag", 4)))
    if isa_needed is not None:
        table += [(4, 4, part("property", word)), (0x6474E553, 4, part("property", word))]
    table.append((0x6474E551, 6, Load(0, 0, 0, 0, 16)))
    if entry is None:
        entry = at["text"] if program else 0
    ident = b"\x7fELF" + bytes([2 if code.wide else 1, 1 if code.little else 2, 1, osabi]) + bytes(8)
    image[:header_size] = ident + code.pack(
        "HHIWWWIHHHHHH",
        *(type, code.machine, 1, entry, header_size, 0, flags, header_size),
        header_entry if phentsize is None else phentsize,
        headers if phnum is None else phnum,
        *(0, 0, 0),
    )
    image[header_size : header_size + header_entry * headers] = b"".join(code.program_header(*row) for row in table)
    return bytes(image) + trailing


def multiarch_directories(architecture: str) -> tuple[str, ...]:
    """Debian's default directories of glibc's loader."""
    triplet = f"{ARCHITECTURES[architecture].musl_name}-linux-gnu"
    triplet = {"armhf-linux-gnu": "arm-linux-gnueabihf"}.get(triplet, triplet)
    return (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib", "/usr/lib")


def glibc_loader(
    architecture: str = "amd64",
    *,
    version: str = "2.36",
    directories: Sequence[str] | None = None,
    fatal: str = "",
    **options: object,
) -> bytes:
    """A glibc loader: the strings that tell its version, its default directories and (``fatal``) its CPU's floor."""
    where = multiarch_directories(architecture) if directories is None else directories
    told = [f"ld.so (GNU libc) stable release version {version}.\n".encode()]
    told.append(b"\0".join(f"{directory}/".encode() for directory in where))
    told += [f"Fatal glibc error: {fatal}\n".encode()] if fatal else []
    settings: dict[str, object] = {
        "soname": ARCHITECTURES[architecture].glibc_loaders[0].rpartition("/")[2],
        "version_definitions": ("GLIBC_2.17", "GLIBC_2.35", "GLIBC_PRIVATE"),
        "defined": ("__tls_get_addr", "_dl_mcount", "_rtld_global", "__stack_chk_guard"),
        "strings": told,
        "pie": True,
        **options,
    }
    return elf_file(architecture, **settings)  # type: ignore[arg-type]


def glibc_libc(architecture: str = "amd64", *, version: str = "2.36", **options: object) -> bytes:
    """A ``libc.so.6``: the versions up to its own, and some symbols."""
    minor = int(version.split(".")[1])
    versions = ["GLIBC_2.2.5", *(f"GLIBC_2.{number}" for number in range(3, minor + 1)), "GLIBC_PRIVATE"]
    settings: dict[str, object] = {
        "soname": "libc.so.6",
        "needed": (ARCHITECTURES[architecture].glibc_loaders[0].rpartition("/")[2],),
        "version_definitions": versions + (["GLIBC_ABI_DT_RELR"] if minor >= 36 else []),
        "defined": ("__libc_start_main", "exit", "free", "gnu_get_libc_version", "malloc", "printf", "puts", "write"),
        **options,
    }
    return elf_file(architecture, **settings)  # type: ignore[arg-type]


def musl_loader(architecture: str = "amd64", *, version: str = "1.2.5", **options: object) -> bytes:
    """A musl loader, which is also its libc."""
    name = ARCHITECTURES[architecture].musl_name
    told = (f"musl libc ({name})\nVersion %s\nDynamic Program Loader\n".encode(), version.encode())
    settings: dict[str, object] = {
        "soname": f"libc.musl-{name}.so.1",
        "defined": ("__libc_start_main", "exit", "free", "malloc", "printf", "puts", "write"),
        "strings": told,
        "pie": True,
        **options,
    }
    return elf_file(architecture, **settings)  # type: ignore[arg-type]
