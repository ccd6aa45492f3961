"""Calls of functions on which the engines disagree, or which one of them does not have."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

import orjson

from elfgate.policy.files import shipped
from elfgate.policy.tree import Node, function, kind, nodes, text
from elfgate.policy.typed import Types

_Told = tuple[int, str]
_PATTERNS = {
    "regex.match": 0,
    "regex.find_n": 0,
    "regex.find_all_string_submatch_n": 0,
    "regex.replace": 1,
}
# Classes like \w mean other letters in each engine. Long repeats, doubled ones and what looks around
# are errors in one of them.
_ODD_PATTERN = re.compile(r"\\[A-Za-z0-9]|\[:|[*+?}][*+]|\{\d*,?\d{4,}|\{\d{4,}|\(\?[^:]")
_VERB = re.compile(r"%(.?)")


def calls(tree: Node, types: Types, own: Collection[str]) -> Iterator[_Told]:
    """The calls that do not mean the same in both engines, by line.

    Args:
        tree: The module's.
        types: Of its names.
        own: The names of its package and of its imports, whose functions are Rego.
    """
    for rule in tree["rules"]:
        types.enter(rule)
        for _, call in nodes(rule, "Call"):
            name = function(call)
            if not name or name.partition(".")[0] in own:
                continue
            for said in _complaints(name, call["params"], types):
                yield call["span"]["line"], said


def _complaints(name: str, params: list[Node], types: Types) -> Iterator[str]:
    declared = _profile().get(name)
    if declared is None:
        yield f"{name} is no function that both engines have and agree on"
        return
    wanted = len(declared["decl"]["args"])
    if len(params) - wanted not in {0, 1} and not declared["decl"].get("variadic"):  # 1: the result
        yield f"{name} takes {wanted} values, and is given {len(params)}"
    elif name == "sprintf":
        yield from _format(params, types)
    elif name in _PATTERNS:
        yield from _pattern(params[_PATTERNS[name]])


def _format(params: list[Node], types: Types) -> Iterator[str]:
    written = text(params[0])
    if written is None or kind(params[-1]) != "Array":
        yield (
            "sprintf needs a literal format and a literal array, so that both engines say the same"
        )
        return
    verbs = [verb for verb in _VERB.findall(written) if verb != "%"]
    if odd := sorted(set(verbs) - {"s", "v"}):
        yield f"sprintf has %{odd[0]}, on which the engines disagree; use %s or %v, or format_int"
    given = params[-1]["Array"]["items"]
    if len(verbs) != len(given):
        yield f"sprintf has {len(given)} values for {len(verbs)} verbs"
        return
    if any(
        verb == "s" and _is_number(value, types) for verb, value in zip(verbs, given, strict=True)
    ):
        yield "sprintf has %s for a number, on which the engines disagree; use %v"


def _is_number(value: Node, types: Types) -> bool:
    """Whether an expression is certainly a number."""
    match kind(value):
        case "Number" | "ArithExpr":
            return True
        case "Call":
            declared = _profile().get(function(value["Call"]), {"decl": {"result": {}}})
            return str(declared["decl"]["result"].get("type")) == "number"
        case _:
            found = types.of(value) or {}
            return found.get("type") in {"integer", "number"}


def _pattern(param: Node) -> Iterator[str]:
    written = text(param)
    if written is None:
        yield (
            "the pattern has to be a literal, so that it can be held to what both engines agree on"
        )
    elif odd := _ODD_PATTERN.search(written):
        yield f"the pattern has {odd[0]}, on which the engines disagree; write classes out: [0-9]"
    else:
        yield from _syntax(written)


def _syntax(pattern: str) -> Iterator[str]:
    """The fault of a pattern of those forms that all engines share."""
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"the pattern is none: {error}"


@cache
def _profile() -> Mapping[str, Mapping[str, Any]]:
    listed = orjson.loads((shipped() / "capabilities.json").read_bytes())
    return {declared["name"]: declared for declared in listed["builtins"]}
