"""Scripts and files meant to take long, or to break whoever reads them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.linkage.kernel.shebang import shebang
from elfgate.linkage.work import MOST
from support import tarball
from support.counted import Counted, counted
from support.image import alpine, debian, glibc_program, library, musl_program, start

ENV = {"PATH": "/bin", "a": "b c", "e": ""}
KIB64 = 65536
CALLS = (
    20  # of functions that a unit of work may stand for, a quarter more than any script here needs
)
BESIDE = 50_000  # calls that cost nothing: those of reading the image, and of a script that is not followed
LAST = 2_000  # units by which the last step may go past the budget: the elements of a list
LONG = {
    "negations": "! " * (KIB64 // 2),
    "substitutions": "$(" * (KIB64 // 2) + ")" * 10,
    "closed substitutions": "a $(" * 9000 + ")" * 9000,
    "groups": "{ " * (KIB64 // 2),
    "subshells": "(" * KIB64,
    "conditions": "if " * (KIB64 // 3),
    "functions": "f() " * (KIB64 // 4),
    "brackets": "[" * KIB64,
    "one word": "x" * KIB64,
    "quotes": "'" * (KIB64 - 1),
    "many commands": "a\n" * (KIB64 // 2),
    "chains": "a && " * (KIB64 // 5) + "a",
    "here-documents": "cat <<E\n" * (KIB64 // 8),
    "expansions": "${1" * (KIB64 // 3),
    "backslashes": "\\" * KIB64,
    "many substitutions": "a=$(b)\n" * (KIB64 // 7),
    "assignments in one line": " ".join(f"a{number}=" for number in range(8000)),
    "names to export": "export" + "".join(f" a{number}=" for number in range(8000)),
    "variables of a function": "f() { local" + "".join(f" a{n}=" for n in range(7000)) + "; }; f",
    "programs in a pipe": "a" + "|a" * (KIB64 // 2 - 1),
    "files that are written": "".join(f">/a{number}\n" for number in range(7000)),
    "directories that are made": "mkdir -p" + "".join(f" /a{number}" for number in range(7000)),
    "words of a test": "[ " + "! " * (KIB64 // 2 - 4) + "a ]",
    "arguments": "set -- " + "a " * (KIB64 // 2 - 5),
    "braces": "echo {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}\n" * (KIB64 // 36),
}


def paid(work: Counted) -> bool:
    """Tell whether a prediction has kept to the budget, and has done nothing to speak of that it has not paid."""
    return work.units <= MOST + LAST and work.calls <= BESIDE + CALLS * work.units


@pytest.mark.parametrize("what", LONG)
def test_no_script_costs_more_than_is_paid_for_it(what: str) -> None:
    files = {**alpine(), "s": tarball.program(f"#!/bin/sh\n{LONG[what]}")}
    with counted() as work:
        start(files, "/s", "x", "y", env=ENV)
    assert paid(work), work


def test_a_text_of_the_command_line_is_paid_for_too() -> None:
    with counted() as work:
        start(alpine(), "sh", "-c", LONG["many commands"], env=ENV)
    assert paid(work), work
    assert work.units > MOST / 2


WIDE = {
    "undecided conditions": 'if grep a b; then x="$x1"; else y="$RANDOM$x"; fi\n' * 200,
    "loops within loops": "while grep a b; do " * 12 + "i=$RANDOM" + "; done" * 12,
    "calls of itself": 'f() { f "$@" || f; }\nf',
    "programs that are itself": '/s "$@"\n' * 50,
    "growing values": 'a=b\nwhile grep a b; do a="$a$a"; done\n' * 20,
    "growing arguments": 'while :; do set -- a "$@" "$@"; done\n',
    "patterns": f"case {'a' * 3000} in {'*a' * 1000}b) ;; esac\n",
    "patterns to strip": f'x={"a" * 9000}\ny="${{x%%{"*a" * 30}b}}"\n',
    "words that are split": f"x='{'a ' * 1900}'\n" + "set -- $x\n" * 3000,
    "lists that are copied": f"a=({'x ' * 1900})\n" + 'b=("${a[@]}")\n' * 1500,
    "loops that count": "i=0\nwhile [ $i -lt 999 ]; do i=$((i+1)); done\n" * 50,
    "options in one word": f"set -- -{'a' * 30_000}\nwhile getopts a o; do :; done\n",
}


@pytest.mark.parametrize("what", WIDE)
def test_no_script_goes_more_ways_than_are_paid_for(what: str) -> None:
    files = {
        **alpine(),
        "bin/bash": musl_program(),
        "s": tarball.program(f"#!/bin/bash\n{WIDE[what]}"),
        "bin/grep": musl_program(),
    }
    with counted() as work:
        start(files, "/s", "x", "y", env=ENV)
    assert paid(work), work


def test_setting_a_variable_is_paid_by_how_many_there_are() -> None:
    """Each change copies the variables: a copy is one step of the interpreter, however long it takes."""

    def units(count: int) -> int:
        script = "".join(f"a{number}=\n" for number in range(count))
        with counted() as work:
            start({**alpine(), "s": tarball.program(f"#!/bin/sh\n{script}")}, "/s", env=ENV)
        return work.units

    few, many = units(750), units(1500)
    assert many > 2.3 * few


TEXT = st.text(
    alphabet=st.sampled_from(" \n\t;&|()<>{}'\"\\$`#!=[]*?~-1@axifthenelsexecdoneset"), max_size=200
)


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert start(
        {**alpine(), "s": tarball.program(f"#!/bin/sh\n{text}")}, "/s", "x", env=ENV
    ).argv == ("/s", "x")
    assert start(alpine(), "sh", "-c", text, env=ENV).argv == ("sh", "-c", text)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_first_line_is_read_without_an_error(data: bytes) -> None:
    line = shebang(b"#!" + data)
    assert line is None or "\n" not in line.interpreter


PROGRAMS = {
    "glibc": glibc_program(needed=["libfoo.so", "libc.so.6"]),
    "musl": musl_program(needed=["libfoo.so"]),
}
FOO = library(
    "libfoo.so",
    undefined=["puts"],
    version_needs={"libc.so.6": ["GLIBC_2.17"]},
    needed=["libc.so.6"],
)


@pytest.mark.parametrize("libc", PROGRAMS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_spoilt_file_is_an_error(libc: str, data: st.DataObject) -> None:
    base = debian() if libc == "glibc" else alpine()
    files = {**base, "app": PROGRAMS[libc], "lib/libfoo.so": FOO}
    sound = {
        name: file.data
        for name, file in files.items()
        if isinstance(file, tarball.Item) and file.data
    }
    path = data.draw(st.sampled_from(list(sound)))
    content = bytearray(sound[path])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    spoilt = bytes(
        content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    )
    prediction = start({**files, path: tarball.program(spoilt)}, "/app")
    assert all("\n" not in finding.message for finding in prediction.findings)


def test_a_name_with_control_characters_stays_on_one_line() -> None:
    program = glibc_program(needed=["lib\nfoo.so\x1b[31m", "libc.so.6"])
    message = start({**debian(), "app": program}, "/app").findings[0].message
    assert message.isprintable()
