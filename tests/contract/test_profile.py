"""The functions that rules may use say the same in both engines, asked by chance; those that are left out do not."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from elfgate.policy.files import shipped
from support import functions, opa
from support.functions import Function

pytestmark = pytest.mark.skipif(opa.OPA is None, reason="no OPA here: make policies builds one")

ASKED = 400
UNASKED = {"assign", "eq", "internal.member_2", "internal.member_3"}  # they are no calls

# Functions that both engines have, and that are no part of the profile: with what they disagree on.
LEFT_OUT: dict[str, Sequence[Any]] = {
    "base64.decode": ["\n"],
    "base64.is_valid": ["\n"],
    "base64url.decode": ["a1"],
    "ceil": [-0.5],
    "floor": [-0.5],
    "glob.match": ["?", ["."], "é"],
    "glob.quote_meta": ["[1]"],
    "graph.reachable_paths": [{"": [True]}, [""]],
    "indexof": ["a", ""],
    "indexof_n": ["a", ""],
    "json.filter": [{"b": {}}, [[]]],
    "json.marshal": ["<&>"],
    "json.marshal_with_options": ["<&>", {}],
    "json.match_schema": ["", {}],
    "json.remove": [{}, [[]]],
    "json.unmarshal": ["1null"],
    "json.verify_schema": ["1"],
    "lower": ["İ"],
    "object.subset": [[], []],
    "regex.is_valid": ['{"a": 1}'],
    "regex.split": ["", "ab"],
    "regex.template_match": ["a", "a", "%s", "%"],
    "strings.count": ["aaaa", "aa"],
    "strings.replace_n": [{"a": "b", "b": "c"}, "ab"],
    "to_number": [" 1"],
    "upper": ["ß"],
    "urlquery.decode": ["\n"],
    "urlquery.decode_object": ["\n"],
    "urlquery.encode": ["*"],
    "urlquery.encode_object": [{"a": ["*"]}],
}

# Ways to use functions of the profile that rules are kept from (``policy.written``).
KEPT_FROM = [
    ("regex.match", ["\\w", "é"]),
    ("regex.match", ["[[:alpha:]]++", "a"]),
    ("regex.match", ["a{1,1001}", "a"]),
    ("sprintf", ["%s (%s)", ["a"]]),
    ("sprintf", ["%d", [-3]]),
    ("sprintf", ["%s", [3]]),
    ("sprintf", ["%-12s", ["a"]]),
]


def permitted() -> list[Function]:
    listed = functions.functions(Path(str(shipped() / "capabilities.json")))
    return [function for function in listed if function.name not in UNASKED]


def test_functions_of_the_profile_agree(tmp_path: Path) -> None:
    asked = {
        function: [
            function.arguments(random.Random(f"{function.name} {number}"))  # noqa: S311
            for number in range(ASKED)
        ]
        for function in permitted()
    }
    there = functions.in_opa(asked, tmp_path)
    different = [
        (function.name, arguments, one, other)
        for function, each in asked.items()
        for arguments, one, other in zip(
            each, functions.in_regorus(function, each), there[function.name], strict=True
        )
        if not functions.same(one, other)
    ]
    assert different == []
    answered = {name: sum(one != functions.NOTHING for one in each) for name, each in there.items()}
    assert [name for name, count in answered.items() if count < ASKED // 10] == []


@pytest.mark.parametrize(("name", "arguments"), [*LEFT_OUT.items(), *KEPT_FROM], ids=str)
def test_what_is_left_out_differs(name: str, arguments: Sequence[Any], tmp_path: Path) -> None:
    function = Function(name, "", tuple({"type": "any"} for _ in arguments))
    [here] = functions.in_regorus(function, [list(arguments)])
    [there] = functions.in_opa({function: [list(arguments)]}, tmp_path)[name]
    assert not functions.same(here, there)


def test_sums_of_decimals_differ(tmp_path: Path) -> None:
    tenths = Function("plus", "+", ({"type": "number"}, {"type": "number"}))
    [here] = functions.in_regorus(tenths, [[0.1, 0.2]])
    [there] = functions.in_opa({tenths: [[0.1, 0.2]]}, tmp_path)["plus"]
    assert not functions.same(here, there)


def test_nothing_that_is_left_out_is_in_the_profile() -> None:
    assert {function.name for function in permitted()} & LEFT_OUT.keys() == set()
