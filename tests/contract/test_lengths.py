"""What people are told fits where they read it: a controller's event, and the line of a warning."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from elfgate.policy import bundle, cases
from elfgate.policy.config import PolicyConfig
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.messages import EVENT_BYTES, WARNING_RUNES, denial, warnings
from elfgate.policy.verdict import Verdict, Violation
from elfgate.printable import printable
from support import chance

CASES = cases.shipped()
NAMES = [case["name"] for case in CASES]


def judged(case: dict[str, Any]) -> Verdict:
    """The verdict on a shipped case."""
    config = PolicyConfig.model_validate(case.get("config", {}))
    return asyncio.run(EmbeddedEngine(bundle.load(config=config)).evaluate(cases.of_case(case)))


def kept(text: str) -> str:
    """As much of a refusal as a controller's event keeps."""
    return text.encode()[:EVENT_BYTES].decode(errors="ignore")


def verdicts_first(verdict: Verdict) -> bool:
    """Whether an event has each headline."""
    text = kept(denial(verdict))
    return all(printable(each.headline) in text for each in verdict.denials)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_an_event_keeps_all_that_is_refused(case: dict[str, Any]) -> None:
    verdict = judged(case)
    assert denial(verdict) == "" or denial(verdict).startswith(
        printable(verdict.denials[0].headline)
    )
    assert verdicts_first(verdict)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_warning_is_short_or_one_sentence(case: dict[str, Any]) -> None:
    verdict = judged(case)
    sentences = {
        " ".join(text.split())
        for each in verdict.warnings
        for text in (each.headline, *each.lines, each.remedy)
    }
    for line in warnings(verdict):
        alone = line in sentences or line.partition(": ")[2] in sentences
        assert len(line) <= WARNING_RUNES or alone


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_no_two_warnings_would_fit_into_one(case: dict[str, Any]) -> None:
    for each in judged(case).warnings:
        alone = Verdict(version=1, revision="", allowed=True, denials=[], warnings=[each])
        for before, after in pairwise(warnings(alone)):
            joined = len(before) + len(after.partition(": ")[2]) + len(", ")
            assert joined > WARNING_RUNES - 1


def test_an_event_keeps_verdicts_of_many_containers_by_chance() -> None:
    engine = EmbeddedEngine(bundle.load())
    longest = 0
    for seed in range(300):
        verdict = asyncio.run(engine.evaluate(chance.document(seed)))
        text = denial(verdict)
        longest = max(longest, len(text.encode()))
        if len(text.encode()) > EVENT_BYTES and len(verdict.denials) > 1:
            assert "below:" in kept(text)
    assert longest > EVENT_BYTES


def test_what_an_event_has_no_room_for_is_counted() -> None:
    many = [Violation(code="x", headline=f"{number} {'y' * 90}") for number in range(30)]
    verdict = Verdict(version=1, revision="", allowed=False, denials=many, warnings=[])
    assert "more, all of them below:" in kept(denial(verdict))
