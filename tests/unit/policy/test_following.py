"""A new bundle takes the old one's place only if it is signed, loads and proves itself."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from elfgate.errors import ElfgateError, InputError
from elfgate.policy import bundle
from elfgate.policy.active import ActiveEngine
from elfgate.policy.config import PolicyConfig
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.engine import Engine, EngineError
from elfgate.policy.following import Follower
from support.documents import proved

if TYPE_CHECKING:
    from collections.abc import Iterator

STRICT = bundle.load(config=PolicyConfig(require="all"))


def allows_all() -> bundle.Bundle:
    rego = """package elfgate.main
verdict := {"version": 1, "revision": data.elfgate.revision, "allowed": true, "denials": [], "warnings": []}
"""
    return bundle.Bundle({"main.rego": rego}, bundle.load().data, bundle.load().revision)


def follow(*files: bytes | InputError) -> tuple[list[tuple[str, str]], str]:
    """Look once for each file; what was told, and the revision in force at the end."""
    told: list[tuple[str, str]] = []
    coming = iter(files)

    async def fetch() -> bytes:
        file = next(coming)
        if isinstance(file, InputError):
            raise file
        return file

    async def prepare(packed: bytes) -> Engine:
        match packed:
            case b"strict":
                return await proved(STRICT)
            case b"allows all":
                return await proved(allows_all())
            case _:
                raise InputError("the bundle is not signed")

    async def look() -> str:
        active = ActiveEngine(EmbeddedEngine(bundle.load()))
        follower = Follower(
            active,
            fetch=fetch,
            prepare=prepare,
            told=lambda result, what: told.append((result, what)),
            seconds=60,
        )
        for _ in files:
            await follower.look()
        await active.close()
        return active.revision

    revision = asyncio.run(look())
    return told, revision


def test_a_good_bundle_is_put_into_force_once() -> None:
    assert follow(b"strict", b"strict") == ([("activated", STRICT.revision)], STRICT.revision)


@pytest.mark.parametrize(
    ("bad", "result", "why"),
    [
        (b"unsigned", "refused", "the bundle is not signed"),
        (b"allows all", "refused", "judge a known document wrongly"),
        (
            InputError("registry.test does not answer"),
            "unreachable",
            "registry.test does not answer",
        ),
    ],
)
def test_whatever_is_wrong_with_a_new_bundle_the_old_one_stays(
    bad: bytes | InputError, result: str, why: str
) -> None:
    told, revision = follow(b"strict", bad)
    assert revision == STRICT.revision
    assert told[1][0] == result
    assert why in told[1][1]


class Tries:
    """Prepares a bundle, and fails as often as it is told to."""

    def __init__(self, *failures: ElfgateError) -> None:
        self.failures: Iterator[ElfgateError] = iter(failures)
        self.count = 0

    async def prepare(self, _packed: bytes) -> Engine:
        self.count += 1
        failure = next(self.failures, None)
        if failure is not None:
            raise failure
        return await proved(STRICT)


def look_at(times: list[float], tries: Tries) -> str:
    """Look at the same file at each of these times; the revision in force at the end."""
    clock = iter(times)
    now = [0.0]

    async def fetch() -> bytes:
        now[0] = next(clock)
        return b"strict"

    async def look() -> str:
        active = ActiveEngine(EmbeddedEngine(bundle.load()))
        follower = Follower(
            active,
            fetch=fetch,
            prepare=tries.prepare,
            told=lambda _result, _what: None,
            seconds=10,
            clock=lambda: now[0],
        )
        for _ in times:
            await follower.look()
        await active.close()
        return active.revision

    return asyncio.run(look())


def test_a_failure_that_passes_is_tried_again() -> None:
    tries = Tries(EngineError("the process for the rules does not start"))
    assert look_at([0, 10, 20, 30], tries) == STRICT.revision
    assert tries.count == 2


def test_each_failure_doubles_the_wait() -> None:
    tries = Tries(*(EngineError("OPA is too slow") for _ in range(100)))
    look_at([float(second) for second in range(0, 300, 10)], tries)
    assert tries.count == 4  # at 0, 20, 60 and 140 s; the next one is due at 300 s


def test_a_fault_of_the_content_is_tried_once() -> None:
    tries = Tries(*(InputError("the bundle is not signed") for _ in range(100)))
    look_at([float(second) for second in range(0, 100_000, 1000)], tries)
    assert tries.count == 1
