"""The parts of the document that a rule compares with literal values, and with which."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from elfgate.policy.forms import Part
from elfgate.policy.tree import Node, function, heads, kind, nodes, path

_SIDES = {
    "startswith": Part.BEGIN,
    "endswith": Part.END,
    "contains": Part.INSIDE,
    "strings.any_prefix_match": Part.BEGIN,
    "strings.any_suffix_match": Part.END,
}
_LITERAL = {"String", "RawString", "Number", "Bool", "Null"}
_LISTS = {"Array", "Set"}
_TURNED = {"Lt": "Gt", "Le": "Ge", "Gt": "Lt", "Ge": "Le"}


class Compared(NamedTuple):
    """A comparison.

    Attributes:
        reference: What may be a part of the document.
        literal: The value that it is compared with.
        part: The part of it that is compared.
        operator: By which, the reference first: ``Lt``; empty where a function compares.
        inside: It is an element of the reference that is compared.
    """

    reference: Node
    literal: Node
    part: Part
    operator: str = ""
    inside: bool = False


class Literals:
    """The literal values that the names of a module stand for.

    Args:
        tree: The module's.
        alone: The module is its package's only one, so that nothing else can bind its names.
    """

    def __init__(self, tree: Node, *, alone: bool) -> None:
        self._named = _constants(tree) if alone else {}
        self._bound: dict[str, list[Node]] = {}

    def of_rule(self, rule: Node) -> Iterator[Compared]:
        """The comparisons of a rule with literal values."""
        self._bound = {}
        for name, inner in nodes(rule, "SomeIn", "AssignExpr", "Func", "Every"):
            self._bind(name, inner)
        for name, inner in nodes(rule, "BoolExpr", "AssignExpr", "Membership", "Call", "RefBrack"):
            yield from self._compared(name, inner)

    def _bind(self, name: str, inner: Node) -> None:
        """Note what a rule's variables stand for: nothing where that is no list of literals."""
        if name == "SomeIn" and kind(inner["value"]) == "Var":
            found = self._elements(inner["collection"])
            self._bound[inner["value"]["Var"]["value"]] = found
        elif name == "AssignExpr" and kind(inner["lhs"]) == "Var":
            found = self._values(inner["rhs"])
            self._bound[inner["lhs"]["Var"]["value"]] = found
        elif name == "Func":
            for _, variable in nodes(inner["args"], "Var"):
                self._bound[variable["value"]] = []

    def _compared(self, name: str, inner: Node) -> Iterator[Compared]:
        match name:
            case "BoolExpr":
                yield from self._both(inner)
            case "AssignExpr" if inner["op"] == "Eq":
                yield from self._both(inner)
            case "Membership":
                listed = self._elements(inner["collection"])
                yield from self._paired(inner["value"], listed, operator="Eq")
                for literal in self._values(inner["value"]):
                    yield Compared(inner["collection"], literal, Part.WHOLE, inside=True)
            case "RefBrack":
                yield from self._paired(inner["index"], self._keys(inner["refr"]))
            case "Call" if function(inner) in _SIDES and len(inner["params"]) >= 2:
                text, part, *_ = inner["params"]
                found = self._values(part) or self._elements(part)
                yield from self._paired(text, found, _SIDES[function(inner)])
            case _:
                return

    def _both(self, inner: Node) -> Iterator[Compared]:
        operator = inner["op"]
        part = Part.ORDER if operator in _TURNED else Part.WHOLE
        left, right = inner["lhs"], inner["rhs"]
        yield from self._paired(left, self._values(right), part, operator)
        turned = _TURNED.get(operator, operator)
        yield from self._paired(right, self._values(left), part, turned)

    def _paired(
        self,
        reference: Node,
        literals: list[Node],
        part: Part = Part.WHOLE,
        operator: str = "",
    ) -> Iterator[Compared]:
        if kind(reference) not in _LITERAL:
            yield from (Compared(reference, literal, part, operator) for literal in literals)

    def _values(self, node: Node) -> list[Node]:
        """The literals of which an expression is one."""
        found = kind(node)
        if found in _LITERAL:
            return [node]
        if found == "Var":
            name = node["Var"]["value"]
            known = self._bound.get(name, self._named.get(name, []))
            return [each for each in known if kind(each) in _LITERAL]
        if found == "RefBrack" and kind(node["RefBrack"]["index"]) == "Var":
            return self._elements(node["RefBrack"]["refr"])
        return []

    def _elements(self, node: Node) -> list[Node]:
        """The literals that a collection has."""
        found = self._whole(node)
        return [
            each
            for inner in found
            if kind(inner) in _LISTS
            for each in inner[kind(inner)]["items"]
            if kind(each) in _LITERAL
        ]

    def _keys(self, node: Node) -> list[Node]:
        """The literals by which a set or an object is looked into."""
        elements = [each for inner in self._whole(node) for each in _looked_up(inner)]
        return [each for each in elements if kind(each) in _LITERAL]

    def _whole(self, node: Node) -> list[Node]:
        if kind(node) != "Var":
            return [node]
        name = node["Var"]["value"]
        return [] if name in self._bound else self._named.get(name, [])


def _looked_up(node: Node) -> Iterator[Node]:
    if kind(node) == "Set":
        yield from node["Set"]["items"]
    elif kind(node) == "Object":
        yield from (key for _, key, _ in node["Object"]["fields"])


def _constants(tree: Node) -> Mapping[str, list[Node]]:
    """The values that a module's names are given, where that is all that they can be."""
    found: dict[str, list[Node]] = {}
    for rule in tree["rules"]:
        [name, *_] = [*heads({"rules": [rule]}), ""]
        found.setdefault(name, []).append(_value(rule))
    return {name: values for name, values in found.items() if all(values)}


def _value(rule: Node) -> Node:
    """The value that a rule gives its name; None if it is no constant."""
    head = rule.get("Spec", {}).get("head", {})
    inner = head.get(kind(head), {})
    if kind(head) == "Set" and path(inner["refr"]) and inner["key"] is not None:
        key = inner["key"]
        return {"Set": {"items": [key]}} if kind(key) in _LITERAL else None
    if kind(head) == "Compr" and path(inner["refr"]) and inner["assign"]:
        return inner["assign"]["value"]
    return None
