"""Scripts and files meant to take long, or to break whoever reads them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.linkage.kernel.shebang import shebang
from support import tarball
from support.image import alpine, debian, glibc_program, library, musl_program, start

ENV = {"PATH": "/bin", "a": "b c", "e": ""}
KIB64 = 65536
# Seconds of CPU, twenty times what the budget of work takes: what is worse than linear takes minutes.
ENDLESS = 10.0
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
}


@pytest.mark.parametrize("what", LONG)
def test_no_script_takes_long(what: str) -> None:
    files = {**alpine(), "s": tarball.program(f"#!/bin/sh\n{LONG[what]}")}
    began = time.process_time()
    start(files, "/s", "x", "y", env=ENV)
    start(files, "sh", "-c", LONG[what], env=ENV)
    assert time.process_time() - began < ENDLESS


WIDE = {
    "undecided conditions": 'if grep a b; then x="$x1"; else y="$RANDOM$x"; fi\n' * 200,
    "loops within loops": "while grep a b; do " * 12 + "i=$RANDOM" + "; done" * 12,
    "calls of itself": 'f() { f "$@" || f; }\nf',
    "programs that are itself": '/s "$@"\n' * 50,
    "growing values": 'a=b\nwhile grep a b; do a="$a$a"; done\n' * 20,
    "growing arguments": 'while :; do set -- a "$@" "$@"; done\n',
    "patterns": f"case {'a' * 3000} in {'*a' * 1000}b) ;; esac\n",
    "patterns to strip": f'x={"a" * 9000}\ny="${{x%%{"*a" * 30}b}}"\n',
}


@pytest.mark.parametrize("what", WIDE)
def test_no_script_goes_too_many_ways(what: str) -> None:
    files = {
        **alpine(),
        "s": tarball.program(f"#!/bin/sh\n{WIDE[what]}"),
        "bin/grep": musl_program(),
    }
    began = time.process_time()
    start(files, "/s", "x", "y", env=ENV)
    assert time.process_time() - began < ENDLESS


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
