"""Manifests read by a process beside: nobody can tell, but for the time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from elfgate.cli.ahead import _MIN_BYTES
from elfgate.cli.manifests import manifests
from elfgate.errors import InputError

# In a process of its own, as one that has threads is not to be forked. It says whether there is one beside, too.
READ = """
import os, sys
from pathlib import Path
from elfgate.cli.ahead import read_ahead
from elfgate.errors import InputError

BEFORE
try:
    with read_ahead(sys.argv[1:]) as found:
        beside = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        print(len(beside))
        MEANWHILE
        for manifest in found:
            print(manifest)
except InputError as error:
    print(repr(error), error)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("and nobody is left")
"""

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="one core reads all itself"
)


def read(
    *files: Path, before: str = "", meanwhile: str = "", stdin: bytes | None = None
) -> list[str]:
    script = READ.replace("BEFORE", before).replace("MEANWHILE", meanwhile)
    words = [str(file) for file in files] if stdin is None else ["-"]
    command = [sys.executable, "-c", script, *words]
    ran = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=True)
    *told, last = ran.stdout.decode().splitlines()
    assert last == "and nobody is left"
    return told


def pods(count: int) -> str:
    return "".join(
        f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\nspec: {{}}\n"
        for number in range(count)
    )


@pytest.fixture
def long(tmp_path: Path) -> Path:
    file = tmp_path / "long.yaml"
    file.write_text(pods(1 + _MIN_BYTES // len(pods(1))))
    return file


def test_long_files_are_read_by_a_process_beside(long: Path) -> None:
    assert read(long) == ["1", *map(str, manifests([str(long)]))]


def test_a_pipe_may_be_long(long: Path) -> None:
    told = read(stdin=long.read_bytes())

    assert told == [line.replace(str(long), "standard input") for line in read(long)]


def test_short_files_are_not_worth_a_process(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(pods(3))

    assert read(tmp_path / "short.yaml") == [
        "0",
        *map(str, manifests([str(tmp_path / "short.yaml")])),
    ]


@pytest.mark.parametrize(
    "before",
    [
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})",
        "os.fork = lambda: os.open('nowhere', 0)",
    ],
    ids=["one core", "no process to be had"],
)
def test_without_a_process_beside_all_is_the_same(long: Path, before: str) -> None:
    assert read(long, before=before) == ["0", *read(long)[1:]]


def test_what_is_wrong_is_said_in_the_same_words(long: Path) -> None:
    with long.open("a") as file:
        file.write("--- not: [closed\n")

    with pytest.raises(InputError) as raised:
        list(manifests([str(long)]))
    assert read(long) == ["1", f"{raised.value!r} {raised.value}"]


def test_values_of_any_depth_come_across(tmp_path: Path) -> None:
    filling = "x" * _MIN_BYTES
    nested = "[" * 1000 + "]" * 1000
    (tmp_path / "deep.json").write_text(
        f'{{"kind": "Pod", "filling": "{filling}", "nested": {nested}}}'
    )

    assert read(tmp_path / "deep.json", before="sys.setrecursionlimit(5000)")[1].count("[") == 1000


def test_a_process_that_ends_early_is_an_error(long: Path) -> None:
    message = "the process that reads the manifests ended before it was done"

    assert read(long, meanwhile="os.kill(int(beside[0]), 9)") == [
        "1",
        f"InputError({message!r}) {message}",
    ]


def test_whoever_gives_up_waits_for_nobody(long: Path) -> None:
    assert read(long, meanwhile="raise InputError('enough')") == [
        "1",
        "InputError('enough') enough",
    ]
