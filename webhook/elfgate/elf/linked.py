"""Reads what a dynamic section says, and the versions it leads to.

Sources: gABI, "Dynamic Section"; LSB, "Symbol Versioning".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from elfgate.elf.decode import Decoder
from elfgate.elf.dynamic import DYNAMIC_LIMIT, VERSIONS_LIMIT
from elfgate.elf.facts import Load, VersionNeed
from elfgate.elf.layout import file_offset

_TAGS = {
    1: "DT_NEEDED",
    2: "DT_PLTRELSZ",
    5: "DT_STRTAB",
    6: "DT_SYMTAB",
    8: "DT_RELASZ",
    14: "DT_SONAME",
    15: "DT_RPATH",
    18: "DT_RELSZ",
    24: "DT_BIND_NOW",
    29: "DT_RUNPATH",
    30: "DT_FLAGS",
    36: "DT_RELR",
    0x6FFFFFF0: "DT_VERSYM",
    0x6FFFFFFB: "DT_FLAGS_1",
    0x6FFFFFFC: "DT_VERDEF",
    0x6FFFFFFE: "DT_VERNEED",
    0x7FFFFFFD: "DT_AUXILIARY",
    0x7FFFFFFF: "DT_FILTER",
}
_VER_FLG_BASE, _VER_FLG_WEAK = 1, 2
_NUMBER = 0x7FFF  # a version's; the bit above says that it is hidden
_DF_STATIC_TLS = 0x10
_DF_BIND_NOW, _DF_1_NOW, _DF_1_NODEFLIB, _DF_1_PIE = 0x8, 0x1, 0x800, 0x08000000


@dataclass(frozen=True, slots=True)
class Linked:
    """The facts of a dynamic section; ``ElfFacts`` tells what each is.

    ``versions`` are the names behind the numbers in DT_VERSYM: of what is needed and of what is
    defined.
    """

    pie: bool = False
    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    bind_now: bool = False
    no_default_lib: bool = False
    static_tls: bool = False
    relr: bool = False
    relocated: bool = False
    filters: tuple[str, ...] = ()
    auxiliaries: tuple[str, ...] = ()
    versioned: bool = False
    version_needs: tuple[VersionNeed, ...] = ()
    version_definitions: tuple[str, ...] = ()
    versions: Mapping[int, str] = field(default_factory=dict)


def read_linked(decoder: Decoder, loads: Sequence[Load], vaddr: int) -> Linked:
    """Read the dynamic section at ``vaddr``."""
    section = _Section(decoder, loads, vaddr)
    if not {"DT_STRTAB", "DT_SYMTAB"} <= section.values.keys():
        decoder.complete = (
            False  # the gABI demands both, and what a loader makes of their absence is its affair
        )
    needs, definitions = tuple(_needs(section)), tuple(_definitions(section))
    flags, flags_1 = section.value("DT_FLAGS") or 0, section.value("DT_FLAGS_1") or 0
    return Linked(
        pie=bool(flags_1 & _DF_1_PIE),
        soname=section.string("DT_SONAME"),
        needed=section.strings("DT_NEEDED"),
        rpath=section.string("DT_RPATH"),
        runpath=section.string("DT_RUNPATH"),
        bind_now="DT_BIND_NOW" in section.values
        or bool(flags & _DF_BIND_NOW or flags_1 & _DF_1_NOW),
        no_default_lib=bool(flags_1 & _DF_1_NODEFLIB),
        static_tls=bool(flags & _DF_STATIC_TLS),
        relr="DT_RELR" in section.values,
        relocated=any(section.value(tag) for tag in ("DT_RELASZ", "DT_RELSZ", "DT_PLTRELSZ")),
        filters=section.strings("DT_FILTER"),
        auxiliaries=section.strings("DT_AUXILIARY"),
        versioned="DT_VERSYM" in section.values,
        version_needs=tuple(need for _, need in needs),
        version_definitions=tuple(name for _, name in definitions),
        versions={**{number: need.version for number, need in needs}, **dict(definitions)},
    )


class _Section:
    """A dynamic section: values by tag, and the strings that they stand for."""

    def __init__(self, decoder: Decoder, loads: Sequence[Load], vaddr: int) -> None:
        self.decoder = decoder
        self.values: dict[str, list[int]] = {}
        self._loads = [(load.offset, load.vaddr, load.filesz, load.memsz) for load in loads]
        self._read(file_offset(self._loads, vaddr))
        self._strings = self.place("DT_STRTAB")

    def value(self, tag: str) -> int | None:
        """The value of a tag: of its last entry, as loaders take it."""
        found = self.values.get(tag)
        return found[-1] if found else None

    def place(self, tag: str) -> int | None:
        """The file's offset of a tag's address."""
        address = self.value(tag)
        return None if address is None else file_offset(self._loads, address)

    def string(self, tag: str) -> str | None:
        """The string of a tag, or None."""
        value = self.value(tag)
        return None if value is None else self.text(value)

    def strings(self, tag: str) -> tuple[str, ...]:
        """The strings of all entries of a tag."""
        found = map(self.text, self.values.get(tag, ()))
        return tuple(text for text in found if text is not None)

    def text(self, index: int) -> str | None:
        """The string at an index of DT_STRTAB."""
        if self._strings is None:
            self.decoder.complete = False
            return None
        return self.decoder.text(self._strings + index)

    def _read(self, offset: int | None) -> None:
        """Read the entries before DT_NULL; without one, something is missing."""
        form = self.decoder.layout.dynamic
        raw = b"" if offset is None else self.decoder.bytes(offset, DYNAMIC_LIMIT)
        for tag, value in form.iter_unpack(raw[: len(raw) - len(raw) % form.size]):
            if not tag:
                return
            if (name := _TAGS.get(tag)) is not None:
                self.values.setdefault(name, []).append(value)
        self.decoder.complete = False


def _needs(section: _Section) -> Iterator[tuple[int, VersionNeed]]:
    """Each need, and its number (``vna_other``)."""
    budget = iter(range(VERSIONS_LIMIT))
    for offset, (_, _, file_at, first, _) in _chain(
        section, "HHIII", section.place("DT_VERNEED"), budget
    ):
        file = section.text(file_at)
        for _, (_, flags, number, name_at, _) in _chain(section, "IHHII", offset + first, budget):
            name = section.text(name_at)
            if file is not None and name is not None:
                yield number & _NUMBER, VersionNeed(file, name, bool(flags & _VER_FLG_WEAK))


def _definitions(section: _Section) -> Iterator[tuple[int, str]]:
    """Each defined version, and its number (``vd_ndx``).

    Not the base version, which no reference can name.
    """
    budget = iter(range(VERSIONS_LIMIT))
    for offset, (_, flags, number, _, _, first, _) in _chain(
        section, "HHHHIII", section.place("DT_VERDEF"), budget
    ):
        name_at = section.decoder.unpack("II", offset + first)
        name = None if name_at is None else section.text(name_at[0])
        if name is not None and not flags & _VER_FLG_BASE:
            yield number & _NUMBER, name


def _chain(
    section: _Section, form: str, offset: int | None, budget: Iterator[int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Follow entries whose last field says how far on the next one is, 0 for the last.

    ``budget`` bounds them.
    """
    while offset is not None and next(budget, None) is not None:
        entry = section.decoder.unpack(form, offset)
        if entry is None:
            return
        yield offset, entry
        offset = offset + entry[-1] if entry[-1] else None
