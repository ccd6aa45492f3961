"""What a prediction reads of a pod's variables is all that it turns on."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.reads import MOST_CHARACTERS, MOST_NAMES, Reads, reduced
from elfgate.linkage.report import Outcome, Prediction
from elfgate.linkage.unpacked import predict_unpacked
from elfgate.platforms import Platform
from support.image import alpine, debian, static_program, tree
from support.starts import KNOWN, STARTING, Case, script
from support.tarball import program

BASH = {
    **debian(),
    "bin/bash": static_program(),
    "app/p": static_program(),
    "run.sh": program("#!/bin/bash\nset -- ${!OPTION_*}\n[ $# = 0 ] && exec /app/p\nexec /none\n"),
}
DECIDING: Mapping[str, Case] = {
    "a script's mode": Case(
        script('case "$MODE" in a) exec /none;; *) exec /app/p;; esac'), ("/run.sh",)
    ),
    "another variable for each mode": Case(
        script('if [ "$MODE" = a ]; then exec $A; fi; exec ${B:-/app/p}'), ("/run.sh",)
    ),
    "a variable that is set before": Case(
        script("MODE=/app/p; export MODE; exec $MODE"), ("/run.sh",)
    ),
    "variables that begin so": Case(BASH, ("/run.sh",)),
    "no variable": Case({**alpine(), "app/p": static_program()}, ("/usr/bin/env", "-i", "/app/p")),
}
FEW = 30  # of each way to start
CASES = {**STARTING, **DECIDING}
NAMES = [
    "MODE",
    "A",
    "B",
    "PROGRAM",
    "OPTION_0",
    "OPTION_1",
    "PATH",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
]
NAMES += ["LD_DEBUG", "GLIBC_TUNABLES", "PWD", "IFS", "BASH_ENV", "BASH_FUNC_x", "HOME"]
VALUES = st.sampled_from(["", "a", "b", "/app/p", "/none", "/opt", "/bin:/app", "/opt/pre.so", "1"])
VARIABLES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
UNKNOWN = st.frozensets(st.sampled_from([*NAMES, "*"]), max_size=2)


TREES = {id(case): tree(case.files) for case in CASES.values()}


def predicted(case: Case, overrides: Overrides) -> tuple[Prediction, frozenset[str]]:
    reads = Reads()
    image = ImageDefaults(entrypoint=tuple(case.command))
    amd64 = Platform.parse("amd64")
    prediction = predict_unpacked(TREES[id(case)], image, overrides, amd64, KNOWN, reads=reads)
    return prediction, reads.told()


def of(case: Case, env: Mapping[str, str], **more: Any) -> Overrides:
    own = dict(case.overrides)
    return Overrides(**{**own, "env": {**own.get("env", {}), **env}, **more})


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=FEW, deadline=None)
@given(env=VARIABLES, unknown=UNKNOWN)
def test_variables_that_are_not_read_make_no_difference(
    name: str, env: dict[str, str], unknown: frozenset[str]
) -> None:
    overrides = of(CASES[name], env, unknown_env=unknown)
    prediction, reads = predicted(CASES[name], overrides)
    fewer = reduced(overrides, reads)
    assert fewer is None or predicted(CASES[name], fewer) == (prediction, reads)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=FEW, deadline=None)
@given(one=VARIABLES, other=VARIABLES)
def test_pods_alike_in_what_is_read_come_to_the_same_end(
    name: str, one: dict[str, str], other: dict[str, str]
) -> None:
    case = CASES[name]
    mine, theirs = of(case, one), of(case, other)
    prediction, reads = predicted(case, mine)
    alike = reduced(mine, reads)
    if alike is not None and alike == reduced(theirs, reads):
        assert predicted(case, theirs) == (prediction, reads)


def test_a_program_reads_neither_options_nor_secrets() -> None:
    overrides = Overrides(env={"OPTION": "1"}, unknown_env=frozenset({"SECRET"}))
    _, reads = predicted(STARTING["glibc"], overrides)
    assert reduced(overrides, reads) == Overrides()


def test_a_variable_that_decides_is_read() -> None:
    case = DECIDING["a script's mode"]
    fails, reads = predicted(case, Overrides(env={"MODE": "a"}))
    assert fails.outcome is Outcome.CANNOT_START
    assert "MODE" in reads


@pytest.mark.parametrize(
    "env",
    [
        {f"X{number}": "" for number in range(MOST_NAMES + 1)},
        {"X": "x" * MOST_CHARACTERS},
    ],
    ids=["their number", "their length"],
)
def test_many_variables_matter_by(env: dict[str, str]) -> None:
    assert reduced(Overrides(env=env), frozenset()) is None


def test_all_variables_matter_to_a_command_line_that_is_nearly_too_long() -> None:
    overrides = Overrides(args=("x" * 30_000,))
    _, reads = predicted(STARTING["static"], overrides)
    assert reduced(overrides, reads) is None
