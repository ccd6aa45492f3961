"""Programs given to a dynamic loader on its command line: ld.so(8), musl ldso/dynlink.c. Seen in real starts."""

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code, Outcome
from support import tarball
from support.elf_file import elf_file
from support.image import alpine, debian, failures, glibc_program, library, musl_program, start, static_program

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
    "option", [("--library-path", "/opt"), ("--library-path=/opt",), ("--argv0", "x", "--library-path", "/opt")]
)
def test_its_options_count(libc: str, option: tuple[str, ...]) -> None:
    assert start(files(libc), LOADERS[libc], *option, "/needy").outcome is Outcome.STARTS


@pytest.mark.parametrize("libc", LOADERS)
def test_a_program_that_is_not_there_is_not_loaded(libc: str) -> None:
    assert failures(start(files(libc), LOADERS[libc], "/gone")) == [Code.LIBRARY_MISSING]
    under = start(files(libc), LOADERS[libc], "/data/x", mounts=("/data",))
    assert under.findings[0].reason is UnknownReason.UNDER_MOUNT


@pytest.mark.parametrize("libc", LOADERS)
def test_what_is_not_certain_is_not_followed(libc: str) -> None:
    image = {**files(libc), "static": static_program(), "foreign": tarball.program(elf_file("arm64"))}
    for arguments in (
        (),
        ("--version",),
        ("needy",),
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
def test_options_that_are_not_followed_leave_it_unknown(libc: str) -> None:
    prediction = start(files(libc), LOADERS[libc], "--inhibit-rpath", "/x", "/needy")
    assert (prediction.outcome, prediction.findings[0].reason) == (Outcome.UNKNOWN, UnknownReason.SHAPE_UNKNOWN)


def test_what_the_program_wraps_is_followed_on() -> None:
    image = {**files("musl"), "busybox": tarball.link("/bin/busybox")}
    loader = LOADERS["musl"]
    assert failures(start({**image, "sh": image["bin/busybox"]}, loader, "/sh", "-c", "exec /gone")) == [
        Code.COMMAND_MISSING
    ]
