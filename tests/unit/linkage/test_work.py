"""The work that a prediction may cost: counted, so that a verdict does not depend on the machine."""

import time
from collections.abc import Callable

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Outcome
from elfgate.linkage.work import MOST, Work, WorkExhaustedError
from elfgate.platforms import Platform
from support.image import Files, alpine, debian, glibc_program, lib, library, musl_program, tree

LIBRARIES = [f"lib{number}.so" for number in range(20)]
LAST = "libzlast.so"
MANY = ":".join(f"/{number}" for number in range(20_000))  # as much as the kernel passes on
AMD64 = Platform.parse("linux/amd64")


def glibc_image() -> Files:
    libraries = {lib("amd64", name): library(name) for name in LIBRARIES}
    return {
        **debian(),
        **libraries,
        "app/p": glibc_program(needed=[*LIBRARIES, "libc.so.6"]),
        "usr/bin/p": glibc_program(),
    }


def musl_image() -> Files:
    libraries = {f"usr/lib/{name}": library(name) for name in LIBRARIES}
    return {**alpine(), **libraries, "app/p": musl_program(needed=LIBRARIES)}


def cost(
    files: Files, command: str, env: dict[str, str], units: int = MOST
) -> tuple[Outcome, UnknownReason | None, int, float]:
    """The outcome, why it is not known, the units that it took, and seconds of CPU time."""
    work, root = Work(units), tree(files)
    defaults, overrides = ImageDefaults(entrypoint=(command,)), Overrides(env=env)
    before = time.process_time()
    prediction = predict(root, defaults, overrides, AMD64, work=work)
    seconds = time.process_time() - before
    reason = next((finding.reason for finding in prediction.findings), None)
    return prediction.outcome, reason, units - work.left, seconds


@pytest.mark.parametrize("image", [glibc_image, musl_image])
def test_an_ordinary_start_takes_a_small_part_of_it(image: Callable[[], Files]) -> None:
    outcome, _, units, _ = cost(image(), "/app/p", {})
    assert outcome is Outcome.STARTS
    assert 100 < units < MOST / 20


def test_a_program_of_two_hundred_libraries_takes_less_than_half_of_it() -> None:
    """ffmpeg of Debian 12 needs 213, which take 22,600 symbols from one another."""
    names = [f"lib{number}.so" for number in range(200)]
    symbols = [f"a_function_of_many_{number}" for number in range(100)]
    taking = {
        lib("amd64", name): library(name, needed=[LAST, "libc.so.6"], undefined=symbols)
        for name in names
    }
    files: Files = {
        **debian(),
        **taking,
        lib("amd64", LAST): library(LAST, defined=symbols),
        "app/p": glibc_program(needed=[*names, "libc.so.6"]),
    }
    outcome, _, units, _ = cost(files, "/app/p", {})
    assert outcome is Outcome.STARTS
    assert units < MOST / 2


HOSTILE = {
    "a long PATH": (glibc_image, "nowhere", {"PATH": MANY}),
    "a PATH of nothing": (glibc_image, "nowhere", {"PATH": ":" * 130_000}),
    "a long LD_LIBRARY_PATH": (glibc_image, "/app/p", {"LD_LIBRARY_PATH": MANY}),
    "a long LD_LIBRARY_PATH of musl": (musl_image, "/app/p", {"LD_LIBRARY_PATH": MANY}),
    "any number of variables": (glibc_image, "/app/p", {f"{n}": "" for n in range(200_000)}),
    "a PATH through dots": (glibc_image, "nowhere", {"PATH": ("/." * 5 + ":") * 11_000}),
}


@pytest.mark.parametrize(("image", "command", "env"), HOSTILE.values(), ids=list(HOSTILE))
def test_what_a_pod_asks_beyond_it_is_unknown(
    image: Callable[[], Files], command: str, env: dict[str, str]
) -> None:
    outcome, reason, _, seconds = cost(image(), command, env)
    assert (outcome, reason) == (Outcome.UNKNOWN, UnknownReason.LIMIT_EXCEEDED)
    assert seconds < 4e-6 * MOST  # a unit is about a microsecond, and never more than four


def test_a_prediction_costs_the_same_the_second_time() -> None:
    first, second = (cost(glibc_image(), "/app/p", {})[2] for _ in range(2))
    assert first == second


def test_work_that_is_exhausted_ends_a_prediction() -> None:
    outcome, reason, _, _ = cost(glibc_image(), "/app/p", {}, units=50)
    assert (outcome, reason) == (Outcome.UNKNOWN, UnknownReason.LIMIT_EXCEEDED)


def test_what_is_done_once_is_paid_once() -> None:
    work = Work(10)
    for _ in range(3):
        work.spend_once("a file", 6)
    assert work.left == 4
    with pytest.raises(WorkExhaustedError):
        work.spend_once("another", 5)
