"""Which files glibc takes for the library that it looks for: elf/dl-load.c (open_verify), dl-hwcaps.c.

T marks what was also seen in real starts.
"""

import pytest

from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Effect, Outcome
from support import tarball
from support.elf_file import elf_file, glibc_loader
from support.glibc_needs import BAD, CACHE, NAME, good, needs_foo
from support.image import Files, debian, failures, lib, library, words
from support.ldcache import Row, ld_so_cache

SKIPPED = {
    "another machine": library(NAME, "arm64"),
    "another class": library(NAME, "386"),
    "another byte order (Debian's patch)": library(NAME, "s390x"),
    "unreadable to the user": tarball.Item("file", good().data, 0o600),
}


def edited(offset: int, value: int) -> tarball.Item:
    content = bytearray(good().data)
    content[offset] = value
    return tarball.Item("file", bytes(content))


FATAL = {
    "of no identification version": edited(6, 0),
    "of no version": edited(20, 0),
    "odd in its identification's padding": edited(12, 1),
    "empty": tarball.text(""),
    "too short": tarball.text("\x7fELF"),
    "a linker script": tarball.text("GROUP ( libfoo.so.1.2 )\n" + " " * 64),
    "a directory": tarball.directory(),
    "of another OS ABI": library(NAME, osabi=9),
    "an object file": library(NAME, type=1),
    "a program at a fixed address": library(NAME, type=2),
    "a position-independent program": library(NAME, pie=True),
    "without a dynamic section": tarball.Item("file", elf_file("amd64", dynamic=False)),
    "with odd program headers": library(NAME, phentsize=32),
}


@pytest.mark.parametrize("what", SKIPPED)
def test_a_candidate_is_skipped_that_is(what: str) -> None:
    """T."""
    files = {f"env/{NAME}": SKIPPED[what]}
    env = {"LD_LIBRARY_PATH": "/env"}
    assert needs_foo({**files, f"lib/{NAME}": good()}, env=env, user=1000).outcome is Outcome.STARTS
    code = (
        Code.LIBRARY_MISMATCH if what == "another class" else Code.LIBRARY_MISSING
    )  # "wrong ELF class"
    assert failures(needs_foo(files, env=env, user=1000)) == [code]


@pytest.mark.parametrize("what", FATAL)
def test_a_candidate_ends_the_start_even_before_a_good_one_that_is(what: str) -> None:
    """T."""
    path = f"env/{NAME}/" if FATAL[what].kind == "directory" else f"env/{NAME}"
    prediction = needs_foo(
        {path: FATAL[what], f"lib/{NAME}": good()}, env={"LD_LIBRARY_PATH": "/env"}
    )
    assert failures(prediction) == [Code.LIBRARY_MISMATCH]


def test_upstreams_loader_stops_at_another_byte_order() -> None:
    loader = glibc_loader(directories=("/lib64", "/usr/lib64"))
    files = {
        lib("amd64", "ld-linux-x86-64.so.2"): tarball.program(loader),
        "usr/lib64/libc.so.6": debian()[lib("amd64", "libc.so.6")],
        f"usr/lib64/{NAME}": good(),
        f"env/{NAME}": library(NAME, "s390x"),
    }
    assert failures(needs_foo(files, env={"LD_LIBRARY_PATH": "/env"})) == [Code.LIBRARY_MISMATCH]


@pytest.mark.parametrize(
    ("on", "ours", "theirs"), [("arm", 0x5000400, 0x5000200), ("ppc64le", 2, 1), ("riscv64", 5, 1)]
)
def test_a_library_of_another_abi_of_the_same_machine_is_skipped(
    on: str, ours: int, theirs: int
) -> None:
    """T: armhf against armel; ELFv1 against ELFv2; double against single floats."""
    base = {
        lib(on, name): tarball.program(loader)
        for name, loader in [(_loader_name(on), glibc_loader(on, flags=ours))]
    }
    libc = library("libc.so.6", on, flags=ours, defined=["puts", "__libc_early_init"])
    files = {**base, lib(on, "libc.so.6"): libc, f"env/{NAME}": library(NAME, on, flags=theirs)}
    env, program = {"LD_LIBRARY_PATH": "/env"}, {"flags": ours}
    assert failures(needs_foo(files, on, env=env, program=program)) == [Code.LIBRARY_MISSING]
    assert (
        needs_foo(
            {**files, f"lib/{NAME}": good(on, flags=ours)}, on, env=env, program=program
        ).outcome
        is Outcome.STARTS
    )


def _loader_name(on: str) -> str:
    return next(
        name for name in (path.rpartition("/")[2] for path in debian(on)) if name.startswith("ld")
    )


HWCAPS = {
    "amd64": ("x86-64-v2", "x86-64-v3", "x86-64-v2"),
    "ppc64le": ("power9", "power10", "power8"),
    "s390x": ("z14", "z15", "z13"),
}


@pytest.mark.parametrize("on", HWCAPS)
def test_a_library_only_for_a_cpu_level_is_found_on_cpus_of_that_level(on: str) -> None:
    """T."""
    level, higher, _ = HWCAPS[on]
    files = {f"opt/glibc-hwcaps/{level}/{NAME}": good(on)}
    program = {"runpath": "/opt"}
    for cpu in (level, higher):
        prediction = needs_foo(files, on, program=program, node=NodeFacts(cpu_level=cpu))
        assert (prediction.outcome, prediction.findings) == (Outcome.STARTS, ())


def test_a_library_only_for_a_cpu_level_is_missing_on_lower_ones_and_noted_where_that_is_not_known() -> (
    None
):
    files, program = {f"opt/glibc-hwcaps/x86-64-v3/{NAME}": good()}, {"runpath": "/opt"}
    low = needs_foo(files, program=program, node=NodeFacts(cpu_level="x86-64-v2"))
    assert failures(low) == [Code.LIBRARY_MISSING]
    unknown = needs_foo(files, program=program)
    assert [(finding.code, finding.effect) for finding in unknown.findings] == [
        (Code.CPU_LEVEL, Effect.NOTE)
    ]


def test_a_cpu_levels_library_is_preferred_to_the_plain_one() -> None:
    """T."""
    files = {f"opt/glibc-hwcaps/x86-64-v2/{NAME}": BAD, f"opt/{NAME}": good()}
    node = NodeFacts(cpu_level="x86-64-v2")
    assert failures(needs_foo(files, program={"runpath": "/opt"}, node=node)) == [
        Code.LIBRARY_MISMATCH
    ]
    older = NodeFacts(cpu_level="x86-64-v1")
    assert needs_foo(files, program={"runpath": "/opt"}, node=older).outcome is Outcome.STARTS


def test_where_the_cpus_level_is_not_known_all_that_it_may_be_have_to_agree() -> None:
    """T."""
    program, v2 = {"runpath": "/opt"}, f"opt/glibc-hwcaps/x86-64-v2/{NAME}"
    assert needs_foo({v2: good(), f"opt/{NAME}": good()}, program=program).outcome is Outcome.STARTS
    only_older = needs_foo({v2: BAD, f"opt/{NAME}": good()}, program=program)
    assert only_older.outcome is Outcome.UNKNOWN
    assert words(only_older).endswith("but only CPUs of level x86-64-v2 are led to this")
    only_newer = needs_foo({v2: good(), f"opt/{NAME}": BAD}, program=program)
    assert only_newer.outcome is Outcome.UNKNOWN
    assert words(only_newer).endswith("but CPUs of level x86-64-v2 are led elsewhere")
    assert failures(needs_foo({v2: BAD, f"opt/{NAME}": BAD}, program=program)) == [
        Code.LIBRARY_MISMATCH
    ]


def test_cpu_levels_directories_are_not_searched_before_glibc_2_33() -> None:
    files = {f"opt/glibc-hwcaps/x86-64-v2/{NAME}": good()}
    node = NodeFacts(cpu_level="x86-64-v4")
    prediction = needs_foo(files, version="2.31", program={"runpath": "/opt"}, node=node)
    assert failures(prediction) == [Code.LIBRARY_MISSING]


def test_a_loader_that_does_not_tell_its_release_is_older_than_2_33() -> None:
    """Debian 11's, for one."""
    loader = glibc_loader(version="x")
    files = {
        lib("amd64", "ld-linux-x86-64.so.2"): tarball.program(loader),
        f"opt/glibc-hwcaps/x86-64-v2/{NAME}": good(),
    }
    prediction = needs_foo(
        files, program={"runpath": "/opt"}, node=NodeFacts(cpu_level="x86-64-v4")
    )
    assert failures(prediction) == [Code.LIBRARY_MISSING]


def test_the_cache_prefers_what_the_cpu_has_the_level_for() -> None:
    rows: list[Row] = [
        (NAME, f"/v3/{NAME}", "x86-64-v3"),
        (NAME, f"/v2/{NAME}", "x86-64-v2"),
        (NAME, f"/plain/{NAME}"),
    ]
    paths = {"x86-64-v4": "v3", "x86-64-v3": "v3", "x86-64-v2": "v2", "x86-64-v1": "plain"}
    for level, chosen in paths.items():
        files: Files = {
            CACHE: ld_so_cache("amd64", rows),
            **{f"{place}/{NAME}": BAD for place in ("v3", "v2", "plain")},
        }
        prediction = needs_foo(
            {**files, f"{chosen}/{NAME}": good()}, node=NodeFacts(cpu_level=level)
        )
        assert prediction.outcome is Outcome.STARTS, level
        assert needs_foo({**files, f"{chosen}/{NAME}": good()}).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("node", [NodeFacts(cpu_level="x86-64-v3"), NodeFacts()])
def test_a_link_in_a_circle_in_a_levels_directory_does_not_end_the_search(node: NodeFacts) -> None:
    """T. Only the error of a directory's last place, itself, ends the list (``open_path``)."""
    circle = {lib("amd64", f"glibc-hwcaps/x86-64-v3/{NAME}"): tarball.link(NAME)}
    assert needs_foo({**circle, f"usr/lib/{NAME}": good()}, node=node).outcome is Outcome.STARTS
    files = {lib("amd64", NAME): tarball.link(NAME), f"usr/lib/{NAME}": good()}
    assert failures(needs_foo(files, node=node)) == [Code.LIBRARY_MISSING]


def test_a_device_ends_the_search_where_nodes_make_it() -> None:
    """A runtime without root makes no device nodes: the file is not there then."""
    files = {f"env/{NAME}": tarball.Item("device"), f"usr/lib/{NAME}": good()}
    prediction = needs_foo(files, env={"LD_LIBRARY_PATH": "/env"})
    assert prediction.outcome is Outcome.UNKNOWN
    assert "is a device, a pipe or a socket" in words(prediction)
