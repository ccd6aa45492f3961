"""The tests beside the rules, run by the embedded engine; `make policies` runs the same ones with OPA."""

import re

import pytest

from elfgate.policy import bundle
from elfgate.policy.embedded import EmbeddedEngine

WITH_TESTS = bundle.load(tests=True)
TESTS = [
    f"data.{package}.{name}"
    for path, text in WITH_TESTS.modules.items()
    if path.endswith("_test.rego")
    for package in re.findall(r"^package (\S+)", text, re.MULTILINE)
    for name in re.findall(r"^(test_\w+) if", text, re.MULTILINE)
]


@pytest.fixture(scope="module")
def engine() -> EmbeddedEngine:
    return EmbeddedEngine(WITH_TESTS)


@pytest.mark.parametrize("rule", TESTS)
def test_the_policies_own_test_holds(engine: EmbeddedEngine, rule: str) -> None:
    assert engine.query(rule, "{}") == "true"


def test_every_module_with_tests_is_found() -> None:
    with_tests = [
        path
        for path in WITH_TESTS.modules
        if path.endswith("_test.rego") and "/sample/" not in path
    ]
    declared = [
        re.search(r"^package (\S+)", WITH_TESTS.modules[path], re.MULTILINE) for path in with_tests
    ]
    packages = {found and found[1] for found in declared}
    assert packages == {rule.rpartition(".")[0].removeprefix("data.") for rule in TESTS}
