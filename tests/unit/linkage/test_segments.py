"""Odd segments of libraries. T marks what was seen in real starts."""

from dataclasses import replace
from typing import Any

import pytest

from elfgate.elf.excerpt import excerpt
from elfgate.elf.facts import ElfFacts, Load
from elfgate.elf.layout import file_offset
from elfgate.elf.read import read
from elfgate.linkage.kernel.pages import SMALLEST, cut_off, taken_by_musl
from elfgate.linkage.kernel.segments import not_entered
from elfgate.linkage.report import Outcome
from support import tarball
from support.elf_file import elf_file
from support.image import alpine, debian, glibc_program, library, musl_program, start

NAME = "libfoo.so.1"
BEYOND = Load(0x400000, 0x300000, 0x10, 0x10, 0x1000)  # a segment of which the file has nothing
EMPTY = Load(0, 0, 0, 0, 0x10, flags=6)


def facts(**options: Any) -> ElfFacts:
    return read(excerpt(elf_file("amd64", **options)))


def test_a_library_may_live_without_a_segment_that_nobody_touches() -> None:
    """T: nobody enters a library, wherever its entry point is."""
    cut = library(NAME, loads=[BEYOND], entry=0x300004)
    files = {f"usr/lib/{NAME}": cut, "p": glibc_program(needed=[NAME, "libc.so.6"])}
    assert start({**debian(), **files}, "/p").outcome is Outcome.UNKNOWN
    files["p"] = musl_program(needed=[NAME])
    assert start({**alpine(), **files}, "/p").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(("entry", "needed"), [(0x300004, True), (0x1000, None), (0, None)])
def test_a_program_needs_the_segment_that_it_is_entered_in(
    entry: int, *, needed: bool | None
) -> None:
    assert cut_off(facts(type=2, loads=[BEYOND], entry=entry), SMALLEST) is needed


CODE = Load(0x1000, 0x1000, 0x40, 0x40, 0x1000, flags=5)


@pytest.mark.parametrize(
    ("other", "is_entered"),
    [
        (Load(0x2000, 0x1FF8, 0, 0, 0x1000, flags=4), True),  # T: it takes no room
        (Load(0x2000, 0x1800, 0, 8, 0x1000, flags=6), True),  # some kernels leave the page alone
        (Load(0x2000, 0x1800, 8, 8, 0x1000, flags=4), False),
    ],
)
def test_of_two_segments_in_a_page_the_later_one_has_it_if_it_is_mapped(
    other: Load, *, is_entered: bool
) -> None:
    program = replace(facts(type=2), loads=(CODE, other), entry=0x1000, stack_executable=False)
    assert (not not_entered(program, SMALLEST)) is is_entered


@pytest.mark.parametrize(("flags", "is_entered"), [(5, True), (7, False)])
def test_the_rest_of_a_page_is_only_cleared_where_it_can_be_written(
    flags: int, *, is_entered: bool
) -> None:
    """T: p_filesz of the code's segment, made shorter than the way to the entry point."""
    code = replace(CODE, filesz=4, memsz=0x40, flags=flags)
    program = replace(facts(type=2), loads=(code,), entry=0x1020, stack_executable=False)
    assert (not not_entered(program, SMALLEST)) is is_entered
    beyond = replace(program, loads=(replace(code, memsz=0x3000),), entry=0x2000)
    assert "only zeros" in not_entered(beyond, SMALLEST)


@pytest.mark.parametrize(("flags", "needed"), [(5, None), (6, True)])
def test_the_kernel_passes_over_what_it_cannot_clear(flags: int, *, needed: bool | None) -> None:
    last = replace(BEYOND, memsz=0x100, flags=flags)
    program = facts(type=2, loads=[BEYOND], entry=0x1000)
    program = replace(program, loads=(*program.loads[:-1], last))
    assert cut_off(program, SMALLEST) is needed
    assert cut_off(program, SMALLEST, is_entered=False) is True


def test_musl_does_not_map_a_segment_without_room() -> None:
    """T: a PT_GNU_STACK turned into a PT_LOAD."""
    whole = facts(soname=NAME)
    loads = (replace(whole.loads[0], vaddr=0, flags=5), EMPTY)
    assert taken_by_musl(replace(whole, loads=loads), SMALLEST)
    held = replace(EMPTY, memsz=8)
    assert not taken_by_musl(replace(whole, loads=(loads[0], held)), SMALLEST)


@pytest.mark.parametrize(
    ("offset", "address", "place"),
    [(0x2000, 0x5123, 0x2123), (0x2003, 0x5123, 0x2123), (0x2ABC, 0x6123, 0x3123)],
)
def test_a_segment_is_mapped_by_whole_pages(offset: int, address: int, place: int) -> None:
    """T: musl reads the file's pages, wherever in them the segment is said to begin."""
    assert file_offset([(offset, 0x5000, 0x2000, 0x2000)], address) == place


def test_a_library_off_its_pages_is_read_as_musl_maps_it() -> None:
    """T: p_offset 3 of the first segment."""
    content = bytearray(library(NAME, defined=["foo"]).data)
    content[64 + 8] += 3
    files = {f"usr/lib/{NAME}": tarball.Item("file", bytes(content))}
    program = musl_program(needed=[NAME], undefined=["foo"])
    assert start({**alpine(), **files, "p": program}, "/p").outcome is Outcome.UNKNOWN
