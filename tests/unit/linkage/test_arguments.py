"""What execve passes on: Linux fs/exec.c. T marks what was also seen in real starts."""

from typing import Any

import pytest

from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Code, Outcome
from elfgate.platforms import Platform
from support.image import failures, start, static_program, tree

STRING = 32 * 4096  # bytes that the kernel takes of one string, its NUL included


@pytest.mark.parametrize(
    "overrides",
    [
        {"env": {"PATH": "/" * STRING}},
        {"env": {"X" * STRING: ""}},
        {"env": {"X": "é" * (STRING // 2)}},
        {"args": ("x" * STRING,)},
        {"env": {f"X{number}": "x" * 100_000 for number in range(63)}},
    ],
    ids=["PATH", "a name", "letters of two bytes", "an argument", "all of it"],
)
def test_what_no_kernel_passes_on_cannot_start(overrides: dict[str, Any]) -> None:
    """T: E2BIG."""
    prediction = start({"app": static_program()}, "/app", **overrides)
    assert failures(prediction) == [Code.ARGUMENTS_TOO_LONG]


def test_the_longest_string_that_is_passed_on_starts() -> None:
    """T."""
    longest: dict[str, Any] = {"env": {"X": "x" * (STRING - 3)}, "args": ("x" * (STRING - 1),)}
    assert start({"app": static_program()}, "/app", **longest).outcome is Outcome.STARTS


def test_what_only_some_stacks_have_room_for_is_unknown() -> None:
    much = {f"X{number}": "x" * 100_000 for number in range(30)}
    assert start({"app": static_program()}, "/app", env=much).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("page_size", "outcome"),
    [(4096, Outcome.CANNOT_START), (65536, Outcome.STARTS), (None, Outcome.UNKNOWN)],
)
def test_larger_pages_pass_longer_strings_on(page_size: int | None, outcome: Outcome) -> None:
    app, node = static_program("arm64"), NodeFacts(page_size=page_size)
    prediction = start({"app": app}, "/app", on="arm64", node=node, env={"X": "x" * STRING})
    assert prediction.outcome is outcome


def test_a_long_value_that_another_source_may_replace_is_unknown() -> None:
    files = {"app": static_program()}
    image = ImageDefaults(entrypoint=("/app",), env={"X": "x" * STRING})
    replaced = Overrides(unknown_env=frozenset("*"))
    amd64 = Platform.parse("amd64")
    assert predict(tree(files), image, Overrides(), amd64).outcome is Outcome.CANNOT_START
    assert predict(tree(files), image, replaced, amd64).outcome is Outcome.UNKNOWN
