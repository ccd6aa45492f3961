"""Comparisons of parts of the document with what they can never be."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elfgate.likely import likely
from elfgate.policy.forms import FORMS, Part
from elfgate.policy.literals import Compared, Literals
from elfgate.policy.tree import Node, function, kind, literal, nodes, path, text
from elfgate.policy.typed import Type, Types, item

_Told = tuple[int, str]
_OF_LETTERS = frozenset(
    (
        *("contains", "endswith", "replace", "split", "startswith", "substring", "trim"),
        *("trim_left", "trim_prefix", "trim_right", "trim_suffix"),
    )
)
_FEW = 8  # words that are listed whole
_TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_WORDS = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a number",
    "number": "a number",
    "array": "a list",
    "object": "an object",
}


def unequal(tree: Node, literals: Literals, types: Types, looks: frozenset[str]) -> Iterator[_Told]:
    """The comparisons whose outcome is always the same, by line.

    Args:
        tree: The module's.
        literals: For which its names stand.
        types: Of its names.
        looks: What its METADATA says that it looks at.
    """
    for rule in tree["rules"]:
        types.enter(rule)
        for compared in literals.of_rule(rule):
            found = types.of(compared.reference)
            line = compared.literal[kind(compared.literal)]["span"]["line"]
            fault = _inside if compared.inside else _complaint
            complaint = fault(compared, found, looks)
            if complaint:
                yield line, complaint
        for _, call in nodes(rule, "Call"):
            yield from ((call["span"]["line"], said) for said in _cut(call, types, looks))


def _cut(call: Node, types: Types, looks: frozenset[str]) -> Iterator[str]:
    """The faults of a function that is asked of the letters of a name that is not shown."""
    name = function(call)
    if name in _OF_LETTERS or name.partition(".")[0] in {"regex", "strings"}:
        for param in call["params"]:
            said = _marked(_called(param), types.of(param) or {}, looks)
            if said:
                yield said


def _inside(compared: Compared, collection: Type, looks: frozenset[str]) -> str:
    """The fault of a look into a collection."""
    if (collection or {}).get("type") == "string":
        return f"{_called(compared.reference)} is a text, which `in` finds nothing in; use contains"
    return _complaint(compared, item(collection), looks)


def _complaint(compared: Compared, found: Type, looks: frozenset[str]) -> str:
    """The fault of a comparison; empty if none is known."""
    if found is None:
        return ""
    name = _name(compared)
    marked = _marked(name, found, looks)
    if marked and text(compared.literal) != "":  # no name is empty, and no mark
        return marked
    wanted, nullable = _type(found)
    if not wanted or (nullable and kind(compared.literal) == "Null"):
        return ""
    value = literal(compared.literal)
    if value is None:
        return f"{name} is {_WORDS[wanted]}, and never null"
    if not _is_of(value, wanted):
        return f"{name} is {_WORDS[wanted]}, and never {_quoted(value)}"
    return _text(name, found, value, compared.part) if isinstance(value, str) else ""


def _marked(name: str, found: Mapping[str, Any], looks: frozenset[str]) -> str:
    """The fault of a look at the letters of a name for which a mark stands; empty if none does."""
    hidden = found.get("marked_without", "")
    if not hidden or hidden in looks:
        return ""
    return f"{name} is a mark instead of a name: add {hidden} to looks_at in the METADATA"


def _name(compared: Compared) -> str:
    name = _called(compared.reference)
    return f"what is in {name}" if compared.inside else name


def _called(reference: Node) -> str:
    """The field that a reference ends in; the variable, if it is one."""
    if kind(reference) == "RefDot":
        return str(reference["RefDot"]["field"][1])
    return ".".join(path(reference)) or "what is compared"


def _type(found: Mapping[str, Any]) -> tuple[str, bool]:
    """The type of a part of the document, and whether it may be null; empty if it is of several."""
    kinds = [each.get("type", "") for each in found.get("anyOf", [found])]
    some = [each for each in kinds if each != "null"]
    return (some[0] if len(some) == 1 else ""), "null" in kinds


def _is_of(value: object, wanted: str) -> bool:
    given = _TYPES[type(value)]
    return given == wanted or {given, wanted} == {"integer", "number"}


def _text(name: str, found: Mapping[str, Any], value: str, part: Part) -> str:
    known = found.get("enum") or ([found["const"]] if "const" in found else [])
    if known and part is Part.WHOLE and value not in known:
        return f"{name} is never {_quoted(value)}{_instead(value, known)}"
    form = FORMS.get(found.get("form", ""))
    if form is None or (part is Part.ORDER and found["form"] != "day"):
        return ""
    fault = form.fault(value, Part.BEGIN if part is Part.ORDER else part)
    return f"{name} {part.value} {_quoted(value)}; {fault}" if fault else ""


def _instead(value: str, known: Sequence[Any]) -> str:
    """The words that there are, or the one that is meant."""
    words = [str(word) for word in known if word]
    close = likely(value, words)
    if len(words) > _FEW and close:
        return f', did you mean "{close}"?'
    return f"; it is one of {', '.join(words)}"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
