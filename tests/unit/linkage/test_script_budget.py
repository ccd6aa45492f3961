"""What scripts may cost: all of a prediction together, and the memory for what was read of them."""

import time
from dataclasses import fields, replace
from typing import Any

import pytest

from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.readings import Readings
from elfgate.linkage.shell.state import FAILURE, UNSURE, State
from elfgate.linkage.shell.words import NotUnderstoodError
from support import tarball
from support.image import alpine, glibc_program, musl_program, start, static_program

ENV = {"PATH": "/bin"}


def test_scripts_that_start_others_have_one_budget() -> None:
    loops = "for i in a b c d e f g h; do " * 6 + "x=$i" + "; done" * 6
    slow = {f"s{number}": tarball.program(f"#!/bin/sh\n{loops}\n") for number in range(90)}
    first = "".join(f"/s{number}\n" for number in range(90))
    began = time.process_time()
    start({**alpine(), **slow, "s": tarball.program(f"#!/bin/sh\n{first}")}, "/s", env=ENV)
    assert time.process_time() - began < 1.0


def test_a_script_beyond_the_budget_is_no_reason_to_refuse() -> None:
    loops = "for i in a b c d e f g h; do " * 6 + "x=$i" + "; done" * 6
    script = tarball.program(f'#!/bin/sh\n{loops}\nexec "$@"\n')
    broken = glibc_program(interp="/lib/nowhere.so")
    assert (
        start({**alpine(), "s": script, "bin/x": broken}, "/s", "x", env=ENV).outcome
        is Outcome.UNKNOWN
    )
    assert (
        start({**alpine(), "s": script, "bin/x": musl_program()}, "/s", "x", env=ENV).outcome
        is Outcome.STARTS
    )


def test_a_file_with_a_nul_is_no_text_to_read_commands_from() -> None:
    """Shells drop NULs, end there or refuse the file, each in its own way."""
    files = {
        **alpine(),
        "s": tarball.program("#!/bin/sh\n. /lib/functions\nexec /bin/x\n"),
        "bin/x": musl_program(),
    }
    missing = files | {"lib/functions": tarball.text("set -e\n/bin/missing\0\n")}
    assert start(missing, "/s", env=ENV).outcome is Outcome.STARTS
    assert (
        start(files | {"lib/functions": static_program()}, "/s", env=ENV).outcome is Outcome.STARTS
    )


def test_what_cannot_be_read_is_not_read_again() -> None:
    readings: Readings[str] = Readings()
    calls: list[str] = []

    def refuse(text: str) -> str:
        calls.append(text)
        raise NotUnderstoodError("a quote is not closed")

    for _ in range(2):
        with pytest.raises(NotUnderstoodError, match="a quote is not closed"):
            readings.of("'", refuse)
    assert calls == ["'"]


def test_readings_are_forgotten_when_their_texts_are_long() -> None:
    readings: Readings[int] = Readings()
    calls: list[str] = []

    def measure(text: str) -> int:
        calls.append(text)
        return len(text)

    texts = [letter * 60_000 for letter in "abcde"]
    assert [readings.of(text, measure) for text in [*texts, texts[4], texts[0]]] == [60_000] * 7
    assert calls == [*texts, texts[0]]


def test_a_state_keeps_all_else_when_its_status_or_a_variable_is_set() -> None:
    values: dict[str, Any] = {field.name: object() for field in fields(State)}
    state = State(**{**values, "variables": {}, "fixed": frozenset({"y"}), "status": FAILURE})
    assert state.ended(UNSURE) == replace(state, status=UNSURE)
    assert state.setting("x", "1") == replace(state, variables={"x": "1"})
