"""The types of a module's names, as far as they are parts of the document.

Only what is certain is known: a name has a type if all that it is bound to are parts of the
document of that type.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from elfgate.policy.document import Document
from elfgate.policy.tree import Node, function, kind, nodes, path, spanned, text

Type: TypeAlias = Mapping[str, Any] | None
"""Part of the document's schema; None if that is not known."""

_PATTERNS = {"Array", "Object"}
_ROUNDS = 4  # a name bound to a part of another one's


class Types:
    """The types of the names of one module.

    Args:
        tree: The module's.
        source: Its text.
        alone: The module is its package's only one, so that nothing else can bind its names.
    """

    def __init__(self, tree: Node, source: str, *, alone: bool) -> None:
        self._source = source
        self._names: dict[str, Type] = {}
        self._parameters: dict[str, list[Type]] = {}
        self._bound: dict[str, Type] = {}
        for _ in range(_ROUNDS):
            names: dict[str, list[Type]] = {}
            calls: dict[str, list[list[Type]]] = {}
            for name, found in self._imported(tree):
                names.setdefault(name, []).append(found)
            for rule in tree["rules"] if alone else ():
                self.enter(rule)
                for name, found in self._defined(rule):
                    names.setdefault(name, []).append(found)
                for name, given in self._called(rule):
                    calls.setdefault(name, []).append(given)
            self._names = {name: _common(found) for name, found in names.items()}
            self._parameters = {
                name: [_common(found) for found in zip(*given, strict=False)]
                for name, given in calls.items()
            }

    def enter(self, rule: Node) -> None:
        """Find the types of a rule's variables, each anew from those found before."""
        self._bound = {}
        for _ in range(_ROUNDS):
            bound: dict[str, list[Type]] = {}
            for name, inner in nodes(rule, "SomeIn", "AssignExpr", "Func", "Every"):
                for variable, found in self._bindings(name, inner):
                    bound.setdefault(variable, []).append(found)
            self._bound = {variable: _common(found) for variable, found in bound.items()}

    def of(self, node: Node) -> Type:
        """The type of an expression in the rule that was entered last."""
        match kind(node):
            case "Var":
                return self._named(str(node["Var"]["value"]))
            case "RefDot" | "RefBrack":
                holder, key = self.member(node)
                return item(holder) if key is None else member(holder, key)
            case "ArrayCompr" | "SetCompr":
                return _array(self.of(node[kind(node)]["term"]))
            case "Call" if function(node["Call"]) == "object.get":
                return self._got(node["Call"]["params"])
            case _:
                return None

    def member(self, node: Node) -> tuple[Type, str | None]:
        """The holder and the key of a reference; no key where it is no literal text."""
        if kind(node) == "RefDot":
            inner = node["RefDot"]
            return self.of(inner["refr"]), str(inner["field"][1])
        inner = node["RefBrack"]
        return self.of(inner["refr"]), text(inner["index"])

    def _named(self, name: str) -> Type:
        if name in self._bound:
            return self._bound[name]
        return schema() if name == "input" else self._names.get(name)

    def _got(self, params: list[Node]) -> Type:
        asked = keys(params[1])
        found = self.of(params[0]) if asked else None
        for key in asked:
            found = member(found, key)
        return found

    def _imported(self, tree: Node) -> Iterator[tuple[str, Type]]:
        for entry in tree["imports"]:
            names = path(entry["refr"])
            if names[:1] == ("input",):
                alias = spanned(self._source, entry["as"]) if entry.get("as") else names[-1]
                yield alias, self.of(entry["refr"])

    def _defined(self, rule: Node) -> Iterator[tuple[str, Type]]:
        """The names that a rule's head defines."""
        if kind(rule) == "Default":
            yield from ((name, None) for name in path(rule["Default"]["refr"]))
            return
        head = rule["Spec"]["head"]
        inner = head[kind(head)]
        [name, *further] = path(inner["refr"]) or ("",)
        if kind(head) == "Set" and not further:
            yield name, _array(self.of(inner["key"]))
        elif kind(head) == "Compr" and inner["assign"] and name and len(rule["Spec"]["bodies"]) < 2:
            yield name, self.of(inner["assign"]["value"])
        else:
            yield name, None

    def _called(self, rule: Node) -> Iterator[tuple[str, list[Type]]]:
        for _, call in nodes(rule, "Call"):
            yield function(call), [self.of(param) for param in call["params"]]

    def _bindings(self, name: str, inner: Node) -> Iterator[tuple[str, Type]]:
        match name:
            case "SomeIn":
                found = item(self.of(inner["collection"]))
                yield from ((variable, None) for variable in _variables(inner["key"]))
                yield from self._bind(inner["value"], found)
            case "AssignExpr":
                yield from self._bind(inner["lhs"], self.of(inner["rhs"]))
                unified = self.of(inner["lhs"]) if inner["op"] == "Eq" else None
                if unified is not None:
                    yield from self._bind(inner["rhs"], unified)
            case "Every":
                found = item(self.of(inner["domain"]))
                yield spanned(self._source, inner["value"]), found
            case _:
                given = self._parameters.get(".".join(path(inner["refr"])), [])
                for position, argument in enumerate(inner["args"]):
                    known = position < len(given)
                    yield from self._bind(argument, given[position] if known else None)

    def _bind(self, pattern: Node, found: Type) -> Iterator[tuple[str, Type]]:
        if kind(pattern) == "Var":
            yield pattern["Var"]["value"], found
        elif kind(pattern) in _PATTERNS:
            yield from ((variable, None) for variable in _variables(pattern))


def keys(node: Node) -> list[str]:
    """The literal key, or path of keys, that ``object.get`` is given; none if it is no literal."""
    found = text(node)
    if found is not None:
        return [found]
    items = node["Array"]["items"] if kind(node) == "Array" else []
    texts = [text(each) for each in items]
    return [each for each in texts if each is not None] if None not in texts else []


def item(collection: Type) -> Type:
    """The type of what is in a collection."""
    if collection is None:
        return None
    return resolved(collection.get("items") or collection.get("additionalProperties"))


def member(holder: Type, key: str) -> Type:
    """The type of a member; None if there is none."""
    if holder is None:
        return None
    return resolved(properties(holder).get(key) or holder.get("additionalProperties"))


def properties(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members that the schema names."""
    found: Mapping[str, Any] = holder.get("properties", {})
    return found


def resolved(found: Any) -> Type:
    """A part of the schema, where it only refers to another one."""
    if not isinstance(found, Mapping):
        return None
    reference = found.get("$ref", "")
    return schema()["$defs"][reference.rpartition("/")[2]] if reference else found


@cache
def schema() -> Mapping[str, Any]:
    """The document's JSON Schema."""
    return Document.model_json_schema()


def _common(found: "list[Type] | tuple[Type, ...]") -> Type:
    return found[0] if all(each == found[0] for each in found) else None


def _array(of: Type) -> Type:
    return None if of is None else {"type": "array", "items": of}


def _variables(node: Node) -> Iterator[str]:
    for _, variable in nodes(node, "Var"):
        yield variable["value"]
