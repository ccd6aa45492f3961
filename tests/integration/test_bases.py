"""``elfgate needs`` and ``elfgate bases``: what a program takes from a system, and which gives it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.elf_file import elf_file

if TYPE_CHECKING:
    import subprocess

Run = Callable[..., "subprocess.CompletedProcess[str]"]
DEBIAN, ALPINE, SCRATCH = "oci:layout:2-debian", "oci:layout:2-alpine", "oci:layout:2"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program's file, as a build leaves it: dynamic, for ppc64le."""
    path = tmp_path / "app"
    needs = {"libc.so.6": ["GLIBC_2.38"]}
    loader = "/lib64/ld64.so.2"
    path.write_bytes(elf_file("ppc64le", interp=loader, needed=["libc.so.6"], version_needs=needs))
    return path


def told(ran: "subprocess.CompletedProcess[str]") -> Any:
    assert ran.stderr == ""
    return json.loads(ran.stdout)


def test_the_needs_of_an_image_are_told_for_each_platform(elfgate: Run) -> None:
    ran = elfgate("needs", DEBIAN, "-o", "json")
    found = {each["platform"]: each for each in told(ran)["platforms"]}
    assert ran.returncode == 0
    assert found["linux/amd64"]["loaders"] == []
    assert found["linux/ppc64le"]["loaders"] == ["/lib64/ld64.so.2"]
    assert found["linux/ppc64le"]["glibc"] == "2.34"
    assert found["linux/ppc64le"]["own"] == ["/usr/local/bin/server"]


def test_confined_processes_tell_the_same(elfgate: Run) -> None:
    words = ["needs", DEBIAN, "-o", "json", "--isolation"]
    assert told(elfgate(*words, "preferred")) == told(elfgate(*words, "none"))


def test_the_needs_of_a_file_are_those_of_its_own_platform(elfgate: Run, program: Path) -> None:
    ran = elfgate("needs", str(program))
    assert ran.returncode == 3  # its libraries are not there to be looked at
    lines = ran.stdout.splitlines()
    assert lines[0] == "linux/ppc64le"
    assert "  glibc      2.38 or later" in lines
    assert "  library    libc.so.6 (GLIBC_2.38)" in lines


def test_the_oldest_base_that_runs_a_file_is_one_command(elfgate: Run, program: Path) -> None:
    ran = elfgate("bases", str(program), "--oldest", "-o", "json")
    (base,) = told(ran)["bases"]
    assert (ran.returncode, base["name"], base["gives"]) == (0, "Ubuntu 24.04", "all")
    assert base["sources"]


def test_the_table_says_why_a_release_does_not_do(elfgate: Run, program: Path) -> None:
    text = elfgate("bases", str(program)).stdout
    assert "Debian 12 (linux/ppc64le): ends at GLIBC_2.36, not GLIBC_2.38" in text
    assert "Alpine 3.22 (linux/ppc64le): has musl, not the loader /lib64/ld64.so.2" in text


def test_a_program_is_put_upon_the_images_that_are_named(elfgate: Run) -> None:
    among = [word for image in (DEBIAN, ALPINE, SCRATCH) for word in ("--among", image)]
    found = told(elfgate("bases", DEBIAN, *among, "-o", "json"))["bases"]
    named = {each["name"]: each for each in found if each["predicted"]}
    assert {name: each["gives"] for name, each in named.items()} == {
        DEBIAN: "all",
        ALPINE: "not",
        SCRATCH: "not",
    }
    sizes = [each["size"] for each in found if each["predicted"]]
    assert sizes == sorted(sizes)
    reasons = {each["platform"]: each["because"] for each in named[ALPINE]["platforms"]}
    assert "/lib64/ld64.so.2" in reasons["linux/ppc64le"]
    assert reasons["linux/amd64"] == ""


def test_the_smallest_image_that_runs_it_everywhere_is_one_command(elfgate: Run) -> None:
    words = ["bases", DEBIAN, "--smallest", "--among", ALPINE, "--among", DEBIAN, "-o", "json"]
    ran = elfgate(*words)
    assert ran.returncode == 0
    assert [each["name"] for each in told(ran)["bases"]] == [DEBIAN]
    assert elfgate(*words[:-2], "--platform", "amd64", "-o", "json").returncode == 0


def test_none_that_does_is_said_with_exit_code_1(elfgate: Run) -> None:
    ran = elfgate("bases", DEBIAN, "--smallest", "--among", ALPINE)
    assert ran.stdout == "no base is known to give all on every platform\n"
    assert ran.returncode == 1


def test_smallest_without_images_is_a_usage_error(elfgate: Run) -> None:
    ran = elfgate("bases", DEBIAN, "--smallest")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--among" in ran.stderr


def test_a_file_that_is_no_program_wants_a_platform(elfgate: Run, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("nothing to start\n")
    ran = elfgate("needs", str(text))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--platform" in ran.stderr
