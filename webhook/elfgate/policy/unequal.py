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
_FAMILIES = {"regex", "strings"}
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
            fault = _inside if compared.inside else _complaint
            complaint = fault(compared, found, looks)
            if complaint:
                yield compared.line, complaint
        for _, call in nodes(rule, "Call"):
            line = call["span"]["line"]
            for complaint in _cut(call, types, looks):
                yield line, complaint


def _cut(call: Node, types: Types, looks: frozenset[str]) -> Iterator[str]:
    """The faults of a function that is asked of the letters of a name that is not shown."""
    name = function(call)
    family, _, _ = name.partition(".")
    if name not in _OF_LETTERS and family not in _FAMILIES:
        return
    for param in call["params"]:
        found = types.of(param) or {}
        said = _marked(_called(param), found, looks)
        if said:
            yield said


def _inside(compared: Compared, collection: Type, looks: frozenset[str]) -> str:
    """The fault of a look into a collection."""
    if collection is not None and collection.get("type") == "string":
        name = _called(compared.reference)
        return f"{name} is a text, which `in` finds nothing in; use contains"
    element = item(collection)
    return _complaint(compared, element, looks)


def _complaint(compared: Compared, found: Type, looks: frozenset[str]) -> str:
    """The fault of a comparison; empty if none is known."""
    if found is None:
        return ""
    name = _name(compared)
    marked = _marked(name, found, looks)
    if marked and text(compared.literal) != "":  # no name is empty, and no mark
        return marked
    value = literal(compared.literal)
    wanted = _of_another_type(value, found)
    if wanted:
        return f"{name} is {_WORDS[wanted]}, and never {_quoted(value)}"
    if isinstance(value, str):
        return _text(name, found, value, compared.part)
    return ""


def _of_another_type(value: object, found: Mapping[str, Any]) -> str:
    """The type of a part of the document, if a value is of another; else empty."""
    kinds = [each.get("type", "") for each in found.get("anyOf", [found])]
    wanted = [each for each in kinds if each != "null"]
    if len(wanted) != 1 or not wanted[0]:
        return ""
    if value is None:
        return "" if "null" in kinds else str(wanted[0])
    return "" if _is_of(value, wanted[0]) else str(wanted[0])


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


def _is_of(value: object, wanted: str) -> bool:
    given = _TYPES[type(value)]
    return given == wanted or {given, wanted} == {"integer", "number"}


def _text(name: str, found: Mapping[str, Any], value: str, part: Part) -> str:
    """The fault of a comparison with a text."""
    known = _known(found)
    if known and part is Part.WHOLE and value not in known:
        instead = _instead(value, known)
        return f"{name} is never {_quoted(value)}{instead}"
    fault = _form_fault(found.get("form", ""), value, part)
    if not fault:
        return ""
    return f"{name} {part.value} {_quoted(value)}; {fault}"


def _known(found: Mapping[str, Any]) -> Sequence[Any]:
    """The only texts that a part of the document may be, if it names them."""
    if "const" in found:
        return [found["const"]]
    return list(found.get("enum", ()))


def _form_fault(name: str, value: str, part: Part) -> str:
    """The fault of a text by a form; of an order, by that of days."""
    form = FORMS.get(name)
    if form is None:
        return ""
    if part is not Part.ORDER:
        return form.fault(value, part)
    return form.fault(value, Part.BEGIN) if name == "day" else ""


def _instead(value: str, known: Sequence[Any]) -> str:
    """The words that there are, or the one that is meant."""
    words = [str(word) for word in known if word]
    close = likely(value, words)
    if len(words) > _FEW and close:
        return f', did you mean "{close}"?'
    return f"; write one of {', '.join(words)}"


def _quoted(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return "null" if value is None else str(value).lower()
