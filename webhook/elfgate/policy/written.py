"""Rules of the user's own, held where they are written.

What would do nothing, or not the same in both engines.

Each complaint begins with the file and the line. Told are rules without ``findings``, references to
what the document does not have or does not show, data that no rule has, and functions on which the
engines disagree (``capabilities.json``).
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import orjson

from elfgate.errors import InputError
from elfgate.policy.annotation import LOOKS, USUAL, annotation
from elfgate.policy.embedded import parsed
from elfgate.policy.files import own_sources, shipped
from elfgate.policy.referred import References
from elfgate.policy.tree import Node, heads, imported, kind, nodes, path, text

_PATTERNS = {
    "regex.match": 0,
    "regex.find_n": 0,
    "regex.find_all_string_submatch_n": 0,
    "regex.replace": 1,
}
# Classes like \w mean other letters in each engine, and long repeats and doubled ones are errors in
# one of them.
_ODD_PATTERN = re.compile(r"\\[A-Za-z0-9]|\[:|[*+?}][*+]|\{\d*,?\d{4,}|\{\d{4,}")
_KEYS = frozenset(
    {"container", "platform", "message", "remedy", "effect", "reason", "position", "image"}
)
_VERB = re.compile(r"%(.?)")


def hold(folder: Path) -> None:
    """Refuse rules that would do nothing, or not the same in both engines.

    Raises:
        InputError: naming the first of them, with its file and line.
    """
    found = complaints(folder)
    if found:
        rest = f" (and {len(found) - 1} more, which `elfgate bundle test` lists)"
        raise InputError(found[0] + (rest if len(found) > 1 else ""))


def complaints(folder: Path) -> list[str]:
    """The faults of the rules in a folder, a line each.

    Raises:
        InputError: if they cannot be read, or are no Rego.
    """
    modules = own_sources(folder)
    trees = {name: _parsed(folder / name, source) for name, source in modules.items()}
    names: dict[str, set[str]] = {}
    for tree in trees.values():
        names.setdefault(_package(tree), set()).update(heads(tree) if tree else ())
    found = []
    for name, source in modules.items():
        tree = trees[name]
        if tree is None:  # no engine here to parse it
            continue
        held = _Module(source, tree, names[_package(tree)]).complaints()
        found += [f"{folder / name}:{line}: {said}" for line, said in sorted(set(held))]
    return found


def _parsed(file: Path, source: str) -> Node:
    tree, complaint = parsed(str(file), source)
    if complaint:
        raise InputError(f"{file} is no Rego: {complaint}")
    return tree


def _package(tree: Node) -> str:
    return "" if tree is None else ".".join(path(tree["package"]["refr"]))


class _Module:
    """One module, and the names of the rules in its package."""

    def __init__(self, source: str, tree: Node, names: set[str]) -> None:
        self._source = source
        self._tree = tree
        self._names = names

    def complaints(self) -> Iterator[tuple[int, str]]:
        """The faults of a rule, by line."""
        said = annotation(self._source)
        if "findings" not in self._names:
            line = self._tree["package"]["span"]["line"]
            yield line, "the rule has no `findings`, so that it finds nothing"
        for word in sorted(map(str, said.custom.get("looks_at") or ())) if said else ():
            if word not in LOOKS:
                yield self._line_of("looks_at"), f"looks_at has {word}; {_one_of(LOOKS)}"
        looks = said.looks_at if said else USUAL
        yield from References(self._tree, self._source, looks).complaints()
        yield from self._data()
        for rule in self._tree["rules"]:
            for written in _findings(rule):
                yield from _finding(written)
        for _, call in nodes(self._tree, "Call"):
            yield from self._call(call)

    def _line_of(self, word: str) -> int:
        return self._source.partition(word)[0].count("\n") + 1

    def _data(self) -> Iterator[tuple[int, str]]:
        for _, reference in nodes(self._tree, "RefDot"):
            names = path({"RefDot": reference})
            if len(names) == 2 and names[0] == "data" and names[1] != "elfgate":
                where = "parameters are in data.elfgate.config.parameters"
                said = f"{'.'.join(names)} is nothing that rules have; {where}"
                yield reference["span"]["line"], said

    def _call(self, call: Node) -> Iterator[tuple[int, str]]:
        names = path(call["fcn"])
        own = self._names | imported(self._tree, self._source) | {"data", "input"}
        if not names or names[0] in own:
            return
        name, line = ".".join(names), call["span"]["line"]
        if name not in _profile():
            yield line, f"{name} is no function that both engines have and agree on"
        elif name == "sprintf":
            yield from ((line, said) for said in _format(call["params"]))
        elif name in _PATTERNS:
            yield from ((line, said) for said in _pattern(call["params"][_PATTERNS[name]]))


def _findings(rule: Node) -> Iterator[Node]:
    """The findings that a rule writes out.

    In its head, or bound to the variable that stands there.
    """
    head = rule.get("Spec", {}).get("head", {}).get("Set")
    if head is None or path(head["refr"]) != ("findings",) or head["key"] is None:
        return
    if kind(head["key"]) == "Object":
        yield head["key"]["Object"]
    for _, assigned in nodes(rule, "AssignExpr"):
        if path(head["key"]) == path(assigned["lhs"]) != () and kind(assigned["rhs"]) == "Object":
            yield assigned["rhs"]["Object"]


def _finding(written: Node) -> Iterator[tuple[int, str]]:
    line = written["span"]["line"]
    fields = {text(key): value for _, key, value in written["fields"]}
    if None in fields:
        return
    for name in sorted(set(map(str, fields)) - _KEYS):
        yield line, f"a finding has no {name}; {_one_of(_KEYS)}"
    if "message" not in fields:
        yield line, "the finding has no message"
    platform = text(fields.get("platform"))
    if platform and "/" not in platform:
        yield line, f"the platform {platform} is written linux/{platform}"


def _format(params: list[Node]) -> Iterator[str]:
    written = text(params[0])
    if written is None or kind(params[-1]) != "Array":
        yield (
            "sprintf needs a literal format and a literal array, so that both engines say the same"
        )
        return
    verbs = [verb for verb in _VERB.findall(written) if verb != "%"]
    if odd := sorted(set(verbs) - {"s", "v"}):
        yield f"sprintf has %{odd[0]}, on which the engines disagree; use %s or %v, or format_int"
    given = len(params[-1]["Array"]["items"])
    if len(verbs) != given:
        yield f"sprintf has {given} values for {len(verbs)} verbs"


def _pattern(param: Node) -> Iterator[str]:
    written = text(param)
    if written is None:
        yield (
            "the pattern has to be a literal, so that it can be held to what both engines agree on"
        )
    elif odd := _ODD_PATTERN.search(written):
        yield f"the pattern has {odd[0]}, on which the engines disagree; write classes out: [0-9]"


def _one_of(words: frozenset[str]) -> str:
    return f"it is one of {', '.join(sorted(words))}"


@cache
def _profile() -> Mapping[str, object]:
    listed = orjson.loads((shipped() / "capabilities.json").read_bytes())
    return {function["name"]: function for function in listed["builtins"]}
