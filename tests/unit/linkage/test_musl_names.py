"""musl's names, path file and headers: ldso/dynlink.c. T marks what was also seen in real starts."""

import struct
from collections.abc import Mapping
from typing import Any

import pytest

from elfgate.linkage.report import Code, Outcome, Prediction
from support import tarball
from support.image import Files, alpine, failures, library, musl_program, start

NAME = "libfoo.so.1"
LIBC = "libc.musl-x86_64.so.1"
PATH_FILE = "etc/ld-musl-x86_64.path"


def needs_foo(files: Files, *, program: Mapping[str, Any] | None = None, **rest: Any) -> Prediction:
    app = musl_program(**{"needed": [NAME, LIBC], **(program or {})})
    return start({**alpine(), **files, "app/bin/p": app}, "/app/bin/p", **rest)


def good(**options: Any) -> tarball.Item:
    return library(NAME, **options)


@pytest.mark.parametrize("separator", ["\u00a0", "\u0085", "\x1c"])
def test_preloads_are_parted_by_blanks_of_the_c_locale_only(separator: str) -> None:
    """T."""
    name = f"x{separator}y.so"
    files = {f"app/{name}": library("y.so", defined=["f"]), f"lib/{NAME}": good()}
    preload = {"LD_PRELOAD": f"/app/{name}"}
    assert needs_foo(files, program={"undefined": ["f"]}, env=preload).outcome is Outcome.STARTS


@pytest.mark.parametrize("text", ["/opt\0", "/opt\0/nowhere", "/nowhere\n/opt\0\n"])
def test_the_path_file_ends_at_a_nul(text: str) -> None:
    """T."""
    assert needs_foo({f"opt/{NAME}": good(), PATH_FILE: text}).outcome is Outcome.STARTS
    late = needs_foo({f"opt/{NAME}": good(), PATH_FILE: "/nowhere\0:/opt"})
    assert failures(late) == [Code.LIBRARY_MISSING]


def test_a_library_opened_by_a_path_gets_its_own_name_when_a_search_finds_it() -> None:
    """T: not the name that was searched."""
    files = {
        **alpine(),
        "a/libreal.so": library("libreal.so"),
        "usr/lib/libalias.so": tarball.link("/a/libreal.so"),
    }
    app = musl_program(needed=["libalias.so", "libreal.so"])
    preload = {"LD_PRELOAD": "/a/libreal.so"}
    assert start({**files, "p": app}, "/p", env=preload).outcome is Outcome.STARTS
    assert failures(start({**files, "p": app}, "/p")) == [Code.LIBRARY_MISSING]
    once = musl_program(needed=["libreal.so"])
    assert failures(start({**files, "p": once}, "/p", env=preload)) == [Code.LIBRARY_MISSING]


def test_a_hard_link_in_the_alias_place_is_not_told_from_a_copy() -> None:
    """T: the one starts, the other does not."""
    files = {
        **alpine(),
        "a/libreal.so": library("libreal.so"),
        "usr/lib/libalias.so": tarball.hardlink("a/libreal.so"),
        "p": musl_program(needed=["libalias.so", "libreal.so"]),
    }
    preload = {"LD_PRELOAD": "/a/libreal.so"}
    assert start(files, "/p", env=preload).outcome is Outcome.UNKNOWN


def test_nobody_provides_the_kernels_library_by_name() -> None:
    """T."""
    app = musl_program(needed=["linux-vdso.so.1"])
    assert failures(start({**alpine(), "p": app}, "/p")) == [Code.LIBRARY_MISSING]


def test_a_machine_that_a_header_wrongly_names_is_not_looked_at() -> None:
    """T: relocations that musl knows are done."""
    foo = good(undefined=["puts"])
    data = bytearray(foo.data)
    for machine in (183, 21):
        struct.pack_into("<H", data, 18, machine)
        named = tarball.Item("file", bytes(data))
        assert needs_foo({f"lib/{NAME}": named}).outcome is Outcome.UNKNOWN
    for other in ("arm64", "ppc64le"):
        foreign = library(NAME, other, undefined=["puts"])
        assert failures(needs_foo({f"lib/{NAME}": foreign})) == [Code.LIBRARY_MISMATCH]


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_a_broken_magic_is_not_looked_at_whatever_the_files_mode(mode: int) -> None:
    """T."""
    broken = tarball.Item("file", b"\x7fELG" + good().data[4:], mode)
    assert needs_foo({f"lib/{NAME}": broken}).outcome is Outcome.UNKNOWN
    text = tarball.Item("file", b"/* a linker script, not a library */" * 4, mode)
    assert failures(needs_foo({f"lib/{NAME}": text})) == [Code.LIBRARY_MISMATCH]


def test_a_program_for_fixed_addresses_is_no_library_where_they_are_taken() -> None:
    """T: "Resource busy"."""
    foo = {f"lib/{NAME}": good(type=2, text=b"\x90" * 16)}
    assert failures(needs_foo(foo, program={"type": 2})) == [Code.LIBRARY_MISMATCH]
