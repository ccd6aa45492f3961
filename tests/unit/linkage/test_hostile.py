"""Scripts and files meant to take long, or to break whoever reads them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.linkage.conditions import Arguments
from elfgate.linkage.entrypoint import follow_command, follow_script
from elfgate.linkage.shebang import shebang
from support import tarball
from support.image import alpine, debian, glibc_program, library, musl_program, start

GIVEN = Arguments("/s", ("x", "y"), {"PATH": "/bin", "a": "b c", "e": ""})
KIB64 = 65536
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
    began = time.process_time()
    follow_script(LONG[what], GIVEN)
    follow_command(LONG[what], GIVEN)
    assert time.process_time() - began < 1.0


TEXT = st.text(alphabet=st.sampled_from(" \n\t;&|()<>{}'\"\\$`#!=[]*?~-1@axifthenelsexecdoneset"), max_size=200)


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_without_an_error(text: str) -> None:
    for follow in (follow_script, follow_command):
        reached = follow(text, GIVEN)
        assert reached is None or all(isinstance(word, str) for word in reached.argv)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_first_line_is_read_without_an_error(data: bytes) -> None:
    line = shebang(b"#!" + data)
    assert line is None or "\n" not in line.interpreter


PROGRAMS = {"glibc": glibc_program(needed=["libfoo.so", "libc.so.6"]), "musl": musl_program(needed=["libfoo.so"])}
FOO = library("libfoo.so", undefined=["puts"], version_needs={"libc.so.6": ["GLIBC_2.17"]}, needed=["libc.so.6"])


@pytest.mark.parametrize("libc", PROGRAMS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_spoilt_file_is_an_error(libc: str, data: st.DataObject) -> None:
    base = debian() if libc == "glibc" else alpine()
    files = {**base, "app": PROGRAMS[libc], "lib/libfoo.so": FOO}
    sound = {name: file.data for name, file in files.items() if isinstance(file, tarball.Item) and file.data}
    path = data.draw(st.sampled_from(list(sound)))
    content = bytearray(sound[path])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    spoilt = bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    prediction = start({**files, path: tarball.program(spoilt)}, "/app")
    assert all("\n" not in finding.message for finding in prediction.findings)


def test_a_name_with_control_characters_stays_on_one_line() -> None:
    program = glibc_program(needed=["lib\nfoo.so\x1b[31m", "libc.so.6"])
    message = start({**debian(), "app": program}, "/app").findings[0].message
    assert message.isprintable()
