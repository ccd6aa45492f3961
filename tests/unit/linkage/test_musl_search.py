"""Why musl's search for a library ends before its directories do, and what a person can do then."""

import struct
from dataclasses import replace
from typing import Any

import pytest

from elfgate.elf.excerpt import excerpt
from elfgate.elf.read import read
from elfgate.linkage.report import Code, Outcome, Prediction
from support import tarball
from support.image import (
    Files,
    alpine,
    debian,
    failures,
    glibc_program,
    library,
    musl_program,
    start,
)

NAME = "libfoo.so.1"
PATH_FILE = "etc/ld-musl-x86_64.path"
LOOP = tarball.link("/loop")
USER: dict[str, Any] = {"user": 1000}


def needs_foo(files: Files, *, runpath: str = "", **overrides: Any) -> Prediction:
    program = musl_program(needed=[NAME], runpath=runpath)
    return start({**alpine(), **files, "app/bin/p": program}, "/app/bin/p", **overrides)


def test_a_search_ends_at_a_link_that_leads_in_a_circle_and_says_where() -> None:
    files = {"loop": LOOP, f"usr/lib/{NAME}": library(NAME)}
    prediction = needs_foo(files, runpath="/loop")
    assert failures(prediction) == [Code.LIBRARY_MISSING]
    assert f"not searched further than /loop/{NAME} (ELOOP)" in prediction.findings[0].message
    assert "search path" in prediction.findings[0].remedy


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (tarball.link("/loop"), "cannot be opened"),
        (tarball.Item("directory"), "is a directory"),
        (replace(tarball.text("/opt\n"), mode=0o600), "cannot be opened"),
        (tarball.text(""), "is empty"),
        (tarball.text("\0/opt\n"), "is empty"),
    ],
)
def test_a_path_file_that_lists_nothing_is_named(item: tarball.Item, why: str) -> None:
    files = {"loop": LOOP, PATH_FILE: item, f"usr/lib/{NAME}": library(NAME)}
    prediction = needs_foo(files, **USER)
    assert failures(prediction) == [Code.LIBRARY_MISSING]
    assert f"/{PATH_FILE} {why}" in prediction.findings[0].message
    assert "that file" in prediction.findings[0].remedy


def test_a_path_file_that_lists_a_directory_is_not_blamed() -> None:
    prediction = needs_foo({PATH_FILE: "/opt\n"})
    assert PATH_FILE not in prediction.findings[0].message
    assert needs_foo({PATH_FILE: "/opt\n", f"opt/{NAME}": library(NAME)}).outcome is Outcome.STARTS


def test_a_truncated_library_is_no_second_libc() -> None:
    """What of a file is missing might define musl's own names; musl dies of the file before it looks."""
    program = musl_program(needed=[NAME])
    whole = library(NAME, defined=["foo"]).data
    cut = tarball.Item("file", whole[: len(whole) * 3 // 4])
    prediction = start({**alpine(), f"usr/lib/{NAME}": cut, "p": program}, "/p")
    assert prediction.outcome is not Outcome.STARTS


def retagged(item: tarball.Item, old: int, new: int) -> tarball.Item:
    """The file with a tag of its dynamic section written over."""
    content = bytearray(item.data)
    entry = content.index(struct.pack("<Q", old), read(excerpt(item.data)).dynamic_at)
    struct.pack_into("<Q", content, entry, new)
    return replace(item, data=bytes(content))


DT_SONAME, DT_RUNPATH, DT_GNU_HASH, DT_VERDEFNUM = 14, 29, 0x6FFFFEF5, 0x6FFFFFFD


@pytest.mark.parametrize(("first", "last"), [("/a", "/b"), ("/b", "/a")])
def test_of_two_paths_both_libcs_take_the_last(first: str, last: str) -> None:
    """T: started with musl 1.2.2, 1.2.3 and 1.2.5 (decode_vec), and elf_get_dynamic_info."""
    paths: dict[str, Any] = {"soname": first, "runpath": last}
    of_musl = retagged(musl_program(needed=[NAME], **paths), DT_SONAME, DT_RUNPATH)
    of_glibc = retagged(glibc_program(needed=[NAME, "libc.so.6"], **paths), DT_SONAME, DT_RUNPATH)
    files: Files = {f"a/{NAME}": library(NAME)}
    for root, program in ((alpine(), of_musl), (debian(), of_glibc)):
        found = start({**root, **files, "p": program}, "/p").outcome is Outcome.STARTS
        assert found is (last == "/a")


def test_of_two_hash_tables_it_is_not_told_which_counts() -> None:
    """T: musl takes the first DT_GNU_HASH, glibc the last."""
    foo = library(NAME, defined=["foo"], version_definitions=["V1"])
    foo = retagged(foo, DT_VERDEFNUM, DT_GNU_HASH)
    program = musl_program(needed=[NAME], undefined=["foo"])
    files: Files = {f"usr/lib/{NAME}": foo}
    assert start({**alpine(), **files, "p": program}, "/p").outcome is Outcome.UNKNOWN
