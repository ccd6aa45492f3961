"""The work that scripts may cost: all of a prediction together, and the memory of parsed scripts."""

from typing import Any

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.state import Flow
from elfgate.linkage.shell.syntax.dialect import BASH, DASH, Dialect
from elfgate.linkage.shell.syntax.parser import parse
from elfgate.linkage.shell.values import FAILURE
from elfgate.linkage.work import MOST, Work
from support import tarball
from support.counted import counted
from support.image import alpine, musl_program, start, static_program

ENV = {"PATH": "/bin"}


def test_scripts_that_start_others_have_one_budget() -> None:
    loops = "for i in a b c d e f g h; do " * 6 + "x=$i" + "; done" * 6
    slow = {f"s{number}": tarball.program(f"#!/bin/sh\n{loops}\n") for number in range(90)}
    first = "".join(f"/s{number}\n" for number in range(90))
    with counted() as work:
        start({**alpine(), **slow, "s": tarball.program(f"#!/bin/sh\n{first}")}, "/s", env=ENV)
    assert MOST < work.units < 1.01 * MOST


def test_a_script_beyond_the_budget_is_unknown_whatever_it_starts() -> None:
    commands = "x=$y\n" * 9000
    script = tarball.program(f'#!/bin/sh\n{commands}\nexec "$@"\n')
    prediction = start({**alpine(), "s": script, "bin/x": musl_program()}, "/s", "y", env=ENV)
    assert prediction.outcome is Outcome.UNKNOWN
    assert prediction.findings[0].reason is UnknownReason.LIMIT_EXCEEDED


def test_a_text_behind_the_program_that_takes_its_place_costs_nothing() -> None:
    script = "exec x\n" + "y\n" * 500_000
    files = {**alpine(), "bin/x": musl_program()}
    assert start(files, "sh", "-c", script[:100_000], env=ENV).outcome is Outcome.STARTS


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


def test_a_text_is_parsed_once_for_each_dialect() -> None:
    assert parse("a; b", DASH) is parse("a; b", DASH)
    assert parse("a; b", DASH) is not parse("a; b", BASH)


def test_what_was_parsed_costs_as_much_the_second_time() -> None:
    first, second = Work(), Work()
    for work in (first, second):
        parse("echo one two three\n", BASH).command(0, work.spend_once)
    assert first.left == second.left < Work().left


@pytest.mark.parametrize("dialects", [(BASH, BASH), (BASH, DASH)])
def test_a_text_that_two_shells_read_costs_as_much_the_second_time(
    dialects: tuple[Dialect, Dialect],
) -> None:
    first, second = Work(), Work()
    for work in (first, second):
        for dialect in dialects:
            parse("echo one two three four\n", dialect).command(0, work.spend_once)
    assert first.left == second.left < Work().left


def test_parsed_scripts_are_forgotten_when_their_texts_are_long() -> None:
    texts = [f": {letter * 60_000}" for letter in "abcde"]
    first = [parse(text, BASH) for text in texts]
    assert parse(texts[4], BASH) is first[4]
    assert parse(texts[0], BASH) is not first[0]


def test_a_flow_keeps_all_else_when_its_status_is_set() -> None:
    values: dict[str, Any] = {name: object() for name in Flow._fields}
    after = Flow(**values).ended(FAILURE)
    kept = {name: getattr(after, name) for name in values}
    assert kept == {**values, "status": FAILURE}
