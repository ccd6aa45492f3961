"""Commands that surely start another one, or read one: what fails to start there fails the script."""

import pytest

from elfgate.linkage.report import Outcome
from support import tarball
from support.image import alpine, musl_program, start
from support.script_world import FakeWorld, ends

ENV = {"PATH": "/bin"}
TOOLS = ("cat", "echo", "printf", "xargs", "bash")
FAILING = {
    "a shell reads a here-document": "sh <<E\n/none\nE",
    "a shell reads a pipe": "echo /none | sh",
    "a shell reads with options": "sh -s -e <<E\n/none\nE",
    "a shell reads what it is to become": "sh <<E\nexec /none\nE",
    "xargs starts a program": "printf 'a b' | xargs /none",
    "xargs starts a program though it reads nothing": "xargs -0 /none </dev/null",
    "xargs starts a program as there is something": "echo a | xargs -r /none",
    "a substitution can be opened": "/none < <(echo x)",
    "a loop's last command fails": "cat /conf.env | while read l; do /none; done",
}
GOING_ON = {
    "a first command may read the others": "sh <<E\ncat\n/none\nE",
    "a shell has a script": "sh -c : <<E\n/none\nE",
    "a shell reads nothing": "sh </dev/null",
    "xargs has nothing to start a program for": "xargs -r /none </dev/null",
    "xargs may have nothing to start a program for": "xargs -r /none",
    "an option of xargs has an argument": "echo a | xargs -I /none echo",
    "a loop has no turn": "while read l; do /none; done </dev/null",
    "a loop's last turn succeeds": "while read l; do [ $l = b ]; done <<E || exec /none\na\nb\nE",
    "how often a loop turns is not known": "while cat /x; do [ $n ] || n=1; done",
}


def outcome(script: str, shell: str = "bash") -> Outcome:
    files = {
        **alpine(),
        **{f"bin/{name}": musl_program() for name in TOOLS},
        "bin/app": musl_program(),
        "conf.env": "a line\n",
        "s": tarball.program(f"#!/bin/{shell}\nset -e\n{script}\nexec app\n"),
    }
    return start(files, "/s", env=ENV).outcome


@pytest.mark.parametrize("what", FAILING)
def test_what_is_surely_started_fails_the_script(what: str) -> None:
    assert outcome(FAILING[what]) is Outcome.CANNOT_START


@pytest.mark.parametrize("what", GOING_ON)
def test_what_may_not_be_started_fails_nothing(what: str) -> None:
    assert outcome(GOING_ON[what]) is Outcome.STARTS


def test_bash_reads_no_commands_from_a_program() -> None:
    assert outcome(". /bin/app || exec /none") is Outcome.CANNOT_START
    assert outcome(". /bin/app || exec /none", "sh") is not Outcome.CANNOT_START


def test_a_script_that_runs_itself_again_finds_what_it_has_made() -> None:
    again = '[ "$AGAIN" ] || AGAIN=1 exec /s\n'
    made = f"mkdir -p /made\n{again}[ -d /made ] && exec app\nexec /none"
    assert outcome(made, "sh") is not Outcome.CANNOT_START
    assert outcome(f"{again}[ -d /made ] && exec app\nexec /none", "sh") is Outcome.CANNOT_START


def test_what_a_program_is_given_counts_though_its_value_is_not_known() -> None:
    """The same command line twice: of the second, nothing but an unknown value differs."""
    files = {
        **alpine(),
        "bin/app": musl_program(),
        "t": tarball.program('#!/bin/sh\n[ "$A" ] && exec app\nexec /none\n'),
        "s": tarball.program("#!/bin/sh\nexport A=\n/t\nread A\n/t && exec app\nexec /none\n"),
    }
    assert start(files, "/s", env=ENV).outcome is not Outcome.CANNOT_START


def test_what_xargs_starts_and_fails_in_its_loader_does_not_fail_as_xargs_does() -> None:
    world = FakeWorld(
        programs=frozenset({"xargs", "broken"}),
        broken=frozenset({"/bin/broken", "/app/broken"}),
        files={"/app/broken": "x"},
    )
    for name in ("broken", "/app/broken"):
        script = f"printf 'a\\n' | xargs {name} || exec /good\nexec /none"
        assert ("/good",) in ends(script, world)
        assert ("/none",) in ends(script, world)
    assert ends("printf 'a\\n' | xargs nope || exec /good\nexec /none", world) == [("/good",)]
