"""``#!`` lines: Linux fs/binfmt_script.c. T marks what was also seen in real starts."""

import pytest

from elfgate.linkage.kernel.shebang import Shebang, shebang
from elfgate.linkage.report import Code, Outcome
from support import tarball
from support.image import failures, start, static_program, words

LONGEST = "/" + "x" * 252  # 253 bytes: with "#!" and the newline, all of the kernel's 256


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"#!/bin/sh\n", Shebang("/bin/sh", None)),
        (b"#! \t /bin/sh -e \t\n", Shebang("/bin/sh", "-e")),
        (b"#!/usr/bin/env sh -e\nexec", Shebang("/usr/bin/env", "sh -e")),
        (b"#!/bin/sh\r\n", Shebang("/bin/sh\r", None)),
        (b"#!/bin/sh", Shebang("/bin/sh", None)),
        (b"#!/bin/sh ", Shebang("/bin/sh", "")),
        (b"#!/bin/sh \t\0\n", Shebang("/bin/sh", "")),
        (b"#!/bin/sh\0 -e\n", Shebang("/bin/sh", None)),
        (b"#!/bin/sh -e\0x\n", Shebang("/bin/sh", "-e")),
        (b"#!\n", None),
        (b"#!   \n", None),
        (b"#!", Shebang("", None)),
        (b"#!" + LONGEST.encode() + b"\n", Shebang(LONGEST, None)),
        (b"#!" + b"/" + b"x" * 253 + b"\n", None),
        (b"#!" + b"/" + b"x" * 300 + b"\n", None),
        (b"#!" + b" " * 300, None),
        (b"#!/bin/sh " + b"a" * 300 + b"\n", Shebang("/bin/sh", "a" * 245)),
    ],
)
def test_the_first_line_is_read_as_the_kernel_reads_it(
    line: bytes, expected: Shebang | None
) -> None:
    assert shebang(line[:256]) == expected


def scripts(count: int) -> dict[str, tarball.Item]:
    """So many scripts, each the interpreter of the one before; the last is run by a program."""
    files = {f"s{number}": tarball.program(f"#!/s{number + 1}\n") for number in range(count - 1)}
    return {
        **files,
        f"s{count - 1}": tarball.program("#!/bin/true\n"),
        "bin/true": static_program(),
    }


def test_a_script_starts_if_its_interpreter_does() -> None:
    assert start(scripts(1), "/s0").outcome is Outcome.STARTS


def test_five_scripts_deep_starts_and_six_does_not() -> None:
    """T: exec.c, ``depth > 5``."""
    assert start(scripts(5), "/s0").outcome is Outcome.STARTS
    assert failures(start(scripts(6), "/s0")) == [Code.SCRIPT_INTERPRETER_MISSING]


def test_a_script_that_is_its_own_interpreter_ends_in_a_loop() -> None:
    assert failures(start({"s": tarball.program("#!/s\n")}, "/s")) == [
        Code.SCRIPT_INTERPRETER_MISSING
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("echo hello\n", Code.EXEC_FORMAT),
        ("", Code.EXEC_FORMAT),
        ("# !/bin/sh\n", Code.EXEC_FORMAT),
        ("\ufeff#!/bin/true\n", Code.EXEC_FORMAT),
        ("#!/bin/missing\n", Code.SCRIPT_INTERPRETER_MISSING),
        ("#!/bin\n", Code.SCRIPT_INTERPRETER_MISSING),
        ("#!/etc/data\n", Code.SCRIPT_INTERPRETER_MISSING),
        ("#!/etc/data/sh\n", Code.SCRIPT_INTERPRETER_MISSING),
        ("#!/bin/true\r\n", Code.SCRIPT_INTERPRETER_MISSING),
        ("#!", Code.SCRIPT_INTERPRETER_MISSING),
        ("#!/bin/foreign\n", Code.EXEC_FORMAT),
        ("#!/bin/text\n", Code.EXEC_FORMAT),
    ],
)
def test_what_keeps_a_script_from_starting_has_its_code(content: str, code: Code) -> None:
    files = {
        "s": tarball.program(content),
        "etc/data": tarball.text("x"),
        "bin/true": static_program(),
        "bin/foreign": static_program("s390x"),
        "bin/text": tarball.program("text"),
    }
    assert failures(start(files, "/s")) == [code]


def test_a_carriage_return_is_pointed_out() -> None:
    prediction = start({"s": tarball.program("#!/bin/sh\r\n"), "bin/sh": static_program()}, "/s")
    assert "carriage return" in words(prediction)


def test_a_relative_interpreter_is_meant_from_the_working_directory() -> None:
    """T."""
    files = {"s": tarball.program("#!bin/true\n"), "srv/bin/true": static_program()}
    assert start(files, "/s", working_dir="/srv").outcome is Outcome.STARTS
    assert failures(start(files, "/s")) == [Code.SCRIPT_INTERPRETER_MISSING]


def test_a_script_without_an_execute_bit_is_not_executable() -> None:
    """T."""
    files = {"s": tarball.text("#!/bin/true\n"), "bin/true": static_program()}
    assert failures(start(files, "/s")) == [Code.COMMAND_NOT_EXECUTABLE]
