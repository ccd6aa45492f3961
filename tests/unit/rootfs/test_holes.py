"""Sparse files, in each form that runtimes unpack: they are what they were before they were packed."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from elfgate.elf.excerpt import excerpt
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.holes import MOST_BYTES
from support.elf_file import elf_file
from support.raw_tar import END, entry, extended_header, header, record
from support.tarball import program, read, tarball

PROGRAM = elf_file("amd64") + bytes(3000) + b"a debugger's" + bytes(5000)
RUNS = ((0, 512), (512, len(elf_file("amd64")) - 512 + 3012))
NUMBERS = [number for run in RUNS for number in run]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def packed() -> bytes:
    return b"".join(PROGRAM[start : start + length] for start, length in RUNS)


def oldest(runs: tuple[tuple[int, int], ...] = RUNS) -> bytes:
    """Version 0.0: each number is a record of its own."""
    said = record("GNU.sparse.size", b"%d" % len(PROGRAM)) + record("GNU.sparse.numblocks", b"2")
    for start, length in runs:
        said += record("GNU.sparse.offset", b"%d" % start)
        said += record("GNU.sparse.numbytes", b"%d" % length)
    leading = header(b"extended", b"x", b"%o" % len(said)) + padded(said)
    return leading + header(b"app", size=b"%o" % len(packed())) + padded(packed())


def older(numbers: list[int] = NUMBERS) -> bytes:
    """Version 0.1: the map is one record."""
    said = {
        "GNU.sparse.name": b"app",
        "GNU.sparse.size": b"%d" % len(PROGRAM),
        "GNU.sparse.map": ",".join(map(str, numbers)).encode(),
    }
    named = header(b"GNUSparseFile.7/app", size=b"%o" % len(packed()))
    return extended_header(said) + named + padded(packed())


def newest(lines: list[int] = [2, *NUMBERS]) -> bytes:  # noqa: B006 - read only
    """Version 1.0: the map leads the data."""
    said = {
        "GNU.sparse.major": b"1",
        "GNU.sparse.minor": b"0",
        "GNU.sparse.name": b"app",
        "GNU.sparse.realsize": b"%d" % len(PROGRAM),
    }
    data = padded("".join(f"{number}\n" for number in lines).encode()) + packed()
    named = header(b"GNUSparseFile.7/app", size=b"%o" % len(data))
    return extended_header(said) + named + padded(data)


@pytest.mark.parametrize("form", [oldest, older, newest])
def test_a_sparse_program_is_the_program(form: "object") -> None:
    assert callable(form)
    built = read(form() + header(b"next") + END)
    found, plain = entry(built, "/app"), entry(read(tarball({"app": program(PROGRAM)})), "/app")
    assert found == plain
    assert built.excerpt(found.elf) == excerpt(PROGRAM)
    assert entry(built, "/next").kind is Kind.FILE


def test_a_version_that_nobody_knows_is_read_as_it_lies() -> None:
    said = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"1", "GNU.sparse.name": b"other"}
    built = read(extended_header(said) + header(b"app", size=b"3") + padded(b"abc") + END)
    assert entry(built, "/app").size == 3


@pytest.mark.parametrize(
    "spoilt",
    [
        older([0, 512, 100, 5]),
        older([0, 512, 1 << 40, 5]),
        older([0]),
        newest([3, 0, 512]),
        newest([2, 512, 8, 0, 8]),
        oldest(((9, 1 << 40),)),
        oldest(((5, 5), (0, 5))),
    ],
)
def test_a_map_that_lies_spoils_the_layer(spoilt: bytes) -> None:
    with pytest.raises(ValueError, match=r"^tar, at byte"):
        read(spoilt + END)


def test_a_file_of_holes_takes_no_memory() -> None:
    said = {
        "GNU.sparse.size": b"%d" % (MOST_BYTES + 1),
        "GNU.sparse.map": b"0,4",
    }
    built = read(extended_header(said) + header(b"app", size=b"4") + padded(b"\x7fELF") + END)
    assert (entry(built, "/app").kind, entry(built, "/app").size) == (
        Kind.UNREADABLE,
        MOST_BYTES + 1,
    )


@pytest.mark.skipif(not shutil.which("tar"), reason="needs GNU tar")
@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
def test_what_gnu_tar_packs_is_what_it_was(version: str, tmp_path: Path) -> None:
    chance = random.Random(version)  # noqa: S311 - a test
    with (tmp_path / "app").open("wb") as file:
        file.write(elf_file("amd64"))
        for _ in range(40):
            file.seek(chance.randrange(1 << 20, 8 << 20))
            file.write(chance.randbytes(chance.randrange(1, 9000)))
    (tmp_path / "app").chmod(0o755)
    command = ["tar", "--format=posix", "-S", f"--sparse-version={version}", "-c", "app"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    built, content = read(made), (tmp_path / "app").read_bytes()
    found = entry(built, "/app")
    assert (found.kind, found.size) == (Kind.FILE, len(content))
    assert built.excerpt(found.elf) == excerpt(content)
