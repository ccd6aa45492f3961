"""Days in own rules that have passed: told of, and no error, as rules outlive their days."""

from datetime import date
from pathlib import Path

import pytest

from elfgate.policy import bundle, written
from elfgate.policy.days import passed, told_of

TODAY = date(2026, 6, 30)


def rules(folder: Path, condition: str) -> bundle.Bundle:
    source = f'package elfgate.rules.mine\nfindings contains {{"message": "m"}} if {{\n\t{condition}\n}}\n'
    (folder / "mine.rego").write_text(source)
    assert written.complaints(folder) == []
    return bundle.load(rules=folder)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            'input.request.today < "2026-06-30"',
            "the day 2026-06-30 has come, so that today is never",
        ),
        ('input.request.today <= "2026-06-29"', "has passed, so that today is never 2026-06-29 or"),
        ('input.request.today == "2025-12-24"', "so that today is never 2025-12-24 again"),
        ('"2026-01-01" > input.request.today', "the day 2026-01-01 has come"),
        ('t := input.request.today\n\tt < "2026-06"', "never before 2026-06 again"),
        ('input.request.today in {"2026-06-01"}', "so that today is never 2026-06-01 again"),
    ],
)
def test_a_day_that_has_passed_is_told_of(tmp_path: Path, condition: str, said: str) -> None:
    [line] = passed(rules(tmp_path, condition), TODAY)
    assert line.startswith(f"mine.rego:{3 + condition.count(chr(10))}: ")
    assert said in line


@pytest.mark.parametrize(
    "condition",
    [
        'input.request.today > "2026-01-01"',
        'input.request.today < "2026-07-01"',
        'input.request.today <= "2026-06-30"',
        'input.request.today == "2026-06-30"',
        'not input.request.today < "2026-01-01"',
        'input.request.today != "2026-01-01"',
        'input.request.namespace == "today"',
    ],
)
def test_a_condition_that_may_hold_is_not(tmp_path: Path, condition: str) -> None:
    assert passed(rules(tmp_path, condition), TODAY) == []


def test_the_owner_of_a_bundle_is_told_with_the_rest(tmp_path: Path) -> None:
    found = rules(tmp_path, 'input.request.today < "2026-01-01"')
    assert told_of(found, TODAY) == passed(found, TODAY) != []


def test_nothing_is_told_of_the_shipped_rules() -> None:
    assert told_of(bundle.load(), TODAY) == []
