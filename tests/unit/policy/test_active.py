"""A bundle is replaced while reviews are judged, and none of them notices."""

import asyncio

from elfgate.policy import bundle
from elfgate.policy.active import ActiveEngine
from elfgate.policy.config import PolicyConfig
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
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
