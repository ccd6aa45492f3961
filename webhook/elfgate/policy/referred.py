"""References of a module into the document that find nothing there."""

from collections.abc import Iterator, Mapping
from typing import Any

from elfgate.policy.tree import Node, function, nodes
from elfgate.policy.typed import Type, Types, keys, member, properties

_Told = tuple[int, str]


def strangers(tree: Node, types: Types, looks: frozenset[str]) -> Iterator[_Told]:
    """The fields that the document does not have or does not show, by line.

    Args:
        tree: The module's.
        types: Of its names.
        looks: What its METADATA says that it looks at.
    """
    for part in (*tree["imports"], *tree["rules"]):
        types.enter(part)
        for name, inner in nodes(part, "RefDot", "RefBrack"):
            holder, key = types.member({name: inner})
            yield from _complaints(inner, holder, key, looks)
        for _, call in nodes(part, "Call"):
            if function(call) == "object.get":
                yield from _got(call, types, looks)


def _got(call: Node, types: Types, looks: frozenset[str]) -> Iterator[_Told]:
    """The keys that ``object.get`` is asked for: it says its default instead of nothing."""
    holder = types.of(call["params"][0])
    for key in keys(call["params"][1]):
        yield from _complaints(call, holder, key, looks)
        holder = member(holder, key)


def _complaints(
    inner: Node, holder: Type, key: str | None, looks: frozenset[str]
) -> Iterator[_Told]:
    if holder is None or key is None:
        return
    line = inner["span"]["line"]
    found = properties(holder).get(key)
    if found is None and _is_closed(holder):
        yield line, f"the document has no {key} there; {_there(holder)}"
        return
    shown_by = found or {}
    look = shown_by.get("looks_at") or shown_by.get("hidden_without", "")
    if look and look not in looks:
        yield line, f"{key} is not shown: add {look} to looks_at in the METADATA"


def _is_closed(holder: Mapping[str, Any]) -> bool:
    """Whether it has no members but those that the schema names."""
    return "type" in holder and not isinstance(holder.get("additionalProperties"), Mapping)


def _there(holder: Mapping[str, Any]) -> str:
    names = sorted(properties(holder))
    return f"there are {', '.join(names)}" if names else f"it is of the type {holder['type']}"
