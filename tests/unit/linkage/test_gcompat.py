"""glibc's programs on musl by way of gcompat. Seen in real starts of a stub made to its README."""

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Outcome
from support import tarball
from support.elf_file import EXIT_0, elf_file
from support.image import Files, alpine, glibc_program, library, start, words

STUB = elf_file(
    "amd64", type=3, text=EXIT_0, strings=(b"--preload", b"libgcompat.so.0", b"/lib/ld-musl-x86_64.so.1"), dynamic=True
)
FILES = {
    **alpine(),
    "lib64/ld-linux-x86-64.so.2": tarball.program(STUB),
    "lib/libgcompat.so.0": library("libgcompat.so.0", defined=("gnu_get_libc_version",)),
    "app": glibc_program(undefined=("puts", "gnu_get_libc_version")),
}


def test_a_program_of_which_nothing_is_missing_starts() -> None:
    assert start(FILES, "/app").outcome is Outcome.STARTS


@pytest.mark.parametrize(
    "files",
    [
        {"app": glibc_program(undefined=("puts", "made_up"))},
        {"app": glibc_program(needed=["libfoo.so.1", "libc.so.6"])},
        {"lib/libgcompat.so.0": ""},
        {"lib/ld-musl-x86_64.so.1": ""},
    ],
)
def test_what_is_missing_is_not_held_against_it(files: Files) -> None:
    prediction = start({**FILES, **files}, "/app")
    assert (prediction.outcome, prediction.findings[0].reason) == (Outcome.UNKNOWN, UnknownReason.SHAPE_UNKNOWN)
    assert "/app is run by gcompat" in words(prediction)
