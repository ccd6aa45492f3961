"""A new bundle takes the old one's place only if it is signed, loads and proves itself."""

import asyncio

import pytest

from elfgate.errors import InputError
from elfgate.policy import bundle
from elfgate.policy.active import ActiveEngine, Follower
from elfgate.policy.config import PolicyConfig
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine, activate
from elfgate.policy.engine import Engine
from elfgate.policy.memo import MemoisedEngine
from elfgate.policy.verdict import Verdict
from support.documents import pod

STRICT = bundle.load(config=PolicyConfig(require="all"))


class Held(EmbeddedEngine):
    """The embedded engine, which answers when it is let, and notes when it is closed."""

    def __init__(self, policies: bundle.Bundle) -> None:
        super().__init__(policies)
        self.asked, self.let, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def evaluate(self, document: Document) -> Verdict:
        self.asked.set()
        await self.let.wait()
        return await super().evaluate(document)

    async def close(self) -> None:
        self.closed.set()
        await super().close()


def test_what_is_being_judged_is_judged_to_its_end_by_the_old_bundle() -> None:
    async def replaced() -> None:
        old = Held(bundle.load())
        active = ActiveEngine(old)
        judging = asyncio.create_task(active.evaluate(pod(starts=("amd64",))))
        await old.asked.wait()
        await active.replace(EmbeddedEngine(STRICT))
        assert active.revision == STRICT.revision
        assert not old.closed.is_set()
        old.let.set()
        assert (await judging).revision == bundle.load().revision
        assert old.closed.is_set()
        assert (await active.evaluate(pod(starts=("amd64",)))).revision == STRICT.revision
        await active.close()

    asyncio.run(replaced())


def test_an_idle_bundle_is_closed_when_it_is_replaced() -> None:
    async def replaced() -> bool:
        old = Held(bundle.load())
        await ActiveEngine(old).replace(EmbeddedEngine(STRICT))
        return old.closed.is_set()

    assert asyncio.run(replaced())


def test_no_verdict_of_the_old_bundle_is_remembered_for_the_new_one() -> None:
    async def remembered() -> Verdict:
        engine = MemoisedEngine(ActiveEngine(EmbeddedEngine(bundle.load())))
        await engine.evaluate(pod(starts=("amd64",)))
        await engine.live.replace(EmbeddedEngine(STRICT))
        return await engine.evaluate(pod(starts=("amd64",)))

    assert asyncio.run(remembered()).revision == STRICT.revision


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
                return await activate(STRICT)
            case b"allows all":
                return await activate(allows_all())
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
