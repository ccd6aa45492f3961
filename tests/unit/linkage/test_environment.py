"""A variable whose value comes from elsewhere is no text, and nothing is refused that it decides."""

import pytest

from elfgate.linkage.environment import Environment, doubt_of, guess_of
from elfgate.linkage.report import Code, Outcome
from elfgate.linkage.values import UNSET, Unknown
from support.image import Files, debian, failures, glibc_program, start, static_program
from support.tarball import program

LAZY = {**debian(), "app": glibc_program(undefined=[("gone", "lazy")])}
SHORT = {**debian(), "app": glibc_program(needed=["libgone.so", "libc.so.6"])}
SCRIPT = {
    "bin/bash": static_program(),
    "app": program("#!/bin/bash\nexec /none\n"),
}


def test_what_is_taken_for_a_text_without_asking_does_not_pass_the_type_checker() -> None:
    """mypy calls a ``type: ignore`` that it does not need an error."""
    env = Environment.of({"PATH": "/bin"}, frozenset({"PATH"}), frozenset())
    value = env.get("PATH")
    with pytest.raises(AttributeError):
        value.split(":")  # type: ignore[union-attr]
    with pytest.raises(TypeError):
        value + ":/app"  # type: ignore[operator]


def test_a_value_that_a_config_map_may_replace_is_a_guess() -> None:
    env = Environment.of({"A": "1", "B": "2"}, frozenset({"*"}), frozenset({"B"}))
    assert isinstance(env.get("A"), Unknown)
    assert guess_of(env.get("A")) == "1"
    assert doubt_of(env.get("A")) is not None
    assert env.get("B") == "2"
    assert isinstance(env.get("C"), Unknown)


def test_a_variable_that_a_wrapper_sets_or_removes_is_known_from_then_on() -> None:
    env = Environment.of({"A": "1"}, frozenset({"*", "B"}), frozenset())
    changed = env.having({"A": "3", "B": UNSET, "C": UNSET})
    assert (changed.get("A"), changed.get("B"), changed.get("C")) == ("3", UNSET, UNSET)


@pytest.mark.parametrize(
    ("files", "name", "value", "code"),
    [
        (LAZY, "LD_BIND_NOW", "1", Code.SYMBOL_MISSING),
        (SHORT, "LD_TRACE_LOADED_OBJECTS", "", Code.LIBRARY_MISSING),
        (SHORT, "LD_DEBUG", "", Code.LIBRARY_MISSING),
        (SCRIPT, "BASH_ENV", "", Code.COMMAND_MISSING),
    ],
)
def test_a_variable_that_decides_and_comes_from_elsewhere_refuses_nothing(
    files: Files, name: str, value: str, code: Code
) -> None:
    settings = {name: value} if value else {}
    known = start(files, "/app", env=settings)
    assert failures(known) == [code]
    unknown = start(files, "/app", env=settings, unknown_env=frozenset({name}))
    assert unknown.outcome is not Outcome.CANNOT_START
