"""What a newcomer hands to ``try``, ``needs``, ``bases`` and ``verify``: one clear line each, and no traceback."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from support.compiled import compiled, startable
from support.elf_file import elf_file

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PATHS = "write file:PATH for a program, dir:PATH for a root file system, or oci:PATH for an image layout"


@pytest.fixture
def place(layout: Path) -> Path:
    """Where the verbs are run, with what lies about in a project's folder."""
    folder = layout.parent
    programs = {
        "program": elf_file("amd64"),
        "script": b"#!/bin/sh\n",
        "empty": b"",
        "cut": elf_file("amd64")[:70],
    }
    for name, data in programs.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o755)
    (folder / "folder").mkdir(exist_ok=True)
    if not (folder / "fifo").exists():
        os.mkfifo(folder / "fifo")
    return folder


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("needs", "./gone"), "./gone does not exist"),
        (("needs", "./folder"), f"./folder is a path: {PATHS}"),
        (("needs", "./fifo"), "./fifo is not a regular file"),
        (("needs", "./empty"), "file:./empty has nothing to start for any platform"),
        (("bases", "/dev/zero"), "/dev/zero is not a regular file"),
        (("bases", "./program", "--among", "./folder"), f"./folder is a path: {PATHS}"),
        (("try", "./program"), f"./program is a path: {PATHS}"),
        (("try", "file:./gone"), "gone is not a file"),
        (("try", "file:./script"), "file:./script names no Linux platform: add --platform"),
        (("verify", "--against", "fifo"), "fifo is not a regular file"),
        (("verify", "--against", "/dev/zero"), "/dev/zero is not a regular file"),
        (("verify", "--against", "empty"), "no report of `elfgate try`: Invalid JSON"),
    ],
)
def test_odd_input_is_told_in_one_line(
    elfgate: Run, place: Path, words: Sequence[str], said: str
) -> None:
    verb, *others = words
    ran = subprocess.run(
        ["timeout", "50", *elfgate(verb, "--help").args[:3], verb, *others],
        capture_output=True,
        text=True,
        cwd=place,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_program_larger_than_the_memory_is_looked_at_in_place(elfgate: Run, place: Path) -> None:
    sparse = place / "sparse"
    sparse.write_bytes(elf_file("amd64"))
    os.truncate(sparse, 1 << 42)
    ran = elfgate("needs", "./sparse")
    assert ran.stderr == ""
    assert ran.stdout.startswith("linux/amd64\n")


def test_a_programs_file_is_started_as_an_image_that_has_nothing_else(
    elfgate: Run, place: Path
) -> None:
    startable()
    (place / "tool").write_bytes(compiled())
    ran = elfgate("try", "file:./tool", "--expect", "4", "--", "/tool", "exit", "4")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "exited with 4" in ran.stdout
    assert not os.access(place / "tool", os.X_OK)


def test_a_crash_of_the_program_is_no_bug_of_elfgate(elfgate: Run, place: Path) -> None:
    startable()
    (place / "tool").write_bytes(compiled())
    ran = elfgate("try", "file:./tool", "--", "/tool", "crash")
    assert ran.returncode == 1
    assert "did not start: SIGSEGV" in ran.stdout
    assert "it crashed without a word" in ran.stdout
    assert "a bug of elfgate" not in ran.stdout
