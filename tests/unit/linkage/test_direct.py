"""Programs given to a dynamic loader on its command line: ld.so(8), musl ldso/dynlink.c. Seen in real starts."""

from dataclasses import replace

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code, Outcome
from support import tarball
from support.elf_file import elf_file
from support.image import (
    alpine,
    debian,
    failures,
    glibc_program,
    library,
    musl_program,
    start,
    static_program,
)
from support.ldcache import ld_so_cache

NAME = "libfoo.so"
LOADERS = {"glibc": "/lib64/ld-linux-x86-64.so.2", "musl": "/lib/ld-musl-x86_64.so.1"}


def files(libc: str) -> dict[str, tarball.Item | str | bytes]:
    base = debian() if libc == "glibc" else alpine()
    program = glibc_program if libc == "glibc" else musl_program
    return {
        **base,
        "app": tarball.text(""),
        "fine": tarball.Item("file", program(needed=["libc.so.6"]).data),  # no x bit is needed
        "needy": program(needed=[NAME, "libc.so.6"]),
        "opt/libfoo.so": library(NAME),
    }


@pytest.mark.parametrize("libc", LOADERS)
def test_the_program_is_loaded_as_if_it_had_been_started(libc: str) -> None:
    loader = LOADERS[libc]
    assert start(files(libc), loader, "/fine", "-v").outcome is Outcome.STARTS
    assert failures(start(files(libc), loader, "/needy")) == [Code.LIBRARY_MISSING]


@pytest.mark.parametrize("libc", LOADERS)
@pytest.mark.parametrize(
    "option",
    [
        ("--library-path", "/opt"),
        ("--argv0", "x", "--library-path", "/opt"),
        ("--library-path", "/opt", "--"),
    ],
)
def test_its_options_count(libc: str, option: tuple[str, ...]) -> None:
    """T."""
    assert start(files(libc), LOADERS[libc], *option, "/needy").outcome is Outcome.STARTS


def test_musl_alone_takes_a_value_behind_an_equals_sign() -> None:
    """T: glibc prints how it is used."""
    option = "--library-path=/opt"
    assert start(files("musl"), LOADERS["musl"], option, "/needy").outcome is Outcome.STARTS
    assert start(files("glibc"), LOADERS["glibc"], option, "/gone").outcome is Outcome.STARTS


def test_a_preload_of_glibc_s_loader_comes_besides_the_variable_and_replaces_musl_s() -> None:
    """T."""
    for libc, code in (("glibc", []), ("musl", [Code.SYMBOL_MISSING])):
        program = (glibc_program if libc == "glibc" else musl_program)(
            needed=["libc.so.6"], undefined=["one", "two"]
        )
        preloads = {f"{name}.so": library(f"{name}.so", defined=[name]) for name in ("one", "two")}
        arguments = (LOADERS[libc], "--preload", "/two.so", "/x")
        prediction = start(
            {**files(libc), **preloads, "x": program}, *arguments, env={"LD_PRELOAD": "/one.so"}
        )
        assert failures(prediction) == code, libc


def test_glibc_can_be_told_to_pass_its_cache_over() -> None:
    """T."""
    image = {**files("glibc"), "etc/ld.so.cache": ld_so_cache("amd64", [(NAME, f"/opt/{NAME}")])}
    assert start(image, "/needy").outcome is Outcome.STARTS
    assert failures(start(image, LOADERS["glibc"], "--inhibit-cache", "/needy")) == [
        Code.LIBRARY_MISSING
    ]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ("", [Code.LIBRARY_MISSING]),
        (":/x", [Code.LIBRARY_MISSING]),
        ("/x:", []),
        ("/app/x", []),
        ("/opt/a.so", []),
    ],
)
def test_glibc_can_be_told_to_pass_the_program_s_own_path_over(
    names: str, code: list[Code]
) -> None:
    """T: the program goes by no name at all."""
    image = {**files("glibc"), "x": glibc_program(needed=[NAME, "libc.so.6"], runpath="/opt")}
    assert failures(start(image, LOADERS["glibc"], "--inhibit-rpath", names, "/x")) == code


def test_glibc_can_be_told_to_pass_a_library_s_path_over() -> None:
    """T: it goes by the path under which it was found."""
    middle = library("a.so", needed=[NAME], runpath="/opt")
    image = {
        **files("glibc"),
        "mid/a.so": middle,
        "x": glibc_program(needed=["a.so", "libc.so.6"], runpath="/mid"),
    }
    assert start(image, LOADERS["glibc"], "--inhibit-rpath", "a.so", "/x").outcome is Outcome.STARTS
    assert failures(start(image, LOADERS["glibc"], "--inhibit-rpath", "/mid/a.so", "/x")) == [
        Code.LIBRARY_MISSING
    ]


@pytest.mark.parametrize("option", [("--audit", "/opt/a.so"), ("--glibc-hwcaps-mask", "x86-64-v2")])
def test_what_may_lead_elsewhere_lifts_what_is_missing(option: tuple[str, ...]) -> None:
    loader, auditor = LOADERS["glibc"], library("a.so", defined=["la_version"])
    image = {**files("glibc"), "opt/a.so": auditor}
    assert start(image, loader, *option, "/fine").outcome is Outcome.STARTS
    assert start(image, loader, *option, "/needy").outcome is Outcome.UNKNOWN
    assert start(image, "/needy", env={"LD_AUDIT": "/opt/a.so"}).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("libc", "code"), [("glibc", Code.LIBRARY_MISSING), ("musl", Code.COMMAND_NOT_EXECUTABLE)]
)
def test_the_loader_has_to_read_the_program(libc: str, code: Code) -> None:
    """T."""
    program = glibc_program if libc == "glibc" else musl_program
    image = {**files(libc), "fine": replace(program(needed=["libc.so.6"]), mode=0o711)}
    assert start(image, "/fine", user=1000).outcome is Outcome.STARTS
    assert failures(start(image, LOADERS[libc], "/fine", user=1000)) == [code]


def test_musl_takes_the_program_from_the_working_directory() -> None:
    """T: it opens what it is given."""
    assert failures(start(files("musl"), LOADERS["musl"], "needy", working_dir="/")) == [
        Code.LIBRARY_MISSING
    ]
    assert start(files("musl"), LOADERS["musl"], "fine", working_dir="/").outcome is Outcome.STARTS


@pytest.mark.parametrize("libc", LOADERS)
def test_a_link_that_the_loader_is_given_is_the_program_s_origin(libc: str) -> None:
    """T: where the kernel starts it, that is what the link leads to."""
    program = (glibc_program if libc == "glibc" else musl_program)(
        needed=[NAME, "libc.so.6"], runpath="$ORIGIN"
    )
    image = {**files(libc), "opt/x": program, "mid/x": tarball.link("/opt/x")}
    assert start(image, "/mid/x").outcome is Outcome.STARTS
    assert failures(start(image, LOADERS[libc], "/mid/x")) == [Code.LIBRARY_MISSING]


def test_musl_s_path_file_lies_beside_the_loader_as_that_was_called() -> None:
    """T."""
    image = {
        **files("musl"),
        "own/lib/ld.so": tarball.link(LOADERS["musl"]),
        "own/etc/ld-musl-x86_64.path": "/opt\n",
    }
    assert start(image, "/own/lib/ld.so", "/needy").outcome is Outcome.STARTS
    assert failures(start(image, "/own/lib/ld.so", "--list", "/needy")) == [Code.LIBRARY_MISSING]


def test_what_a_loader_was_told_is_not_passed_on() -> None:
    image = {**files("musl"), "sh": tarball.link("/bin/busybox")}
    arguments = (LOADERS["musl"], "--library-path", "/opt", "/bin/sh", "-c", "exec /needy")
    assert failures(start(image, *arguments)) == [Code.LIBRARY_MISSING]


@pytest.mark.parametrize("libc", LOADERS)
def test_a_program_that_is_not_there_is_not_loaded(libc: str) -> None:
    assert failures(start(files(libc), LOADERS[libc], "/gone")) == [Code.LIBRARY_MISSING]
    under = start(files(libc), LOADERS[libc], "/data/x", mounts=("/data",))
    assert under.findings[0].reason is UnknownReason.UNDER_MOUNT


@pytest.mark.parametrize("libc", LOADERS)
def test_what_is_not_certain_is_not_followed(libc: str) -> None:
    image = {
        **files(libc),
        "static": static_program(),
        "foreign": tarball.program(elf_file("arm64")),
    }
    for arguments in (
        (),
        ("--version",),
        ("/static",),
        *([("/foreign",), ("/app",)] if libc == "musl" else []),
    ):
        assert start(image, LOADERS[libc], *arguments).outcome is Outcome.STARTS


def test_glibc_says_of_what_is_no_program_of_its_own_that_it_cannot_load_it() -> None:
    image = {**files("glibc"), "foreign": tarball.program(elf_file("arm64"))}
    assert failures(start(image, LOADERS["glibc"], "/foreign")) == [Code.LIBRARY_MISSING]
    assert failures(start(image, LOADERS["glibc"], "/app")) == [Code.LIBRARY_MISMATCH]


@pytest.mark.parametrize("libc", LOADERS)
def test_listing_loads_all_the_same(libc: str) -> None:
    assert failures(start(files(libc), LOADERS[libc], "--list", "/needy")) == [Code.LIBRARY_MISSING]
    assert start(files(libc), LOADERS[libc], "--list", "/fine").outcome is Outcome.STARTS


@pytest.mark.parametrize("libc", LOADERS)
def test_a_loader_that_does_not_know_an_option_tells_how_it_is_used(libc: str) -> None:
    """T."""
    assert start(files(libc), LOADERS[libc], "--made-up", "/x", "/needy").outcome is Outcome.STARTS
    assert start(files(libc), LOADERS[libc], "--library-path").outcome is Outcome.STARTS


def test_what_an_old_glibc_makes_of_an_option_is_unknown() -> None:
    """T: it may not know it, and take it for the program's name."""
    old = {**files("glibc"), **debian(version="2.31")}
    assert failures(start(old, LOADERS["glibc"], "--inhibit-cache", "/needy")) == [
        Code.LIBRARY_MISSING
    ]
    prediction = start(old, LOADERS["glibc"], "--argv0", "/x", "/needy")
    assert (prediction.outcome, prediction.findings[0].reason) == (
        Outcome.UNKNOWN,
        UnknownReason.SHAPE_UNKNOWN,
    )


def test_what_the_program_wraps_is_followed_on() -> None:
    image = {**files("musl"), "busybox": tarball.link("/bin/busybox")}
    loader = LOADERS["musl"]
    assert failures(
        start({**image, "sh": image["bin/busybox"]}, loader, "/sh", "-c", "exec /gone")
    ) == [Code.COMMAND_MISSING]


def test_glibc_searches_a_name_without_a_slash_as_it_does_libraries() -> None:
    """T: not in the working directory, nor along PATH."""
    loader = LOADERS["glibc"]
    image = {**files("glibc"), "fine": glibc_program(), "usr/bin/fine": glibc_program()}
    found = start(image, loader, "fine", env={"PATH": "/usr/bin"})
    assert failures(found) == [Code.LIBRARY_MISSING]
    there = {**image, "opt/fine": glibc_program()}
    along = start(there, loader, "--library-path", "/opt", "fine")
    assert along.outcome is Outcome.STARTS
