"""musl's loader: ldso/dynlink.c. T marks what was also seen in real starts."""

import struct
from collections.abc import Mapping
from typing import Any

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code, Outcome, Prediction
from elfgate.platforms import ARCHITECTURES
from support import tarball
from support.elf_file import elf_file, glibc_loader, musl_loader
from support.image import (
    Files,
    alpine,
    debian,
    failures,
    glibc_program,
    library,
    musl_program,
    start,
    words,
)

NAME = "libfoo.so.1"
LIBC = "libc.musl-x86_64.so.1"
PATH_FILE = "etc/ld-musl-x86_64.path"


def needs_foo(files: Files, *, program: Mapping[str, Any] | None = None, **rest: Any) -> Prediction:
    app = musl_program(**{"needed": [NAME, LIBC], **(program or {})})
    return start({**alpine(), **files, "app/bin/p": app}, "/app/bin/p", **rest)


def good(**options: Any) -> tarball.Item:
    return library(NAME, **options)


@pytest.mark.parametrize("directory", ["lib", "usr/local/lib", "usr/lib"])
def test_the_default_path_is_searched(directory: str) -> None:
    """T."""
    assert needs_foo({f"{directory}/{NAME}": good()}).outcome is Outcome.STARTS


@pytest.mark.parametrize("directory", ["lib64", "usr/lib64", "lib/x86_64-linux-gnu", "opt"])
def test_nothing_else_is_searched(directory: str) -> None:
    """T."""
    prediction = needs_foo({f"{directory}/{NAME}": good()})
    assert failures(prediction) == [Code.LIBRARY_MISSING]
    assert "(Alpine 3.20.1, musl)" in words(prediction)


@pytest.mark.parametrize("text", ["/opt\n", "/nowhere\n/opt", "/nowhere:/opt"])
def test_the_path_file_adds_directories(text: str) -> None:
    """T."""
    assert needs_foo({f"opt/{NAME}": good(), PATH_FILE: text}).outcome is Outcome.STARTS


@pytest.mark.parametrize("text", ["/opt\n", ""])
def test_the_path_file_replaces_the_default_even_if_it_is_empty(text: str) -> None:
    """T."""
    assert failures(needs_foo({f"lib/{NAME}": good(), PATH_FILE: text})) == [Code.LIBRARY_MISSING]


def test_the_path_file_is_two_levels_above_the_loader_by_the_name_asked_for() -> None:
    files = {
        **alpine(),
        "opt/musl/lib/ld.so": tarball.link("/lib/ld-musl-x86_64.so.1"),
        "opt/musl/etc/ld-musl-x86_64.path": "/opt/musl/lib",
        f"opt/musl/lib/{NAME}": good(),
        "app": musl_program(interp="/opt/musl/lib/ld.so", needed=[NAME]),
    }
    assert start(files, "/app").outcome is Outcome.STARTS


@pytest.mark.parametrize(
    ("on", "name"), [("arm64", "aarch64"), ("ppc64le", "powerpc64le"), ("386", "i386")]
)
def test_the_path_file_goes_by_musls_name_of_the_architecture(on: str, name: str) -> None:
    files = {**alpine(on), f"opt/{NAME}": library(NAME, on), "app": musl_program(on, needed=[NAME])}
    assert (
        start({**files, f"etc/ld-musl-{name}.path": "/opt"}, "/app", on=on).outcome
        is Outcome.STARTS
    )


def test_ld_library_path_comes_before_a_runpath_before_the_default() -> None:
    """T."""
    bad, env, program = tarball.text(""), {"LD_LIBRARY_PATH": "/env"}, {"runpath": "/run"}
    files = {f"env/{NAME}": good(), f"run/{NAME}": bad, f"lib/{NAME}": bad}
    assert needs_foo(files, program=program, env=env).outcome is Outcome.STARTS
    files = {f"run/{NAME}": good(), f"lib/{NAME}": bad}
    assert needs_foo(files, program=program, env=env).outcome is Outcome.STARTS


@pytest.mark.parametrize("tag", ["rpath", "runpath"])
def test_rpath_and_runpath_both_serve_libraries_of_libraries(tag: str) -> None:
    """T."""
    files = {"opt/libbar.so": library("libbar.so", needed=[NAME]), f"opt/{NAME}": good()}
    assert (
        needs_foo(files, program={"needed": ["libbar.so"], tag: "/opt"}).outcome is Outcome.STARTS
    )


def test_a_runpath_makes_an_rpath_void() -> None:
    prediction = needs_foo(
        {f"opt/{NAME}": good()}, program={"rpath": "/opt", "runpath": "/nowhere"}
    )
    assert failures(prediction) == [Code.LIBRARY_MISSING]


def test_origin_is_known_and_anything_else_makes_the_whole_path_void() -> None:
    """T."""
    files = {f"app/lib/{NAME}": good(), f"opt/{NAME}": good()}
    assert needs_foo(files, program={"runpath": "$ORIGIN/../lib"}).outcome is Outcome.STARTS
    assert needs_foo(files, program={"runpath": "/opt:$ORIGIN"}).outcome is Outcome.STARTS
    assert failures(needs_foo(files, program={"runpath": "/opt:$LIB"})) == [Code.LIBRARY_MISSING]


@pytest.mark.parametrize(
    "name",
    [
        "libc.so",
        "libc.so.6",
        "libm.so.6",
        "libpthread.so.0",
        "libdl.so.2",
        "librt.so.1",
        "libutil.so.1",
        LIBC,
    ],
)
def test_the_names_of_its_own_parts_are_never_searched(name: str) -> None:
    """T."""
    assert (
        needs_foo({f"lib/{name}": tarball.text("")}, program={"needed": [name]}).outcome
        is Outcome.STARTS
    )


@pytest.mark.parametrize(
    "name", ["libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "libcrypt.so.1"]
)
def test_other_names_are_searched(name: str) -> None:
    """T."""
    assert failures(needs_foo({}, program={"needed": [name]})) == [Code.LIBRARY_MISSING]


FATAL = {
    "of another machine": library(NAME, "arm64", undefined=["puts"]),
    "of another class": library(NAME, "386"),
    "empty": tarball.text(""),
    "a linker script": tarball.text("GROUP ( libfoo.so.1.2 )\n" + " " * 64),
    "a directory": tarball.directory(),
    "without a dynamic section": tarball.Item("file", elf_file("amd64", dynamic=False)),
}


@pytest.mark.parametrize("what", FATAL)
def test_the_first_file_that_opens_is_taken_even_if_it_is(what: str) -> None:
    """T."""
    path = f"lib/{NAME}/" if FATAL[what].kind == "directory" else f"lib/{NAME}"
    prediction = needs_foo({path: FATAL[what], f"usr/lib/{NAME}": good()})
    assert failures(prediction) == [Code.LIBRARY_MISMATCH]


def test_a_link_that_leads_in_a_circle_ends_the_search() -> None:
    """path_open: any error but ENOENT, ENOTDIR, EACCES and ENAMETOOLONG."""
    files = {f"lib/{NAME}": tarball.link(f"/lib/{NAME}"), f"usr/lib/{NAME}": good()}
    assert failures(needs_foo(files)) == [Code.LIBRARY_MISSING]


def test_versions_are_not_looked_at() -> None:
    """T."""
    prediction = needs_foo({f"lib/{NAME}": good()}, program={"version_needs": {NAME: ["FOO_9"]}})
    assert prediction.outcome is Outcome.STARTS


@pytest.mark.parametrize("mark", [(), ("lazy",)])
def test_every_symbol_is_bound_at_start(mark: tuple[str, ...]) -> None:
    """T: "Error relocating X: Y: symbol not found"."""
    prediction = needs_foo(
        {f"lib/{NAME}": good()}, program={"undefined": [("statx", *mark), "puts"]}
    )
    assert failures(prediction) == [Code.SYMBOL_MISSING]
    assert "needs the symbol statx, which neither musl 1.2.5 nor a loaded library defines" in words(
        prediction
    )


def test_weak_symbols_may_be_missing() -> None:
    files = {f"lib/{NAME}": good(undefined=[("__gmon_start__", "weak")])}
    assert needs_foo(files).outcome is Outcome.STARTS


def test_a_few_of_many_missing_symbols_are_named() -> None:
    prediction = needs_foo({f"lib/{NAME}": good(undefined=[f"__{name}_chk" for name in "abcdef"])})
    assert "and 3 more" in words(prediction)


def test_a_glibc_program_starts_through_a_linked_loader_if_musl_has_its_symbols() -> None:
    """T: the folklore's symlink."""
    files = {**alpine(), "lib64/ld-linux-x86-64.so.2": tarball.link("/lib/ld-musl-x86_64.so.1")}
    simple = glibc_program(version_needs={"libc.so.6": ["GLIBC_2.34"]})
    assert start({**files, "app": simple}, "/app").outcome is Outcome.STARTS
    more = glibc_program(undefined=["gnu_get_libc_version"])
    assert failures(start({**files, "app": more}, "/app")) == [Code.SYMBOL_MISSING]
    gcc = glibc_program(needed=["libgcc_s.so.1", "libc.so.6"])
    assert failures(start({**files, "app": gcc}, "/app")) == [Code.LIBRARY_MISSING]


def test_relative_relocations_need_1_2_4() -> None:
    """T: a silent SIGSEGV with 1.2.3."""
    for version, outcome in [
        ("1.2.3", Outcome.CANNOT_START),
        ("1.2.4", Outcome.STARTS),
        ("1.2.5", Outcome.STARTS),
    ]:
        foo = good(relr=True, init_array=True)
        files = {**alpine(version=version), f"lib/{NAME}": foo, "app": musl_program(needed=[NAME])}
        prediction = start(files, "/app")
        assert prediction.outcome is outcome
        assert failures(prediction) in ([], [Code.LIBRARY_MISMATCH])


def test_a_preload_that_cannot_be_loaded_is_passed_over() -> None:
    files = {f"lib/{NAME}": good(), "opt/bad.so": tarball.text("")}
    assert needs_foo(files, env={"LD_PRELOAD": "libnope.so:/opt/bad.so"}).outcome is Outcome.STARTS


@pytest.mark.parametrize(
    ("on", "preload", "code"),
    [
        ("amd64", library("p.so", "arm64", undefined=["puts"]), [Code.LIBRARY_MISMATCH]),
        ("386", library("p.so", "arm", undefined=[("puts", "lazy")]), [Code.LIBRARY_MISMATCH]),
        ("arm", library("p.so", "386", undefined=[("puts", "lazy")]), [Code.LIBRARY_MISMATCH]),
        ("amd64", library("p.so", "386", undefined=["puts"]), []),
        ("amd64", library("p.so", "s390x", undefined=["puts"]), []),
        ("amd64", library("p.so", "arm64"), []),
    ],
)
def test_a_preload_that_maps_is_there_for_good(
    on: str, preload: tarball.Item, code: list[Code]
) -> None:
    """T: a class or a byte order that musl cannot read, it passes over; another machine it sees by relocations only."""
    files = {**alpine(on), "app": musl_program(on, needed=[]), "opt/p.so": preload}
    assert failures(start(files, "/app", on=on, env={"LD_PRELOAD": "/opt/p.so"})) == code


def test_a_second_libc_by_its_path_is_not_loaded() -> None:
    """load_library: what defines __libc_start_main and stdin is a libc; musl takes itself."""
    other = library("libc.so.6", defined=["__libc_start_main", "stdin"], undefined=["_dl_gone"])
    assert (
        needs_foo({"opt/libc.so.6": other}, program={"needed": ["/opt/libc.so.6"]}).outcome
        is Outcome.STARTS
    )


def test_a_library_under_a_volume_is_unknown() -> None:
    prediction = needs_foo({}, program={"runpath": "/data"}, mounts=("/data",))
    assert prediction.findings[0].reason is UnknownReason.UNDER_MOUNT


@pytest.mark.parametrize("on", sorted(ARCHITECTURES))
def test_a_musl_program_needs_musls_loader(on: str) -> None:
    """T."""
    assert failures(start({**debian(on), "app": musl_program(on)}, "/app", on=on)) == [
        Code.LOADER_MISSING
    ]
    assert start({**alpine(on), "app": musl_program(on)}, "/app", on=on).outcome is Outcome.STARTS


def test_which_libc_it_is_the_loaders_file_tells_not_its_name() -> None:
    app = glibc_program(interp="/lib/ld-musl-x86_64.so.1", needed=[], undefined=[])
    files = {"lib/ld-musl-x86_64.so.1": tarball.program(glibc_loader()), "app": app}
    walk = start(files, "/app", explain=True)
    assert walk.outcome is Outcome.STARTS
    files["lib/ld-musl-x86_64.so.1"] = tarball.program(musl_loader())
    files["app"] = musl_program(needed=["libgone.so"])
    assert {step.actor for step in start(files, "/app", explain=True).walk} == {"kernel", "musl"}


def test_a_variable_that_is_copied_must_come_from_another_object() -> None:
    prediction = needs_foo({f"lib/{NAME}": good()}, program={"undefined": [("environ", "copied")]})
    assert failures(prediction) == [Code.SYMBOL_MISSING]


@pytest.mark.parametrize(
    ("on", "outcome"), [("ppc64le", Outcome.CANNOT_START), ("s390x", Outcome.STARTS)]
)
def test_on_power_musl_does_not_start_what_has_glibcs_start_code(on: str, outcome: Outcome) -> None:
    """T: SIGSEGV before main, through the folklore's symlink."""
    loader = ARCHITECTURES[on].glibc_loaders[0]
    files = {
        **alpine(on),
        loader[1:]: tarball.link(f"/lib/ld-musl-{ARCHITECTURES[on].musl_name}.so.1"),
    }
    program = glibc_program(
        on, undefined=["__libc_start_main"], version_needs={"libc.so.6": ["GLIBC_2.34"]}
    )
    assert start({**files, "app": program}, "/app", on=on).outcome is outcome


def test_a_library_of_another_machine_only_fails_by_its_relocations() -> None:
    """T: musl looks at neither EI_CLASS nor e_machine."""
    foreign = library(NAME, "arm64", undefined=["puts"])
    assert failures(needs_foo({f"lib/{NAME}": foreign})) == [Code.LIBRARY_MISMATCH]
    assert (
        needs_foo({f"lib/{NAME}": library(NAME, "riscv64", undefined=["puts"])}).outcome
        is Outcome.UNKNOWN
    )
    assert failures(needs_foo({f"lib/{NAME}": library(NAME, "s390x")})) == [Code.LIBRARY_MISMATCH]
    assert failures(needs_foo({f"lib/{NAME}": library(NAME, "386")})) == [Code.LIBRARY_MISMATCH]


def test_a_library_of_another_machine_without_relocations_only_matters_to_who_calls_it() -> None:
    """T: nothing is looked at then but its names."""
    files = {f"lib/{NAME}": library(NAME, "arm64", defined=["foo"])}
    assert needs_foo(files).outcome is Outcome.STARTS
    assert needs_foo(files, program={"undefined": ["puts", "foo"]}).outcome is Outcome.UNKNOWN


def test_a_path_file_that_may_not_be_read_leaves_no_path() -> None:
    """T."""
    files = {f"lib/{NAME}": good(), PATH_FILE: tarball.text("/lib", 0o600)}
    assert needs_foo(files).outcome is Outcome.STARTS
    assert failures(needs_foo(files, user=1000)) == [Code.LIBRARY_MISSING]


def test_hidden_versions_and_indirect_functions_are_not_seen() -> None:
    """T: "symbol not found", and "unsupported relocation type" where a library has them for itself."""
    wants = {"undefined": ["foo"]}
    hidden = good(defined=["foo"], version_definitions=["V1"], numbers={"foo": 0x8002})
    assert failures(needs_foo({f"lib/{NAME}": hidden}, program=wants)) == [Code.SYMBOL_MISSING]
    indirect = good(defined=["foo"], indirect=["foo"])
    assert failures(needs_foo({f"lib/{NAME}": indirect}, program=wants)) == [Code.SYMBOL_MISSING]
    default = good(defined=["foo"], version_definitions=["V1"], numbers={"foo": 2})
    assert needs_foo({f"lib/{NAME}": default}, program=wants).outcome is Outcome.STARTS


def test_packed_relocations_that_nothing_at_the_start_needs_are_unknown_before_1_2_4() -> None:
    """T: some start, and some do not."""
    files = {
        **alpine(version="1.2.3"),
        f"lib/{NAME}": good(relr=True),
        "app": musl_program(needed=[NAME]),
    }
    prediction = start(files, "/app")
    assert (prediction.outcome, failures(prediction)) == (Outcome.STARTS, [])
    assert "crashes when it uses what they relocate" in words(prediction)


def test_packed_relocations_hide_no_symbol_that_is_missing() -> None:
    """T."""
    foo = good(relr=True, init_array=True, undefined=["nosuch"])
    files = {**alpine(version="1.2.3"), f"lib/{NAME}": foo, "app": musl_program(needed=[NAME])}
    assert failures(start(files, "/app")) == [Code.SYMBOL_MISSING]


def test_a_path_longer_than_musls_room_for_it_is_passed_over() -> None:
    """T: 512 bytes with the name and its end."""
    name = f"/{NAME}"
    for length, missing in [(511 - len(name), False), (512 - len(name), True)]:
        directory = "/opt".ljust(length, "/")
        prediction = needs_foo({f"opt/{NAME}": good()}, program={"runpath": directory})
        assert failures(prediction) == [Code.LIBRARY_MISSING] * missing


def test_musls_symbols_are_in_scope_only_if_something_needs_it() -> None:
    """T: "__libc_start_main: symbol not found"."""
    app = tarball.program(elf_file("amd64", interp="/lib/ld-musl-x86_64.so.1", undefined=["puts"]))
    assert failures(start({**alpine(), "app": app}, "/app")) == [Code.SYMBOL_MISSING]


def test_a_file_with_a_broken_magic_or_of_an_unnamed_machine_may_be_taken() -> None:
    """T: musl looks at neither."""
    unnamed = {f"lib/{NAME}": good(machine=0xBEEF, defined=["foo"])}
    assert needs_foo(unnamed).outcome is Outcome.STARTS
    assert needs_foo(unnamed, program={"undefined": ["foo"]}).outcome is Outcome.UNKNOWN
    broken = {f"lib/{NAME}": tarball.program(b"\x7fELG" + good().data[4:])}
    assert needs_foo(broken).outcome is Outcome.UNKNOWN


def test_a_preload_of_another_machine_is_taken() -> None:
    """T: its relocations end the start then."""
    files = {f"lib/{NAME}": good(), "opt/pre.so": library("pre.so", "arm64", undefined=["puts"])}
    assert failures(needs_foo(files, env={"LD_PRELOAD": "/opt/pre.so"})) == [Code.LIBRARY_MISMATCH]


def test_a_preload_is_not_searched_by_the_programs_own_path_nor_is_what_it_needs() -> None:
    """T: load_preload names no object that needs it."""
    program = {"runpath": "/opt", "undefined": ["pre"]}
    files = {f"lib/{NAME}": good(), "opt/pre.so": library("pre.so", defined=["pre"])}
    assert failures(needs_foo(files, program=program, env={"LD_PRELOAD": "pre.so"})) == [
        Code.SYMBOL_MISSING
    ]
    assert (
        needs_foo(files, program=program, env={"LD_PRELOAD": "/opt/pre.so"}).outcome
        is Outcome.STARTS
    )
    files["opt/pre.so"] = library("pre.so", defined=["pre"], needed=["libmore.so"])
    files["opt/libmore.so"] = library("libmore.so")
    prediction = needs_foo(files, program=program, env={"LD_PRELOAD": "/opt/pre.so"})
    assert failures(prediction) == [Code.LIBRARY_MISSING]


def _with_its_dynamic_section_behind(program: tarball.Item) -> tarball.Item:
    """The program as patchelf leaves some: the segment ends before its dynamic section, in the same page."""
    data = bytearray(program.data)
    headers = range(64, 64 + 56 * int.from_bytes(data[56:58], "little"), 56)
    dynamic = next(at for at in headers if data[at] == 2)
    vaddr = struct.unpack_from("<Q", data, dynamic + 16)[0]
    load = [at for at in headers if data[at] == 1][1]
    offset = (
        struct.unpack_from("<Q", data, load + 8)[0]
        + vaddr
        - struct.unpack_from("<Q", data, load + 16)[0]
        - 16
    )
    struct.pack_into("<QQ", data, load + 8, offset, vaddr - 16)
    struct.pack_into("<QQ", data, load + 32, 8, 8)
    return tarball.program(bytes(data))


@pytest.mark.parametrize(
    ("version", "starts"), [("1.2.5", False), ("1.2.1", False), ("1.1.24", True)]
)
def test_a_dynamic_section_behind_its_segment_is_where_musl_puts_its_heap(
    version: str, *, starts: bool
) -> None:
    """T: on all architectures; glibc leaves it alone."""
    app = _with_its_dynamic_section_behind(musl_program())
    assert failures(start({**alpine(version=version), "app": app}, "/app")) == (
        [] if starts else [Code.LOADER_MISMATCH]
    )


def test_glibc_leaves_a_dynamic_section_behind_its_segment_alone() -> None:
    app = _with_its_dynamic_section_behind(glibc_program())
    assert start({**debian(), "app": app}, "/app").outcome is Outcome.STARTS
