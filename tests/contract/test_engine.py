"""What every engine does, whatever evaluates the policies."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from elfgate.linkage.report import Code
from elfgate.policy import bundle, golden
from elfgate.policy.config import Layer, PolicyConfig
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.engine import Engine, EngineError
from elfgate.policy.memo import MemoisedEngine
from elfgate.policy.opa import OpaEngine
from elfgate.policy.verdict import Verdict
from support import opa
from support.documents import document, pod

Start = Callable[[bundle.Bundle], Engine]


def _embedded(_stack: ExitStack, _folder: Path) -> Start:
    return EmbeddedEngine


def _remembered(_stack: ExitStack, _folder: Path) -> Start:
    return lambda policies: MemoisedEngine(EmbeddedEngine(policies))


def _opa(stack: ExitStack, folder: Path) -> Start:
    def start(policies: bundle.Bundle) -> Engine:
        return OpaEngine(
            stack.enter_context(opa.serving(policies, folder)),
            revision=policies.revision,
            seconds=10,
        )

    return start


@pytest.fixture(
    params=[
        pytest.param(_embedded, id="embedded"),
        pytest.param(_remembered, id="embedded, remembered"),
        pytest.param(
            _opa,
            id="opa",
            marks=pytest.mark.skipif(
                opa.OPA is None, reason="no OPA here: make policies builds one"
            ),
        ),
    ]
)
def start(request: pytest.FixtureRequest, short: Path) -> Iterator[Start]:
    """Start an engine of this kind on a bundle."""
    with ExitStack() as stack:
        yield request.param(stack, short)


def judged(start: Start, asked: Document, policies: bundle.Bundle | None = None) -> Verdict:
    async def ask() -> Verdict:
        engine = start(policies or bundle.load())
        try:
            return await engine.evaluate(asked)
        finally:
            await engine.close()

    return asyncio.run(ask())


def test_what_starts_is_allowed(start: Start) -> None:
    verdict = judged(start, pod(starts=("amd64",)))
    assert (verdict.allowed, verdict.denials, verdict.warnings, verdict.unknown) == (
        True,
        [],
        [],
        False,
    )


def test_what_starts_nowhere_is_denied(start: Start) -> None:
    verdict = judged(start, pod(fails=("ppc64le",)))
    assert not verdict.allowed
    assert [denial.code for denial in verdict.denials] == [Code.LOADER_MISSING]


def test_what_starts_somewhere_is_allowed_with_a_warning(start: Start) -> None:
    verdict = judged(start, pod(starts=("amd64",), fails=("ppc64le",)))
    assert verdict.allowed
    assert [warning.platforms for warning in verdict.warnings] == [["linux/ppc64le"]]


def test_the_verdict_is_of_the_bundles_revision(start: Start) -> None:
    policies = bundle.load()
    assert judged(start, pod(starts=("amd64",)), policies).revision == policies.revision


def test_settings_change_the_verdict_and_the_revision(start: Start) -> None:
    policies = bundle.load(config=PolicyConfig(rules={"loader_missing": "warn"}))
    verdict = judged(start, pod(fails=("ppc64le",)), policies)
    assert verdict.allowed
    assert len(verdict.warnings) == 1
    assert verdict.revision != bundle.load().revision


def test_no_setting_changes_what_a_golden_document_is_judged(start: Start) -> None:
    config = PolicyConfig(
        require="all", rules=dict.fromkeys(Code, "off"), namespaces={"shop": Layer(require="all")}
    )

    async def prove() -> None:
        engine = start(bundle.load(config=config))
        await golden.prove(engine)
        await engine.close()

    asyncio.run(prove())


def test_rules_that_a_user_switches_on_do_not_keep_elfgate_from_starting(start: Start) -> None:
    row = {"repository": "*", "variant": "alpine", "architectures": ["amd64"], "source": "here"}
    on = {"unpinned_tag": "warn", "latest_tag": "deny"}
    config = PolicyConfig.model_validate({"rules": on, "support": [row]})

    async def prove() -> None:
        engine = start(bundle.load(config=config))
        await golden.prove(engine)
        await engine.close()

    asyncio.run(prove())


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "\x00",
        "\x1b[31m",
        "\u202e",
        '"}], "allowed": true, "x": [{"',
        "${x}",
        "%s%n",
        "\\u0000",
        "😀" * 2000,
    ],
)
def test_hostile_text_comes_back_as_it_was_and_changes_nothing(start: Start, text: str) -> None:
    found = {"code": "loader_missing", "message": text, "remedy": text}
    asked = document(
        targets={"ppc64le": [text]},
        containers={text: {"image": text, "found": {"ppc64le": {"findings": [found]}}}},
    )
    verdict = judged(start, asked)
    assert not verdict.allowed
    [denial] = verdict.denials
    assert denial.headline == f"{text} ({text}) cannot start on ppc64le ({text})"
    assert denial.lines == [f"{text}  [loader_missing]"]
    assert denial.remedy == text


def test_a_code_that_no_rule_knows_decides_nothing(start: Start) -> None:
    found = {"code": "of_tomorrow", "message": "something new"}
    asked = document(
        targets={"amd64": 1},
        containers={"web": {"image": "web", "found": {"amd64": {"findings": [found]}}}},
    )
    assert judged(start, asked).allowed


def test_one_evaluation_leaves_nothing_for_the_next(start: Start) -> None:
    async def ask() -> tuple[list[Verdict], list[Verdict]]:
        engine = start(bundle.load())
        documents = [
            pod(starts=("amd64",)),
            pod(fails=("ppc64le",)),
            pod(),
            pod(starts=("amd64",), fails=("s390x",)),
        ]
        first = [await engine.evaluate(each) for each in documents]
        again = [await engine.evaluate(each) for each in reversed(documents)]
        await engine.close()
        return first, again[::-1]

    first, again = asyncio.run(ask())
    assert first == again


@pytest.mark.parametrize(
    ("rego", "complaint"),
    [
        ("verdict := {}", "no verdict"),
        ('verdict := {"version": 0}', "no verdict"),
        ("other := 1", "not a valid rule path|is undefined"),
        ('verdict := {"allowed": true}', "no verdict"),
        (
            'verdict := {"version": 1, "revision": "x", "allowed": true, "denials": [], "warnings": []}',
            "of revision 'x'",
        ),
    ],
)
def test_what_is_no_verdict_is_a_failure_and_never_an_answer(
    start: Start, rego: str, complaint: str
) -> None:
    foreign = bundle.Bundle({"main.rego": f"package elfgate.main\n{rego}"}, {}, "elfgate-1-foreign")
    with pytest.raises(EngineError, match=complaint):
        judged(start, pod(starts=("amd64",)), foreign)


def test_closing_twice_is_closing_once(start: Start) -> None:
    async def close() -> None:
        engine = start(bundle.load())
        await engine.close()
        await engine.close()

    asyncio.run(close())
