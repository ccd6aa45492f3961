"""Facts of made files, in every class and byte order."""

import struct
from typing import Any

import pytest

from elfgate.elf.excerpt import excerpt, is_elf
from elfgate.elf.facts import ElfFacts, Load, VersionNeed
from elfgate.elf.hashing import gnu_hash
from elfgate.elf.read import read
from elfgate.elf.sparse import Excerpt
from elfgate.elf.wanted import UndefinedSymbol
from elfgate.platforms import ARCHITECTURES
from support.elf_file import elf_file

LAYOUTS = [(64, "little"), (64, "big"), (32, "little"), (32, "big")]
ALL_ARCHITECTURES = [*ARCHITECTURES, "big-endian mips64"]


def facts(data: bytes | bytearray) -> ElfFacts:
    return read(excerpt(data))


def program(architecture: str = "amd64", **options: Any) -> ElfFacts:
    if architecture == "big-endian mips64":
        return facts(elf_file("mips64le", byte_order="big", **options))
    return facts(elf_file(architecture, **options))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_header_names_machine_class_and_byte_order(architecture: str) -> None:
    row = ARCHITECTURES[architecture].machine
    found = program(architecture)
    assert (found.machine, found.elf_class, found.byte_order) == (
        row.number,
        row.elf_class,
        row.byte_order,
    )
    assert found.malformed == ""


@pytest.mark.parametrize(("elf_class", "byte_order"), LAYOUTS)
def test_every_field_is_read_in_every_layout(elf_class: int, byte_order: str) -> None:
    found = program(
        elf_class=elf_class,
        byte_order=byte_order,
        flags=0x5000400,
        osabi=3,
        interp="/lib/ld.so",
        soname="libx.so.1",
        needed=("libc.so.6", "libm.so.6"),
        rpath="/opt/r",
        runpath="$ORIGIN/../lib",
        bind_now=True,
        nodeflib=True,
        relr=True,
        filters=("libreal.so",),
        version_needs={
            "libc.so.6": ["GLIBC_2.34", ("GLIBC_2.99", "weak")],
            "libm.so.6": ["GLIBC_2.29"],
        },
        version_definitions=("X_1", "X_2"),
        undefined=("puts", ("optional", "weak")),
        abi_tag=(5, 10, 3),
        isa_needed=6,
        text=b"\x90" * 9,
    )
    assert found.malformed == ""
    assert (found.elf_class, found.byte_order, found.flags, found.os_abi) == (
        elf_class,
        byte_order,
        0x5000400,
        3,
    )
    assert found.interp == "/lib/ld.so"
    assert found.interp_malformed == ""
    assert found.dynamic
    assert found.pie
    assert found.entry > 0
    assert (found.soname, found.needed) == ("libx.so.1", ("libc.so.6", "libm.so.6"))
    assert (found.rpath, found.runpath) == ("/opt/r", "$ORIGIN/../lib")
    assert found.bind_now
    assert found.no_default_lib
    assert found.relr
    assert found.filters == ("libreal.so",)
    assert found.versioned
    assert found.version_needs == (
        VersionNeed("libc.so.6", "GLIBC_2.34", weak=False),
        VersionNeed("libc.so.6", "GLIBC_2.99", weak=True),
        VersionNeed("libm.so.6", "GLIBC_2.29", weak=False),
    )
    assert found.version_definitions == ("X_1", "X_2")
    assert found.kernel_floor == (5, 10, 3)
    assert found.isa_needed == 6
    assert not found.truncated
    assert not found.incomplete


def test_what_is_not_there_is_not_told() -> None:
    found = program(type=2, text=b"\x90")
    assert found == ElfFacts(
        machine=62,
        elf_class=64,
        byte_order="little",
        type=2,
        file_size=found.file_size,
        entry=found.entry,
        ident_class=64,
        ident_byte_order="little",
        loads=found.loads,
        headers_at=64,
        stack_executable=False,
        exports=found.exports,
    )
    assert not found.exports("anything")


@pytest.mark.parametrize("architecture", ALL_ARCHITECTURES)
def test_only_symbols_that_jump_slots_alone_refer_to_are_lazy(architecture: str) -> None:
    undefined = (
        "now",
        ("now_weak", "weak"),
        ("later", "lazy"),
        ("later_weak", "weak", "lazy"),
        ("variable", "copied"),
        ("idle", "unreferenced"),
    )
    found = program(architecture, undefined=undefined, defined=("own",))
    assert found.undefined == (
        UndefinedSymbol("now", weak=False, lazy=False),
        UndefinedSymbol("now_weak", weak=True, lazy=False),
        UndefinedSymbol("later", weak=False, lazy=True),
        UndefinedSymbol("later_weak", weak=True, lazy=True),
        UndefinedSymbol("variable", weak=False, lazy=False, copied=True),
    )


@pytest.mark.parametrize("hash_style", ["gnu", "sysv", "both"])
@pytest.mark.parametrize("architecture", ALL_ARCHITECTURES)
def test_exports_are_known_from_either_hash_table(architecture: str, hash_style: str) -> None:
    names = tuple(f"name_{number}" for number in range(50))
    found = program(architecture, defined=names, undefined=("taken",), hash_style=hash_style)
    assert all(found.exports(name) for name in names)
    assert not any(found.exports(name) for name in ("taken", "name_50", "", "name"))


@pytest.mark.parametrize("hash_style", ["gnu", "sysv"])
@pytest.mark.parametrize("architecture", ALL_ARCHITECTURES)
def test_exports_are_told_by_their_version_and_kind(architecture: str, hash_style: str) -> None:
    exports = program(
        architecture,
        defined=("first", "second", "hidden", "old", "plain", "chosen"),
        version_definitions=("V1", "V2"),
        numbers={"first": 2, "second": 3, "hidden": 0x8003, "old": 0x8002},
        indirect=("chosen",),
        hash_style=hash_style,
    ).exports
    names = ("first", "second", "hidden", "old", "plain", "chosen", "none")
    assert [exports.in_version(gnu_hash(name), "V1") for name in names] == [
        True,
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    assert [exports.in_version(gnu_hash(name), "V2") for name in names] == [
        False,
        True,
        True,
        False,
        True,
        True,
        False,
    ]
    assert [exports.in_version(gnu_hash(name), "") for name in names] == [
        True,
        True,
        False,
        True,
        True,
        True,
        False,
    ]
    assert [exports.by_default(gnu_hash(name)) for name in names] == [
        True,
        True,
        False,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("architecture", ALL_ARCHITECTURES)
def test_the_version_of_what_is_taken_is_told(architecture: str) -> None:
    needs = {"liba.so": ["V1"], "libb.so": ["V2", "V3"]}
    found = program(
        architecture, undefined=("a", "b", "c"), version_needs=needs, numbers={"a": 32, "c": 34}
    )
    assert [(symbol.name, symbol.version) for symbol in found.undefined] == [
        ("a", "V1"),
        ("b", ""),
        ("c", "V3"),
    ]


@pytest.mark.parametrize("architecture", ALL_ARCHITECTURES)
def test_packed_relocations_of_what_is_called_at_the_start_are_told(architecture: str) -> None:
    assert program(architecture, relr=True, init_array=True).relr_at_start
    assert not program(architecture, relr=True).relr_at_start
    assert not program(architecture, init_array=True).relr_at_start


@pytest.mark.parametrize("count", range(1, 9))
def test_exports_that_differ_in_their_last_letter_are_told_apart(count: int) -> None:
    """Their hashes differ in the bit that a GNU hash table does not write."""
    names = [f"{letter}_{number}" for letter in "ab" for number in range(0, 2 * count, 2)]
    found = program(defined=names)
    assert all(found.exports(name) for name in names)
    assert not any(
        found.exports(f"{letter}_{number}") for letter in "ab" for number in range(1, 2 * count, 2)
    )


def test_a_hash_table_may_list_undefined_symbols_which_are_no_exports() -> None:
    # ld does so for a function whose address a program takes: /bin/ls has malloc and free in its table.
    data = bytearray(elf_file(defined=("one", "two", "three")))
    assert all(facts(data).exports(name) for name in ("one", "two", "three"))
    place = data.find(struct.pack("<BBH", 0x12, 0, 1))
    data[place + 2 : place + 4] = b"\0\0"  # SHN_UNDEF
    assert [facts(data).exports(name) for name in ("one", "two", "three")].count(True) == 2


def test_segments_are_congruent_only_up_to_the_page_size_linked_for() -> None:
    def congruent(found: ElfFacts, page: int) -> bool:
        return all((load.vaddr - load.offset) % page == 0 for load in found.loads)

    assert congruent(program(load_align=0x10000), 0x10000)
    small = program(load_align=0x1000)
    assert congruent(small, 0x1000)
    assert not congruent(small, 0x10000)


def _with_a_first_segment_of(size: int, memory: int) -> ElfFacts:
    """A program whose tables lie behind the first PT_LOAD, in the page that it ends in."""
    data = bytearray(elf_file("amd64", needed=("libc.so.6",), rpath="/opt", undefined=("puts",)))
    at = next(at for at in range(64, 64 + 56 * 8, 56) if data[at : at + 4] == b"\1\0\0\0")
    struct.pack_into("<QQ", data, at + 32, size, memory)
    return facts(data)


def test_what_lies_behind_a_segment_is_mapped_up_to_the_end_of_its_page() -> None:
    found = _with_a_first_segment_of(80, 80)
    assert (found.needed, found.rpath, found.incomplete) == (("libc.so.6",), "/opt", False)
    assert [symbol.name for symbol in found.undefined] == ["puts"]


def test_what_lies_behind_a_segment_is_gone_where_its_bss_begins() -> None:
    assert _with_a_first_segment_of(80, 96).incomplete


def test_loads_are_told_as_they_are_even_past_the_end() -> None:
    far = Load(0x7000000, 0x9000000, 0x10, 0x20, 0x1000, flags=4)
    found = program(loads=(far,))
    assert found.loads[-1] == far
    assert found.truncated


def test_only_the_first_pt_interp_counts_and_its_rules_are_the_kernels() -> None:
    assert program(interp=b"/lib/ld.so").interp_malformed == "its PT_INTERP does not end with a NUL"
    assert program(interp=b"\0").interp_malformed == "its PT_INTERP has 1 bytes, not 2 to 4096"
    assert (
        program(interp=b"/" * 4096 + b"\0").interp_malformed
        == "its PT_INTERP has 4097 bytes, not 2 to 4096"
    )
    longest = program(interp=b"/" * 4095 + b"\0")
    assert (longest.interp, longest.interp_malformed) == ("/" * 4095, "")
    cut = program(interp=b"/lib/ld.so\0/ignored\0")
    assert (cut.interp, cut.interp_malformed) == ("/lib/ld.so", "")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"type": 1}, "its type is 1, neither EXEC nor DYN"),
        ({"type": 4}, "its type is 4, neither EXEC nor DYN"),
        ({"phentsize": 57}, "its program headers are said to be 57 bytes each, not 56"),
        ({"phnum": 0}, "it has no program headers"),
        ({"phnum": 1171}, "it has 1171 program headers, more than a kernel takes"),
        ({"phnum": 73}, "the file ends within its program headers"),
    ],
)
def test_headers_that_a_kernel_refuses_are_told(options: dict[str, Any], why: str) -> None:
    assert program(**{"text": b"\x90", **options}).malformed == why


def test_a_file_marked_with_another_class_or_byte_order_is_read_as_its_numbers_are_laid_out() -> (
    None
):
    honest = elf_file(interp="/lib/ld.so", needed=("libc.so.6",))
    marked = facts(honest[:4] + b"\x01\x02" + honest[6:])
    assert (marked.elf_class, marked.byte_order) == (64, "little")
    assert (marked.ident_class, marked.ident_byte_order) == (32, "big")
    assert (marked.malformed, marked.machine, marked.needed) == ("", 62, ("libc.so.6",))


def test_strings_that_are_not_utf8_keep_their_bytes() -> None:
    found = program(needed=("lib\udce9.so",), undefined=("caf\udce9",))
    assert found.needed == ("lib\udce9.so",)
    assert found.undefined[0].name.encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_a_packed_file_is_told_by_its_mark_near_the_start_or_the_end() -> None:
    plain = elf_file(type=2, text=b"\x90" * 5000)
    assert not facts(plain).packed
    assert facts(plain + b"UPX!" + bytes(32)).packed
    assert facts(elf_file(type=2, text=b"\0\0UPX!" + b"\x90" * 5000)).packed
    assert not facts(elf_file(type=2, text=b"\x90" * 2000 + b"UPX!" + b"\x90" * 2000)).packed


def test_jemallocs_page_size_is_a_hint_in_programs_and_not_looked_for_in_libraries() -> None:
    told = (b"<jemalloc>: Unsupported system page size",)
    assert program(type=2, strings=told).hints == {"jemalloc-page-size"}
    assert program(interp="/lib/ld.so", strings=told).hints == {"jemalloc-page-size"}
    assert program(pie=True, strings=told).hints == {"jemalloc-page-size"}
    assert program(needed=("libc.so.6",), strings=told).hints == frozenset()


@pytest.mark.parametrize("before", range(65536 - 300, 65536, 29))
def test_jemallocs_message_is_found_wherever_it_stands(before: int) -> None:
    data = elf_file(type=2, strings=[b"x" * before, b"<jemalloc>: Unsupported system page size"])
    assert read(excerpt(memoryview(data))).hints == {"jemalloc-page-size"}


@pytest.mark.parametrize(
    ("with_code", "other", "found"), [(4, 6, True), (5, 6, True), (5, 4, False)]
)
def test_jemallocs_message_is_not_looked_for_in_code_if_constants_are_apart(
    with_code: int, other: int, found: bool
) -> None:
    data = bytearray(
        elf_file(type=2, needed=["x"], strings=[b"<jemalloc>: Unsupported system page size"])
    )
    table, count = int.from_bytes(data[32:40], "little"), int.from_bytes(data[56:58], "little")
    headers = [table + 56 * number for number in range(count)]
    loads = [at for at in headers if data[at : at + 4] == b"\1\0\0\0"]
    for at, flags in zip(loads, (with_code, other), strict=True):
        data[at + 4] = flags
    assert bool(read(excerpt(bytes(data))).hints) == found


def test_little_of_a_large_file_is_kept_and_decoded() -> None:
    data = elf_file(
        needed=[f"lib{number}.so" for number in range(40)],
        soname="libbig.so",
        trailing=bytes(40 << 20),
    )
    kept = Excerpt.unpack(excerpt(data))
    assert sum(len(piece) for _, piece in kept.ranges) < 64 << 10


def test_isa_levels_are_x86s_alone() -> None:
    assert program("arm64", isa_needed=2).isa_needed == 0
    assert program("386", isa_needed=2).isa_needed == 2


def test_elf_files_are_told_by_their_magic() -> None:
    assert is_elf(elf_file()[:4])
    assert not is_elf(b"#!/bin/sh\n")
    assert not is_elf(b"\x7fEL")
