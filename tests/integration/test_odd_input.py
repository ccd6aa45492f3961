"""What a newcomer hands to verbs: one clear line each, a code of its own, and no traceback."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from support.compiled import compiled, startable
from support.elf_file import elf_file

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PATHS = "write file:PATH for a program, dir:PATH for a root file system, or oci:PATH for an image layout"

POD = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: registry.example/web:1}]
"""
LONG = "x" * 300
POD_FOR = ("check", "pod.yaml", "--arch", "amd64")


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
    (folder / "pod.yaml").write_text(POD)
    (folder / "chart.yaml").write_text("kind: {{ .Values.kind }}\n")
    if not (folder / "loop").is_symlink():
        (folder / "loop").symlink_to("loop")
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
        (("needs", "./empty"), "name an ELF program, or a --platform"),
        (("try",), "no image and no manifest is named: name images, or manifests with -f"),
        (("cache", "empty"), "elfgate cache: unknown action 'empty': there are info, prune"),
        (("try", "x", "-f", "pod.yaml"), "both images and manifests are named: name images, or"),
        (("completion", "tcsh"), "elfgate completion: unknown shell 'tcsh': there are bash"),
        (("bases", "/dev/zero"), "/dev/zero is not a regular file"),
        (("bases", "./program", "--among", "./folder"), f"./folder is a path: {PATHS}"),
        (("try", "./program"), f"./program is a path: {PATHS}"),
        (("try", "file:./gone"), "gone is not a file"),
        (("try", "file:./script"), "file:./script names no Linux platform: add --platform"),
        (("verify", "--against", "fifo"), "fifo is not a regular file"),
        (("verify", "--against", "/dev/zero"), "/dev/zero is not a regular file"),
        (("verify", "--against", "empty"), "no report of `elfgate try`: Invalid JSON"),
        (("verify", "--against", LONG), f"{LONG}: File name too long"),
        (("check", LONG, "--arch", "amd64"), f"{LONG}: File name too long"),
        (("check", "chart.yaml", "--arch", "amd64"), "render the template first"),
        (("check", "pod.yaml", "--nodes", "/dev/zero"), "/dev/zero: larger than 256 MiB"),
        (("check", "pod.yaml", "--nodes", ""), "argument --nodes: the name is empty"),
        (("check", "", "--arch", "amd64"), "a file of manifests has an empty name"),
        (("scan", "a.example/a:1", "--docker-config", "/dev/zero"), "as Docker's config.json"),
        ((*POD_FOR, "--attested", "x=/dev/zero"), "/dev/zero: larger than 64 KiB"),
        ((*POD_FOR, "-o", "xml"), "unknown format 'xml'"),
        (("rules", "-o", "xml"), "unknown format 'xml'"),
        (("attest", "oci:layout", "--key", "/dev/zero"), "/dev/zero: larger than 64 KiB"),
        (("scan", "oci-archive:fifo"), "fifo cannot be read: not a regular file"),
        (("scan", "docker-archive:/dev/zero"), "/dev/zero cannot be read: not a regular file"),
        (("scan", "file:loop", "--platform", "linux/amd64"), "loop is not a file"),
        (("check", "\udcff.yaml", "--arch", "amd64"), "\\udcff.yaml: No such file"),
        (("scan", "oci:layout"), "name one of 2, 2-alpine, 2-debian"),
        (("scan", "oci:layout", "--page-size", "4k"), "'4k' is not a whole number"),
        (("cache", "prune", "--unused-for", "inf"), "'inf' is not between 0 and 36500 days"),
        (("cache", "prune", "--unused-for", "nan"), "'nan' is not between 0 and 36500 days"),
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


def test_a_stream_that_the_caller_has_closed_is_no_bug(elfgate: Run, place: Path) -> None:
    command = [*elfgate("rules", "--help").args[:3], "rules"]
    for stream, code in ((">&-", 0), ("2>&-", 0), (">/dev/full", 2)):
        ran = subprocess.run(
            ["bash", "-c", f'"$@" {stream}', "-", *command],
            capture_output=True,
            text=True,
            cwd=place,
            check=False,
        )
        told = "elfgate rules: cannot write: No space left on device\n"
        assert (ran.returncode, ran.stderr) == (code, told if code else "")


def test_cache_export_writes_to_a_pipe_and_does_not_replace_it(
    elfgate: Run, tmp_path: Path
) -> None:
    pipe, copy = tmp_path / "pipe", tmp_path / "copy"
    os.mkfifo(pipe)
    with copy.open("wb") as file, subprocess.Popen(["cat", str(pipe)], stdout=file):
        assert elfgate("cache", "export", str(pipe)).returncode == 0
    assert pipe.is_fifo()
    assert elfgate("cache", "import", str(copy)).returncode == 0


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_names_that_the_locale_cannot_write_are_no_bug(
    elfgate: Run, place: Path, form: str
) -> None:
    (place / "names.yaml").write_text(POD.replace("name: web", "name: grün"), "utf-8")
    command = [*elfgate("rules", "--help").args[:3], "check", "names.yaml", "--arch", "amd64"]
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    ran = subprocess.run(
        [*command, "-o", form],
        capture_output=True,
        cwd=place,
        env=bare | {"PYTHONUTF8": "0", "HOME": str(place)},
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ("gr\\xfcn" if form == "text" else "grün") in ran.stdout.decode()


def test_a_working_directory_that_somebody_has_removed_is_no_bug(
    elfgate: Run, place: Path, tmp_path: Path
) -> None:
    command = [*elfgate("rules", "--help").args[:3], "check", str(place / "pod.yaml")]
    (tmp_path / "gone").mkdir()
    ran = subprocess.run(
        ["bash", "-c", 'rmdir ../gone; "$@"', "-", *command, "--arch", "amd64", "-o", "sarif"],
        capture_output=True,
        text=True,
        cwd=tmp_path / "gone",
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_platform_is_understood_in_capitals(elfgate: Run) -> None:
    ran = elfgate("scan", "oci:layout:2-debian", "--platform", "LINUX/X86_64")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "linux/amd64  starts" in ran.stdout
