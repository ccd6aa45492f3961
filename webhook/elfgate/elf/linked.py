"""Reads what a dynamic section says, and the versions it leads to.

Sources: gABI, "Dynamic Section"; LSB, "Symbol Versioning".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from elftools.construct import Construct

from elfgate.elf.decode import Decoder
from elfgate.elf.dynamic import VERSIONS_LIMIT
from elfgate.elf.facts import Load, VersionNeed
from elfgate.elf.layout import file_offset

_VER_FLG_BASE, _VER_FLG_WEAK = 1, 2
_NUMBER = 0x7FFF  # a version's; the bit above says that it is hidden
_DF_STATIC_TLS = 0x10
_DF_BIND_NOW, _DF_1_NOW, _DF_1_NODEFLIB, _DF_1_PIE = 0x8, 0x1, 0x800, 0x08000000


@dataclass(frozen=True, slots=True)
class Linked:
    """The facts of a dynamic section; ``ElfFacts`` tells what each is.

    ``versions`` are the names behind the numbers in DT_VERSYM: of what is needed and of what is defined.
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
        self.values: dict[str | int, list[int]] = {}
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
        entry = self.decoder.structs.Elf_Dyn
        size = entry.sizeof()
        while offset is not None:
            found = self.decoder.at(entry, offset)
            if found is None or found.d_tag == "DT_NULL":
                return
            self.values.setdefault(found.d_tag, []).append(found.d_val)
            offset += size
        self.decoder.complete = False


def _needs(section: _Section) -> Iterator[tuple[int, VersionNeed]]:
    """Each need, and its number (``vna_other``)."""
    structs = section.decoder.structs
    budget = iter(range(VERSIONS_LIMIT))
    for offset, need in _chain(
        section, structs.Elf_Verneed, "vn_next", section.place("DT_VERNEED"), budget
    ):
        file = section.text(need.vn_file)
        for _, version in _chain(
            section, structs.Elf_Vernaux, "vna_next", offset + need.vn_aux, budget
        ):
            name = section.text(version.vna_name)
            if file is not None and name is not None:
                yield (
                    version.vna_other & _NUMBER,
                    VersionNeed(file, name, bool(version.vna_flags & _VER_FLG_WEAK)),
                )


def _definitions(section: _Section) -> Iterator[tuple[int, str]]:
    """Each defined version, and its number (``vd_ndx``); not the base version, which no reference can name."""
    structs = section.decoder.structs
    budget = iter(range(VERSIONS_LIMIT))
    for offset, definition in _chain(
        section, structs.Elf_Verdef, "vd_next", section.place("DT_VERDEF"), budget
    ):
        first = section.decoder.at(structs.Elf_Verdaux, offset + definition.vd_aux)
        name = None if first is None else section.text(first.vda_name)
        if name is not None and not definition.vd_flags & _VER_FLG_BASE:
            yield definition.vd_ndx & _NUMBER, name


def _chain(
    section: _Section, struct: Construct, link: str, offset: int | None, budget: Iterator[int]
) -> Iterator[tuple[int, Any]]:
    """Follow entries that each say how far on the next one is, 0 for the last; ``budget`` bounds them."""
    while offset is not None and next(budget, None) is not None:
        entry = section.decoder.at(struct, offset)
        if entry is None:
            return
        yield offset, entry
        offset = offset + entry[link] if entry[link] else None
