"""Facts of this machine's own files against a direct reading of the whole file through its sections."""

import mmap
import sys
from pathlib import Path

import pytest
from elftools.elf.descriptions import describe_reloc_type
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from elfgate.elf.excerpt import excerpt
from elfgate.elf.facts import ElfFacts
from elfgate.elf.read import read

PLACES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")


def found_on_this_machine() -> list[Path]:
    named = [Path(sys.executable), Path("/bin/ls"), Path("/bin/bash"), Path("/usr/bin/env")]
    patterns = (
        "libc.so.6",
        "libm.so.6",
        "libz.so.1",
        "libstdc++.so.6",
        "libcrypto.so.3",
        "ld-linux*.so.*",
        "ld-musl-*",
    )
    for place in PLACES:
        for pattern in patterns:
            named += [*Path(place).glob(pattern), *Path(place).glob(f"*-linux-gnu*/{pattern}")]
    real = {path.resolve() for path in named if path.is_file()}
    return sorted(path for path in real if path.read_bytes()[:4] == b"\x7fELF")


FILES = found_on_this_machine()


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def facts(path: Path) -> ElfFacts:
    return read(excerpt(path.read_bytes()))


def test_the_dynamic_section_says_the_same(path: Path) -> None:
    found = facts(path)
    with path.open("rb") as stream:
        dynamic = ELFFile(stream).get_section_by_name(".dynamic")
        assert isinstance(dynamic, DynamicSection)
        tags = list(dynamic.iter_tags())
    flags = {tag.entry.d_tag: tag.entry.d_val for tag in tags}
    names = {
        "DT_NEEDED": "needed",
        "DT_SONAME": "soname",
        "DT_RPATH": "rpath",
        "DT_RUNPATH": "runpath",
    }
    said = [
        (tag.entry.d_tag, getattr(tag, names[tag.entry.d_tag]))
        for tag in tags
        if tag.entry.d_tag in names
    ]
    read_as = [("DT_NEEDED", name) for name in found.needed]
    read_as += [
        (tag, getattr(found, name))
        for tag, name in names.items()
        if tag != "DT_NEEDED" and getattr(found, name)
    ]
    assert sorted(read_as) == sorted(said)
    assert found.bind_now == bool(flags.get("DT_FLAGS", 0) & 8 or flags.get("DT_FLAGS_1", 0) & 1)
    assert found.relr == ("DT_RELR" in flags)
    assert not found.incomplete
    assert not found.truncated


def test_versions_are_the_same(path: Path) -> None:
    found = facts(path)
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        needs = elf.get_section_by_name(".gnu.version_r")
        definitions = elf.get_section_by_name(".gnu.version_d")
        needed, defined = [], []
        if isinstance(needs, GNUVerNeedSection):
            needed = [
                (need.name, aux.name)
                for need, auxiliaries in needs.iter_versions()
                for aux in auxiliaries
            ]
        if isinstance(definitions, GNUVerDefSection):
            rows = [
                (entry, next(iter(auxiliaries)))
                for entry, auxiliaries in definitions.iter_versions()
            ]
            defined = [auxiliary.name for entry, auxiliary in rows if not entry["vd_flags"] & 1]
    assert [(need.file, need.version) for need in found.version_needs] == needed
    assert list(found.version_definitions) == defined


def test_symbols_are_the_same(path: Path) -> None:
    found = facts(path)
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        symbols = elf.get_section_by_name(".dynsym")
        assert isinstance(symbols, SymbolTableSection)
        rows = [
            symbol for symbol in symbols.iter_symbols() if symbol["st_info"]["bind"] != "STB_LOCAL"
        ]
        undefined = {
            (row.name, row["st_info"]["bind"] == "STB_WEAK")
            for row in rows
            if row["st_shndx"] == "SHN_UNDEF"
        }
        defined = {row.name for row in rows if row["st_shndx"] != "SHN_UNDEF"}
        relocated: dict[str, set[bool]] = {}
        copied: set[str] = set()
        for section in elf.iter_sections():
            if isinstance(section, RelocationSection) and section.name.endswith((".dyn", ".plt")):
                for relocation in section.iter_relocations():
                    name = symbols.get_symbol(relocation["r_info_sym"]).name
                    if describe_reloc_type(relocation["r_info_type"], elf).endswith("_COPY"):
                        copied.add(name)
                    relocated.setdefault(name, set()).add(section.name.endswith(".plt"))
    assert {(row.name, row.weak) for row in found.undefined if not (row.copied or row.own)} == {
        row for row in undefined if row[0] in relocated
    }
    assert all(row.lazy == (relocated[row.name] == {True}) for row in found.undefined)
    assert {row.name for row in found.undefined if row.copied} == copied
    assert all(found.exports(name) for name in defined)
    taken_only = {name for name, _ in undefined} - defined
    assert not [name for name in taken_only if found.exports(name)]


def test_a_mapped_file_and_a_view_of_it_give_the_same_excerpt(path: Path) -> None:
    data = path.read_bytes()
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        assert excerpt(mapped) == excerpt(data)
    assert excerpt(memoryview(data)) == excerpt(data)


def test_section_headers_are_not_needed_and_garbage_there_does_no_harm(path: Path) -> None:
    data = bytearray(path.read_bytes())
    wide = data[4] == 2
    start, size, counts = (
        (40, 8, 58) if wide else (32, 4, 46)
    )  # e_shoff; e_shentsize, e_shnum, e_shstrndx
    data[start : start + size] = b"\xff" * size
    data[counts : counts + 6] = b"\xfe" * 6
    plain, garbled = facts(path), read(excerpt(bytes(data)))
    asked = {"exports"}
    fields = [name for name in ElfFacts.__dataclass_fields__ if name not in asked]
    assert [getattr(garbled, name) for name in fields] == [getattr(plain, name) for name in fields]


def test_the_loader_of_this_machine_is_known_as_one() -> None:
    loaders = [path for path in FILES if path.name.startswith("ld-")]
    if not loaders:
        pytest.skip("needs a dynamic loader at its usual place")
    for path in loaders:
        found = facts(path).loader
        assert found is not None
        assert found.libc == ("musl" if "musl" in path.name else "glibc")
        assert found.libc == "musl" or [
            place for place in found.default_directories if Path(place).is_dir()
        ]
