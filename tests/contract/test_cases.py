"""The case tables: what is found, and the exact words that come of it."""

import asyncio
from typing import Any

import pytest

from elfgate.linkage.report import Code
from elfgate.policy import cases

CASES = cases.shipped()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_words_are_exactly_these(case: dict[str, Any]) -> None:
    assert list(asyncio.run(cases.differences(case))) == []


def test_a_case_that_is_otherwise_is_told_of() -> None:
    case = next(case for case in CASES if "denied" in case)
    assert list(asyncio.run(cases.differences({**case, "denied": "no"})))


def test_every_code_has_a_case() -> None:
    shown = set().union(*(cases.codes(case) for case in CASES))
    assert shown == {*Code, "no_common_platform", "latest_tag", "support_matrix", "unpinned_tag"}
