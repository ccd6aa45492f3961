"""References of a module into the document that find nothing there."""

from collections.abc import Iterator, Mapping
from typing import Any

from elfgate.policy.literals import Literals
from elfgate.policy.tree import Node, function, kind, nodes, text
from elfgate.policy.typed import Type, Types, keys, member, properties

_Told = tuple[int, str]
_Asked = tuple[Type, str]


def strangers(
    tree: Node, types: Types, literals: Literals, looks: frozenset[str]
) -> Iterator[_Told]:
    """The fields that the document does not have or does not show, by line.

    Args:
        tree: The module's.
        types: Of its names.
        literals: For which its names stand.
        looks: What its METADATA says that it looks at.
    """
    for part in (*tree["imports"], *tree["rules"]):
        types.enter(part)
        literals.enter(part)
        for name, inner in nodes(part, *_ASKING):
            line = inner["span"]["line"]
            for holder, key in _ASKING[name](inner, types, literals):
                complaint = _complaint(holder, key, looks)
                if complaint:
                    yield line, complaint


def _by_field(inner: Node, types: Types, _literals: Literals) -> Iterator[_Asked]:
    yield types.of(inner["refr"]), str(inner["field"][1])


def _by_index(inner: Node, types: Types, literals: Literals) -> Iterator[_Asked]:
    holder = types.of(inner["refr"])
    for key in literals.values(inner["index"]):
        yield holder, text(key) or ""


def _by_function(call: Node, types: Types, _literals: Literals) -> Iterator[_Asked]:
    """The keys that ``object.get`` is asked for: it says its default instead of nothing."""
    if function(call) != "object.get":
        return
    holder = types.of(call["params"][0])
    for key in keys(call["params"][1]):
        yield holder, key
        holder = member(holder, key)


def _by_key(inner: Node, types: Types, _literals: Literals) -> Iterator[_Asked]:
    """The key of ``some "image", value in container``."""
    yield types.of(inner["collection"]), text(inner["key"]) or ""


def _by_pattern(inner: Node, types: Types, _literals: Literals) -> Iterator[_Asked]:
    """The keys of ``{"image": image} = container``."""
    left, right = inner["lhs"], inner["rhs"]
    for pattern, reference in ((left, right), (right, left)):
        fields = pattern["Object"]["fields"] if kind(pattern) == "Object" else ()
        for _, key, _ in fields:
            yield types.of(reference), text(key) or ""


_ASKING = {
    "RefDot": _by_field,
    "RefBrack": _by_index,
    "Call": _by_function,
    "SomeIn": _by_key,
    "AssignExpr": _by_pattern,
}
"""What asks for a field, with the holder and the field that it asks for."""


def _complaint(holder: Type, key: str, looks: frozenset[str]) -> str:
    """The fault of a field; empty if there is none, or no field is known to be asked for."""
    if holder is None or not key:
        return ""
    found = properties(holder).get(key)
    if found is None and _is_closed(holder):
        return f"the document has no {key} there; {_there(holder)}"
    shown_by = found or {}
    look = shown_by.get("looks_at") or shown_by.get("hidden_without", "")
    if look and look not in looks:
        return f"{key} is not shown: add {look} to looks_at in the METADATA"
    return ""


def _is_closed(holder: Mapping[str, Any]) -> bool:
    """Whether it has no members but those that the schema names."""
    return "type" in holder and not isinstance(holder.get("additionalProperties"), Mapping)


def _there(holder: Mapping[str, Any]) -> str:
    names = sorted(properties(holder))
    return f"there are {', '.join(names)}" if names else f"it is of the type {holder['type']}"
