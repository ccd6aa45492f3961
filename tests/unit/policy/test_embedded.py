import asyncio
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from elfgate.policy import bundle, embedded
from elfgate.policy.engine import EngineError
from support.documents import pod, proved

if TYPE_CHECKING:
    from elfgate.policy.verdict import Verdict


def with_main(*lines: str) -> bundle.Bundle:
    shipped = bundle.load()
    rego = "\n".join(["package elfgate.main", *lines])
    return bundle.Bundle({"elfgate/main/main.rego": rego}, shipped.data, shipped.revision)


VERDICT = '"version": 1, "revision": data.elfgate.revision, "warnings": []'
DENIAL = '{"code": "loader_missing", "headline": "x"}'


def test_a_good_bundle_is_put_into_force() -> None:
    engine = asyncio.run(proved(bundle.load()))
    assert engine.revision == bundle.load().revision


@pytest.mark.parametrize(
    "verdict",
    [
        f'{{{VERDICT}, "allowed": true, "denials": []}}',
        f'{{{VERDICT}, "allowed": false, "denials": [{DENIAL}]}}',
    ],
    ids=["allows everything", "denies everything"],
)
def test_a_bundle_that_judges_a_known_document_wrongly_is_not_put_into_force(verdict: str) -> None:
    with pytest.raises(EngineError, match="judge a known document wrongly: it was"):
        asyncio.run(proved(with_main(f"verdict := {verdict}")))


def test_what_is_no_rego_is_refused_in_one_line() -> None:
    shipped = bundle.load()
    broken = bundle.Bundle(
        {**shipped.modules, "broken.rego": "package x\nif if"}, shipped.data, shipped.revision
    )
    with pytest.raises(
        EngineError, match=r"^the policies of revision elfgate-1-\w+ do not load: .*broken\.rego"
    ) as told:
        embedded.EmbeddedEngine(broken)
    assert "\n" not in str(told.value)


def test_an_error_of_the_engine_is_one_line_with_its_place() -> None:
    engine = embedded.EmbeddedEngine(with_main('verdict := to_number("x")'))
    with pytest.raises(
        EngineError, match=r"^cannot evaluate data\.elfgate\.main\.verdict: .*main\.rego:2"
    ) as told:
        asyncio.run(engine.evaluate(pod()))
    assert "\n" not in str(told.value)
    assert "backtrace" not in str(told.value)


def test_each_thread_that_asks_gets_an_engine_of_its_own() -> None:
    engine = embedded.EmbeddedEngine(bundle.load())
    verdicts: list[Verdict] = []

    def ask() -> None:
        async def evaluate() -> None:
            verdicts.append(await engine.evaluate(pod(fails=("ppc64le",))))
            await engine.close()

        asyncio.run(evaluate())

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [verdict.allowed for verdict in verdicts] == [False] * 3


def test_without_regorus_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "regorus", None)
    with pytest.raises(EngineError, match="no wheel for this machine; use an OPA server"):
        embedded.EmbeddedEngine(bundle.load())


def test_an_engine_may_be_forgotten_on_another_thread_than_made_it() -> None:
    # pytest turns what regorus says of a drop on a foreign thread into an error.
    engines = [embedded.EmbeddedEngine(bundle.load())]
    thread = threading.Thread(target=engines.clear)
    thread.start()
    thread.join()
    assert embedded.EmbeddedEngine(bundle.load()).revision == bundle.load().revision
