import asyncio

import pytest

from elfgate.policy import bundle
from elfgate.policy.config import PolicyConfig
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.engine import EngineError
from elfgate.policy.memo import MemoisedEngine
from elfgate.policy.verdict import Verdict
from support.documents import pod


class Counted(EmbeddedEngine):
    """The embedded engine, counting what it is asked, and failing when told to."""

    asked = 0
    failing = False

    async def evaluate(self, document: Document) -> Verdict:
        self.asked += 1
        if self.failing:
            raise EngineError("told to")
        return await super().evaluate(document)


def test_what_was_answered_before_is_answered_at_once() -> None:
    live = Counted(bundle.load())
    engine = MemoisedEngine(live)
    first = asyncio.run(engine.evaluate(pod(fails=("ppc64le",))))
    again = asyncio.run(engine.evaluate(pod(fails=("ppc64le",))))
    assert first == again
    assert live.asked == 1


def test_another_document_is_another_question() -> None:
    live = Counted(bundle.load())
    engine = MemoisedEngine(live)
    assert not asyncio.run(engine.evaluate(pod(fails=("ppc64le",)))).allowed
    assert asyncio.run(engine.evaluate(pod(starts=("ppc64le",)))).allowed
    assert live.asked == 2


def test_another_revision_is_another_question() -> None:
    engine = MemoisedEngine(Counted(bundle.load()))
    assert not asyncio.run(engine.evaluate(pod(fails=("ppc64le",)))).allowed
    engine._live = Counted(bundle.load(config=PolicyConfig(rules={"loader_missing": "off"})))
    assert asyncio.run(engine.evaluate(pod(fails=("ppc64le",)))).allowed


def test_a_failure_is_not_remembered() -> None:
    live = Counted(bundle.load())
    engine = MemoisedEngine(live)
    live.failing = True
    with pytest.raises(EngineError, match="told to"):
        asyncio.run(engine.evaluate(pod()))
    live.failing = False
    assert asyncio.run(engine.evaluate(pod())).allowed


def test_what_was_longest_unused_is_forgotten_first() -> None:
    live = Counted(bundle.load())
    engine = MemoisedEngine(live, max_bytes=4000)
    for arch in ("amd64", "arm64", "amd64", "s390x", "amd64"):
        asyncio.run(engine.evaluate(pod(starts=(arch,))))
    assert live.asked == 3
    asyncio.run(engine.evaluate(pod(starts=("arm64",))))
    assert live.asked == 4
