"""glibc's programs on musl by way of gcompat. Seen in real starts of a stub made to its README."""

from dataclasses import replace

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code, Outcome
from support import tarball
from support.elf_file import EXIT_0, elf_file
from support.image import Files, alpine, failures, glibc_program, library, start, words

STRINGS = (
    b"--preload",
    b"/lib/libgcompat.so.0 ",
    b"/lib/ld-musl-x86_64.so.1",
    b"ld-linux-x86-64.so.2",
)
STUB = elf_file("amd64", type=3, text=EXIT_0, strings=STRINGS, dynamic=True)
FILES = {
    **alpine(),
    "lib64/ld-linux-x86-64.so.2": tarball.program(STUB),
    "lib/libgcompat.so.0": library("libgcompat.so.0", defined=("gnu_get_libc_version",)),
    "app": glibc_program(undefined=("puts", "gnu_get_libc_version")),
}


def test_a_program_of_which_nothing_is_missing_starts() -> None:
    assert start(FILES, "/app").outcome is Outcome.STARTS


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"app": glibc_program(undefined=("puts", "made_up"))}, Code.SYMBOL_MISSING),
        ({"app": glibc_program(needed=["libfoo.so.1", "libc.so.6"])}, Code.LIBRARY_MISSING),
        ({"lib/.wh.libgcompat.so.0": ""}, Code.SYMBOL_MISSING),
        ({"lib/.wh.ld-musl-x86_64.so.1": ""}, Code.LOADER_MISSING),
    ],
)
def test_what_is_missing_ends_the_start(files: Files, code: Code) -> None:
    """T: what musl does not find, once the stub has executed it."""
    assert failures(start([FILES, files], "/app")) == [code]


def test_a_need_of_glibc_s_loader_is_met_by_musl_of_that_name() -> None:
    """T: the stub calls musl's loader by it, so that its own file is not taken for a library."""
    needed = ["ld-linux-x86-64.so.2", "libc.so.6"]
    assert start({**FILES, "app": glibc_program(needed=needed)}, "/app").outcome is Outcome.STARTS


def test_musl_has_to_read_the_program() -> None:
    """T. The kernel had only to execute it."""
    app = replace(glibc_program(undefined=("puts", "gnu_get_libc_version")), mode=0o711)
    assert failures(start({**FILES, "app": app}, "/app", user=1000)) == [
        Code.COMMAND_NOT_EXECUTABLE
    ]


def test_its_library_is_where_the_stub_says_and_nowhere_else() -> None:
    elsewhere = {"opt/libgcompat.so.0": FILES["lib/libgcompat.so.0"], "lib/.wh.libgcompat.so.0": ""}
    env = {"LD_LIBRARY_PATH": "/opt"}
    assert failures(start([FILES, elsewhere], "/app", env=env)) == [Code.SYMBOL_MISSING]


def test_what_is_not_musl_s_loader_is_not_followed() -> None:
    prediction = start({**FILES, "lib/ld-musl-x86_64.so.1": ""}, "/app")
    assert (prediction.outcome, prediction.findings[0].reason) == (
        Outcome.UNKNOWN,
        UnknownReason.SHAPE_UNKNOWN,
    )
    assert "/app is run by gcompat" in words(prediction)


def test_a_file_that_only_mentions_gcompat_is_no_stub() -> None:
    """It would have to hand over the library as the stub does."""
    other = elf_file("amd64", type=3, text=EXIT_0, strings=STRINGS[1:], dynamic=True)
    prediction = start({**FILES, "lib64/ld-linux-x86-64.so.2": tarball.program(other)}, "/app")
    assert "neither glibc's loader nor musl's" in words(prediction)
