"""The parts of the document that a rule compares with literal values, and with which."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from elfgate.policy.bound import Bindings
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
_COMPARING = ("BoolExpr", "AssignExpr", "Membership", "Call", "RefBrack")


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

    @property
    def line(self) -> int:
        """The line on which the value stands."""
        form = kind(self.literal)
        return int(self.literal[form]["span"]["line"])


class Literals:
    """The literal values that the names of a module stand for.

    Args:
        tree: The module's.
        source: Its text.
        alone: The module is its package's only one, so that nothing else can bind its names.
    """

    def __init__(self, tree: Node, source: str, *, alone: bool) -> None:
        self._named = _constants(tree) if alone else {}
        self._bound: dict[str, list[Node]] = {}
        self._bindings = Bindings(source, self.values, self._elements)

    def enter(self, rule: Node) -> None:
        """Find what a rule's variables stand for."""
        self._bound = {}
        self._bound = self._bindings.of_rule(rule)

    def of_rule(self, rule: Node) -> Iterator[Compared]:
        """The comparisons of a rule with literal values."""
        self.enter(rule)
        for name, inner in nodes(rule, *_COMPARING):
            yield from self._compared(name, inner)

    def _compared(self, name: str, inner: Node) -> Iterator[Compared]:
        match name:
            case "Membership":
                yield from self._listed(inner)
            case "RefBrack":
                keys = self._keys(inner["refr"])
                yield from _paired(inner["index"], keys)
            case "Call":
                yield from self._asked(inner)
            case _ if name == "BoolExpr" or inner["op"] == "Eq":
                yield from self._sides(inner)

    def _sides(self, inner: Node) -> Iterator[Compared]:
        """A comparison by an operator, as it stands and turned around."""
        left, right, operator = inner["lhs"], inner["rhs"], inner["op"]
        turned = _TURNED.get(operator, operator)
        part = Part.WHOLE if turned == operator else Part.ORDER
        yield from _paired(left, self.values(right), part, operator)
        yield from _paired(right, self.values(left), part, turned)

    def _listed(self, inner: Node) -> Iterator[Compared]:
        """A look into a collection: for an element of literals, or for a literal."""
        value, collection = inner["value"], inner["collection"]
        yield from _paired(value, self._elements(collection), operator="Eq")
        for literal in self.values(value):
            yield Compared(collection, literal, Part.WHOLE, inside=True)

    def _asked(self, call: Node) -> Iterator[Compared]:
        """A function that compares a part of a text."""
        part = _SIDES.get(function(call))
        if part is None or len(call["params"]) < 2:
            return
        text, asked, *_ = call["params"]
        literals = self.values(asked) or self._elements(asked)
        yield from _paired(text, literals, part)

    def values(self, node: Node) -> list[Node]:
        """The literals of which an expression is one, in the rule that was entered last."""
        match kind(node):
            case "Var":
                return _literals(self._meant(node))
            case "RefBrack" if kind(node["RefBrack"]["index"]) == "Var":
                return self._elements(node["RefBrack"]["refr"])
            case _:
                return _literals([node])

    def _elements(self, node: Node) -> list[Node]:
        """The literals that a collection has."""
        found: list[Node] = []
        for whole in self._meant(node):
            listed = kind(whole) in _LISTS
            found += whole[kind(whole)]["items"] if listed else []
        return _literals(found)

    def _keys(self, node: Node) -> list[Node]:
        """The literals by which a set or an object is looked into."""
        found: list[Node] = []
        for whole in self._meant(node):
            if kind(whole) == "Set":
                found += whole["Set"]["items"]
            elif kind(whole) == "Object":
                fields = whole["Object"]["fields"]
                found += [key for _, key, _ in fields]
        return _literals(found)

    def _meant(self, node: Node) -> list[Node]:
        """The expressions for which a name stands; the expression itself if it is no name."""
        if kind(node) != "Var":
            return [node]
        name = node["Var"]["value"]
        known = self._bound if name in self._bound else self._named
        return list(known.get(name, ()))


def _paired(
    reference: Node,
    literals: list[Node],
    part: Part = Part.WHOLE,
    operator: str = "",
) -> Iterator[Compared]:
    if kind(reference) in _LITERAL:
        return
    for literal in literals:
        yield Compared(reference, literal, part, operator)


def _literals(found: list[Node]) -> list[Node]:
    return [each for each in found if kind(each) in _LITERAL]


def _constants(tree: Node) -> Mapping[str, list[Node]]:
    """The values that a module's names are given, where that is all that they can be."""
    found: dict[str, list[Node]] = {}
    for rule in tree["rules"]:
        name = next(heads({"rules": [rule]}), "")
        values = found.setdefault(name, [])
        values.append(_value(rule))
    return {name: values for name, values in found.items() if all(values)}


def _value(rule: Node) -> Node:
    """The value that a rule gives its name; None if it is no constant."""
    head = rule.get("Spec", {}).get("head", {})
    form = kind(head)
    inner = head.get(form, {})
    if not path(inner.get("refr", {})):
        return None
    if form == "Set" and kind(inner["key"]) in _LITERAL:
        items = [inner["key"]]
        return {"Set": {"items": items}}
    assigned = inner.get("assign") if form == "Compr" else None
    return assigned["value"] if assigned else None
