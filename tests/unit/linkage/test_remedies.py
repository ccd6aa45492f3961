"""What a person who is stuck is told: words and remedies that fit what is wrong."""

from typing import Any

import pytest

from elfgate.linkage.report import Code, Finding
from support import tarball
from support.elf_file import elf_file, glibc_loader
from support.image import (
    Files,
    alpine,
    debian,
    glibc_program,
    library,
    musl_program,
    start,
    static_program,
)

STORE = "/nix/store/abc-glibc-2.38/lib/ld-linux-x86-64.so.2"
LOADER = "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"


def told(files: Files, *command: str, **overrides: Any) -> Finding:
    return start(files, *command, **overrides).findings[0]


def test_a_loader_of_a_store_is_not_made_up_for_by_an_image_with_the_same_libc() -> None:
    finding = told({**debian(), "app": glibc_program(interp=STORE)}, "/app")
    assert finding.code is Code.LOADER_MISSING
    assert "patchelf --set-interpreter" in finding.remedy
    assert "use an image with glibc" not in finding.remedy
    elsewhere = told({"app": glibc_program(interp=STORE)}, "/app")
    assert "use an image with glibc" in elsewhere.remedy


def test_a_glibc_program_in_another_image_says_which_versions_a_base_must_have() -> None:
    program = glibc_program(version_needs={"libc.so.6": ["GLIBC_2.17", "GLIBC_2.34"]})
    assert told({"app": program}, "/app").versions == ("GLIBC_2.34",)


def test_what_needs_more_than_every_base_with_glibc_has_says_none() -> None:
    needs = {"libc.so.6": ["GLIBC_2.34"]}
    more = glibc_program(version_needs=needs, needed=["libc.so.6", "libfoo.so.1"])
    assert told({"app": more}, "/app").versions == ()
    strange = glibc_program(version_needs=needs, interp=STORE)
    assert told({"app": strange}, "/app").versions == ()


def test_a_relative_loader_is_to_be_made_absolute() -> None:
    finding = told({**debian(), "app": glibc_program(interp="ld.so")}, "/app")
    assert "absolute path" in finding.remedy


def test_a_loader_without_an_execute_bit_wants_one() -> None:
    plain = tarball.Item("file", glibc_loader(), 0o644)
    finding = told({**debian(), LOADER: plain, "app": glibc_program()}, "/app")
    assert (finding.code, "chmod 0755" in finding.remedy) == (Code.LOADER_MISMATCH, True)


@pytest.mark.parametrize("files", [{"opt/": tarball.directory(0o700)}])
def test_what_cannot_be_reached_wants_its_directory_opened(files: Files) -> None:
    inner: Files = {**files, "opt/sh": static_program(), "run": tarball.program("#!/opt/sh\n")}
    for command in ("/run", "/opt/sh"):
        assert "search the directory" in told(inner, command, user=1000).remedy


def test_a_dangling_interpreter_is_named_with_what_is_missing() -> None:
    files: Files = {
        "venv/python": tarball.link("/usr/bin/python3"),
        "run": tarball.program("#!/venv/python\n"),
    }
    finding = told(files, "/run")
    assert "whose link ends at /usr" in finding.message
    assert "correct the link" in finding.remedy


def test_a_command_of_the_working_directory_is_named_with_that() -> None:
    files: Files = {"srv/start.sh": tarball.program("#!/bin/sh\n"), "tmp/": tarball.directory()}
    finding = told(files, "./start.sh", working_dir="/tmp")
    assert finding.message.startswith("./start.sh (in the working directory /tmp) does not exist")


def test_a_dangling_link_along_path_is_told() -> None:
    files: Files = {
        "usr/bin/java": tarball.link("/opt/java/bin/java"),
        "opt/java/": tarball.directory(),
    }
    finding = told(files, "java", env={"PATH": "/usr/bin"})
    assert "(/usr/bin/java is a link to /opt/java/bin/java, which is missing)" in finding.message


def test_a_missing_script_of_a_shell_is_told_in_one_sentence() -> None:
    finding = told({**debian(), "bin/bash": glibc_program()}, "/bin/bash", "/opt/run")
    assert finding.message.startswith("/opt/run does not exist in this image")
    assert finding.message.endswith(", and /bin/bash is given it as a script")


def test_a_shell_that_is_given_a_program_is_to_be_left_out() -> None:
    files = {**debian(), "bin/bash": glibc_program(), "app": glibc_program()}
    finding = told(files, "/bin/bash", "/app")
    assert finding.code is Code.EXEC_FORMAT
    assert finding.remedy == "call the program itself, and no shell before it"


LIBRARY = "libfoo.so.1"
PASSED_OVER: dict[str, tuple[tarball.Item, str, str]] = {
    "a dangling link": (
        tarball.link("libfoo.so.1.0"),
        "/l/libfoo.so.1 is a link to /l/libfoo.so.1.0, which is missing",
        "the link",
    ),
    "no right to read": (
        tarball.Item("file", elf_file(soname=LIBRARY), 0o600),
        "/l/libfoo.so.1 may not be read by user 1000 (mode 0600)",
        "chmod o+r",
    ),
}


def needs_it(libc: str, files: Files) -> Finding:
    """The finding of a program of that libc that needs the library from /l, as user 1000."""
    if libc == "musl":
        base, program = alpine(), musl_program(needed=[LIBRARY], runpath="/l")
    else:
        base, program = debian(), glibc_program(needed=[LIBRARY, "libc.so.6"], runpath="/l")
    return told({**base, **files, "p": program}, "/p", user=1000)


@pytest.mark.parametrize("case", PASSED_OVER)
@pytest.mark.parametrize("libc", ["glibc", "musl"])
def test_a_library_that_is_there_and_does_not_open_is_named(libc: str, case: str) -> None:
    item, what, remedy = PASSED_OVER[case]
    finding = needs_it(libc, {f"l/{LIBRARY}": item})
    assert finding.code is Code.LIBRARY_MISSING
    assert what in finding.message
    assert remedy in finding.remedy


@pytest.mark.parametrize("libc", ["glibc", "musl"])
def test_a_library_behind_a_directory_that_is_closed_is_named(libc: str) -> None:
    closed = tarball.Item("directory", mode=0o700)
    finding = needs_it(libc, {"l": closed, f"l/{LIBRARY}": library(LIBRARY)})
    assert "/l may not be searched by user 1000" in finding.message
    assert "chmod o+x" in finding.remedy
