"""Lays out a real, tiny ELF file of any class and byte order by a plan."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from elfgate.elf.facts import Load
from elfgate.platforms import ARCHITECTURES

from .elf_encoding import (
    COPIES,
    RELOCATIONS,
    Encoding,
    Strings,
    Symbol,
    Version,
    gnu_hash,
    gnu_hash_table,
    marks_of,
    sysv_hash_table,
    version_definitions_table,
    version_needs_table,
)

_LOAD, _DYNAMIC, _INTERP, _NOTE, _PHDR, _GNU_STACK, _GNU_PROPERTY = (
    1,
    2,
    3,
    4,
    6,
    0x6474E551,
    0x6474E553,
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an ELF file is to say.

    Attributes:
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
        filters: DT_FILTER.
        auxiliaries: DT_AUXILIARY.
        rpath: DT_RPATH.
        runpath: DT_RUNPATH.
        bind_now: DF_BIND_NOW and DF_1_NOW.
        nodeflib: DF_1_NODEFLIB.
        relr: A DT_RELR with two entries: for the GOT and, if there is one, the DT_INIT_ARRAY behind it.
        init_array: A DT_INIT_ARRAY with one function.
        version_needs: File to the versions needed of it: ``{"libc.so.6": ["GLIBC_2.34", ("GLIBC_2.99", "weak")]}``.
        version_definitions: Versions defined; a base version is put before them.
        undefined: Symbols taken from elsewhere; a relocation that is done at start refers to each, or, if marked
            ``lazy``, a jump slot, or, if ``unreferenced``, none. ``weak`` makes it weak,
            ``copied`` a variable that the file makes room for.
        addressed: Those of them for which the file has an address: undefined symbols with a value.
        defined: Symbols exported.
        indirect: Those of them that are indirect functions (STT_GNU_IFUNC).
        numbers: Symbols' entries in DT_VERSYM, if not 1: needs count from 32 on, definitions from 2 on; 0x8000 hides.
        hash_style: ``gnu``, ``sysv`` or ``both``.
        abi_tag: NT_GNU_ABI_TAG's kernel version.
        isa_needed: GNU_PROPERTY_X86_ISA_1_NEEDED, in a PT_NOTE and a PT_GNU_PROPERTY.
        text: Machine code.
        data: What stands in the second segment, which can be written.
        strings: Read-only data; a NUL is put before and after each.
        loads: Further PT_LOADs, written as they are.
        load_align: The page size the file is linked for: its segments are congruent up to it, not beyond.
        phentsize: What the header says of ``e_phentsize``, if not the truth.
        phnum: What the header says of ``e_phnum``, if not the truth.
        trailing: Bytes after all segments.
    """

    architecture: str = "amd64"
    machine: int | None = None
    elf_class: int | None = None
    byte_order: str | None = None
    type: int = 3
    flags: int | None = None
    osabi: int = 0
    entry: int | None = None
    interp: str | bytes | None = None
    dynamic: bool | None = None
    pie: bool | None = None
    soname: str | None = None
    needed: Sequence[str] = ()
    filters: Sequence[str] = ()
    auxiliaries: Sequence[str] = ()
    rpath: str | None = None
    runpath: str | None = None
    bind_now: bool = False
    nodeflib: bool = False
    relr: bool = False
    init_array: bool = False
    version_needs: Mapping[str, Sequence[Version]] = field(default_factory=dict)
    version_definitions: Sequence[str] = ()
    undefined: Sequence[Symbol] = ()
    addressed: Sequence[str] = ()
    defined: Sequence[str] = ()
    indirect: Sequence[str] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    hash_style: str = "gnu"
    abi_tag: tuple[int, int, int] | None = None
    isa_needed: int | None = None
    text: bytes = b""
    data: bytes = b""
    strings: Sequence[bytes] = ()
    loads: Sequence[Load] = ()
    load_align: int = 0x10000
    phentsize: int | None = None
    phnum: int | None = None
    trailing: bytes = b""


class Writer:
    """Lays out one file. Tables refer to addresses, and addresses depend on the tables' sizes: so all is made twice."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        row = ARCHITECTURES[plan.architecture].machine
        self.code = Encoding(
            machine=row.number if plan.machine is None else plan.machine,
            wide=(plan.elf_class or row.elf_class) == 64,
            little=(plan.byte_order or row.byte_order) == "little",
        )
        self.word = 8 if self.code.wide else 4
        self.pie = plan.pie if plan.pie is not None else plan.type == 3 and plan.interp is not None
        self.taken = [marks_of(symbol) for symbol in plan.undefined]
        self.slots = [
            index for index, (_, marks) in enumerate(self.taken, 1) if "unreferenced" not in marks
        ]
        self.buckets = max(1, len(plan.defined) // 2)
        self.exported = sorted(plan.defined, key=lambda name: gnu_hash(name) % self.buckets)
        self.at: Mapping[str, int] = defaultdict(int)  # addresses of blocks
        self.offsets: dict[str, int] = {}
        self.sizes: dict[str, int] = {}

    @cached_property
    def dynamic(self) -> bool:
        plan = self.plan
        if plan.dynamic is not None:
            return plan.dynamic
        return plan.type == 3 or bool(plan.interp or plan.needed or plan.undefined or plan.defined)

    def write(self) -> bytes:
        self._place()
        image, segments = self._place()
        table = b"".join(self.code.program_header(*row) for row in self._program_headers(segments))
        image[: self.code.header_size] = self._header()
        image[self.code.header_size : self.code.header_size + len(table)] = table
        return bytes(image) + self.plan.trailing

    def _place(self) -> tuple[bytearray, list[Load]]:
        """Put all blocks one after the other, and note where each went."""
        image = bytearray(self.code.header_size + self.code.segment_size * self._segment_count)
        base = 0 if self.plan.type == 3 else 0x10000000
        segments: list[Load] = []
        placed: dict[str, int] = {}
        for blocks, shift in zip(self._blocks(), (0, self.plan.load_align), strict=True):
            image += bytes(-len(image) % 16)
            start = len(image) if segments else 0
            for name, content in blocks.items():
                image += bytes(-len(image) % 16)
                self.offsets[name], self.sizes[name] = len(image), len(content)
                placed[name] = base + shift + len(image)
                image += content
            size = len(image) - start
            segments.append(Load(start, base + shift + start, size, size, self.plan.load_align))
        self.at = defaultdict(int, placed)
        return image, segments

    def _blocks(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """The first segment's blocks and the second's."""
        names = Strings()
        blocks: dict[str, bytes] = {}
        tags = self._named_tags(names)
        if self.plan.interp is not None:
            interp = self.plan.interp
            blocks["interp"] = interp if isinstance(interp, bytes) else interp.encode() + b"\0"
        blocks |= self._notes()
        if self.dynamic:
            blocks |= self._hashes(tags) | self._relocations(tags)
            blocks["dynsym"] = self._symbols(names)
            blocks |= self._versions(names, tags)
            blocks["dynstr"] = bytes(names.content)
            tags += [(5, self.at["dynstr"]), (10, len(names.content)), (6, self.at["dynsym"])]
            tags.append((11, 24 if self.code.wide else 16))
        blocks["strings"] = b"".join(b"\0" + item + b"\0" for item in self.plan.strings)
        blocks["text"] = self.plan.text
        data = {"data": self.plan.data} if self.plan.data else {}
        if not self.dynamic:
            return blocks, data
        entries = b"".join(self.code.pack("WW", tag, value) for tag, value in (*tags, (0, 0)))
        functions = (
            {"init_array": self.code.pack("W", self.at["text"])} if self.plan.init_array else {}
        )
        return blocks, {
            "dynamic": entries,
            "got": bytes(self.word * (len(self.slots) + 3)),
            **functions,
            **data,
        }

    def _named_tags(self, names: Strings) -> list[tuple[int, int]]:
        """DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH, DT_FLAGS and DT_FLAGS_1."""
        plan = self.plan
        tags = [(1, names.add(name)) for name in plan.needed]
        tags += [(0x7FFFFFFF, names.add(name)) for name in plan.filters]
        tags += [(0x7FFFFFFD, names.add(name)) for name in plan.auxiliaries]
        named = ((14, plan.soname), (15, plan.rpath), (29, plan.runpath))
        tags += [(tag, names.add(value)) for tag, value in named if value is not None]
        flags_1 = int(plan.bind_now) | plan.nodeflib << 11 | self.pie << 27
        return tags + [
            (tag, value) for tag, value in ((30, 8 * plan.bind_now), (0x6FFFFFFB, flags_1)) if value
        ]

    def _notes(self) -> dict[str, bytes]:
        blocks = {}
        if self.plan.abi_tag is not None:
            blocks["abi_tag"] = self.code.note(1, self.code.pack("IIII", 0, *self.plan.abi_tag), 4)
        if self.plan.isa_needed is not None:
            item = self.code.pack("III", 0xC0008002, 4, self.plan.isa_needed) + bytes(
                4 if self.code.wide else 0
            )
            blocks["property"] = self.code.note(5, item, self.word)
        return blocks

    def _symbols(self, names: Strings) -> bytes:
        table = self.code.symbol(0, 0, 0, 0)
        for name, marks in self.taken:
            info, section = 0x20 if "weak" in marks else 0x10, int("copied" in marks)
            value = self.at["text"] if name in self.plan.addressed else 0
            table += self.code.symbol(names.add(name), info, section, value)
        for name in self.exported:
            kind = 0x1A if name in self.plan.indirect else 0x12
            table += self.code.symbol(names.add(name), kind, 1, self.at["text"])
        return table

    def _hashes(self, tags: list[tuple[int, int]]) -> dict[str, bytes]:
        blocks = {}
        if self.plan.hash_style in {"gnu", "both"}:
            blocks["gnu_hash"] = gnu_hash_table(
                self.code, 1 + len(self.taken), self.exported, self.buckets
            )
            tags.append((0x6FFFFEF5, self.at["gnu_hash"]))
        if self.plan.hash_style in {"sysv", "both"}:
            blocks["hash"] = sysv_hash_table(self.code, 1 + len(self.taken) + len(self.exported))
            tags.append((4, self.at["hash"]))
        return blocks

    def _relocations(self, tags: list[tuple[int, int]]) -> dict[str, bytes]:
        glob_dat, jump_slot, addend = RELOCATIONS.get(self.code.machine, (6, 7, True))
        first = 7 if addend else 17  # DT_RELA, DT_REL
        entry_size = len(self.code.relocation(0, 0, 0, addend=addend))

        def table(kind: int, *, lazy: bool) -> bytes:
            chosen = [index for index in self.slots if ("lazy" in self.taken[index - 1][1]) == lazy]
            places = [
                (self.at["got"] + self.word * self.slots.index(index), index) for index in chosen
            ]
            return b"".join(
                self.code.relocation(place, index, self._kind(index, kind), addend=addend)
                for place, index in places
            )

        blocks, plan = {}, self.plan
        if at_start := table(glob_dat, lazy=False):
            blocks["rel"] = at_start
            tags += [(first, self.at["rel"]), (first + 1, len(at_start)), (first + 2, entry_size)]
        if lazily := table(jump_slot, lazy=True):
            blocks["jmprel"] = lazily
            tags += [(23, self.at["jmprel"]), (2, len(lazily)), (20, first), (3, self.at["got"])]
        if plan.relr:
            distance = (
                (self.at["init_array"] - self.at["got"]) // self.word if plan.init_array else 0
            )
            blocks["relr"] = self.code.pack("WW", self.at["got"], 1 | 1 << distance)
            tags += [(36, self.at["relr"]), (35, 2 * self.word), (37, self.word)]
        if plan.init_array:
            tags += [(25, self.at["init_array"]), (27, self.word)]
        return blocks

    def _kind(self, index: int, otherwise: int) -> int:
        """The relocation's type for a symbol."""
        return COPIES[self.code.machine] if "copied" in self.taken[index - 1][1] else otherwise

    def _versions(self, names: Strings, tags: list[tuple[int, int]]) -> dict[str, bytes]:
        plan, blocks = self.plan, {}
        if plan.version_needs:
            blocks["verneed"] = version_needs_table(self.code, names, plan.version_needs)
            tags += [(0x6FFFFFFE, self.at["verneed"]), (0x6FFFFFFF, len(plan.version_needs))]
        if plan.version_definitions:
            base = plan.soname or "base"
            blocks["verdef"] = version_definitions_table(
                self.code, names, base, plan.version_definitions
            )
            tags += [
                (0x6FFFFFFC, self.at["verdef"]),
                (0x6FFFFFFD, 1 + len(plan.version_definitions)),
            ]
        if blocks:
            numbers = [
                plan.numbers.get(name, 1)
                for name in (*(name for name, _ in self.taken), *self.exported)
            ]
            blocks["versym"] = self.code.pack(f"{1 + len(numbers)}H", 0, *numbers)
            tags.append((0x6FFFFFF0, self.at["versym"]))
        return blocks

    @property
    def _segment_count(self) -> int:
        plan = self.plan
        written = self.dynamic or bool(plan.data)
        count = (
            2 + written + self.dynamic + len(plan.loads)
        )  # PT_LOAD, PT_GNU_STACK; PT_LOAD; PT_DYNAMIC
        return (
            count
            + 2 * (plan.interp is not None)
            + (plan.abi_tag is not None)
            + 2 * (plan.isa_needed is not None)
        )

    def _program_headers(self, segments: Sequence[Load]) -> list[tuple[int, int, Load]]:
        rows: list[tuple[int, int, Load]] = []
        start, size = self.code.header_size, self.code.segment_size * self._segment_count
        if "interp" in self.sizes:
            rows.append((_PHDR, 4, Load(start, segments[0].vaddr + start, size, size, self.word)))
            rows.append((_INTERP, 4, self._part("interp", 1)))
        rows.append((_LOAD, 5, segments[0]))
        if segments[1].filesz:
            rows.append((_LOAD, 6, segments[1]))
        if self.dynamic:
            rows.append((_DYNAMIC, 6, self._part("dynamic", self.word)))
        rows += [(_LOAD, load.flags & 6, load) for load in self.plan.loads]  # never code
        if "abi_tag" in self.sizes:
            rows.append((_NOTE, 4, self._part("abi_tag", 4)))
        if "property" in self.sizes:
            part = self._part("property", self.word)
            rows += [(_NOTE, 4, part), (_GNU_PROPERTY, 4, part)]
        return [*rows, (_GNU_STACK, 6, Load(0, 0, 0, 0, 16))]

    def _part(self, name: str, align: int) -> Load:
        return Load(self.offsets[name], self.at[name], self.sizes[name], self.sizes[name], align)

    def _header(self) -> bytes:
        plan, code = self.plan, self.code
        program = plan.type == 2 or plan.interp is not None or self.pie
        entry = plan.entry if plan.entry is not None else self.at["text"] * program
        entry_size = code.segment_size if plan.phentsize is None else plan.phentsize
        count = self._segment_count if plan.phnum is None else plan.phnum
        ident = bytes([2 if code.wide else 1, 1 if code.little else 2, 1, plan.osabi])
        sizes = (code.header_size, entry_size, count, 0, 0, 0)
        flags = (
            plan.flags if plan.flags is not None else 2 * (plan.architecture == "ppc64le")
        )  # the second ABI
        fields = (plan.type, code.machine, 1, entry, code.header_size, 0, flags, *sizes)
        return b"\x7fELF" + ident + bytes(8) + code.pack("HHIWWWIHHHHHH", *fields)
