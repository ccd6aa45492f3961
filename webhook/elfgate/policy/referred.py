"""References of a module into the document, followed along its schema.

Only what is certain is told: a variable has a type if all that it is bound to are parts of the
document of that type.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from elfgate.policy.document import Document
from elfgate.policy.tree import Node, kind, nodes, spanned, text

_Type = Mapping[str, Any] | None
"""Part of the schema; None if that is not known."""
_ROUNDS = 4  # a variable bound to a part of another one's


class References:
    """The references of one module.

    Args:
        tree: The module's.
        source: Its text.
        looks: What its METADATA says that it looks at.
    """

    def __init__(self, tree: Node, source: str, looks: frozenset[str]) -> None:
        self._tree = tree
        self._source = source
        self._looks = looks
        self._bound: dict[str, _Type] = {}
        self._found: list[tuple[int, str]] = []

    def complaints(self) -> Iterator[tuple[int, str]]:
        """The fields that the document does not have or does not show, by line."""
        for rule in self._tree["rules"]:
            self._bound = {}
            for _ in range(_ROUNDS):
                self._bind(rule)
            self._found = []
            for name, inner in nodes(rule, "RefDot", "RefBrack"):
                self._type({name: inner}, told=True)
            yield from self._found

    def _bind(self, rule: Node) -> None:
        """Find the types of variables, each anew from those found before."""
        bound: dict[str, list[_Type]] = {}
        for name, inner in nodes(rule, "SomeIn", "AssignExpr", "Func", "Every"):
            for variable, found in self._bindings(name, inner):
                bound.setdefault(variable, []).append(found)
        self._bound = {
            variable: found[0] if all(each == found[0] for each in found) else None
            for variable, found in bound.items()
        }

    def _bindings(self, name: str, inner: Node) -> Iterator[tuple[str, _Type]]:
        if name == "SomeIn":
            item = _item(self._type(inner["collection"]))
            yield from ((variable, None) for variable in _variables(inner["key"]))
            if kind(inner["value"]) == "Var":
                yield inner["value"]["Var"]["value"], item
            else:
                yield from ((variable, None) for variable in _variables(inner["value"]))
        elif name == "AssignExpr" and kind(inner["lhs"]) == "Var":
            yield inner["lhs"]["Var"]["value"], self._type(inner["rhs"])
        elif name == "AssignExpr":
            yield from ((variable, None) for variable in _variables(inner["lhs"]))
        elif name == "Every":
            yield spanned(self._source, inner["value"]), _item(self._type(inner["domain"]))
        elif name == "Func":
            yield from ((variable, None) for variable in _variables(inner["args"]))

    def _type(self, node: Node, *, told: bool = False) -> _Type:
        match kind(node):
            case "Var":
                name = node["Var"]["value"]
                return _schema() if name == "input" else self._bound.get(name)
            case "RefDot":
                inner = node["RefDot"]
                return self._member(inner, str(inner["field"][1]), told=told)
            case "RefBrack":
                inner = node["RefBrack"]
                key = text(inner["index"])
                if key is not None:
                    return self._member(inner, key, told=told)
                return _item(self._type(inner["refr"]))
            case _:
                return None

    def _member(self, inner: Node, key: str, *, told: bool) -> _Type:
        holder = self._type(inner["refr"])
        if holder is None:
            return None
        found = _properties(holder).get(key)
        if found is None and _is_closed(holder):
            if told:
                self._tell(inner, f"the document has no {key} there; {_there(holder)}")
            return None
        look = (found or {}).get("looks_at", "")
        if look and look not in self._looks and told:
            self._tell(inner, f"{key} is not shown: add {look} to looks_at in the METADATA")
        return _resolved(found or holder.get("additionalProperties"))

    def _tell(self, inner: Node, complaint: str) -> None:
        self._found.append((inner["span"]["line"], complaint))


def _variables(node: Node) -> Iterator[str]:
    for _, variable in nodes(node, "Var"):
        yield variable["value"]


def _item(collection: _Type) -> _Type:
    if collection is None:
        return None
    return _resolved(collection.get("items") or collection.get("additionalProperties"))


def _properties(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = holder.get("properties", {})
    return found


def _is_closed(holder: Mapping[str, Any]) -> bool:
    """Whether it has no members but those that the schema names."""
    return "type" in holder and not isinstance(holder.get("additionalProperties"), Mapping)


def _there(holder: Mapping[str, Any]) -> str:
    names = sorted(_properties(holder))
    return f"there are {', '.join(names)}" if names else f"it is of the type {holder['type']}"


def _resolved(found: Any) -> _Type:
    if not isinstance(found, Mapping):
        return None
    reference = found.get("$ref", "")
    return _schema()["$defs"][reference.rpartition("/")[2]] if reference else found


@cache
def _schema() -> Mapping[str, Any]:
    return Document.model_json_schema()
