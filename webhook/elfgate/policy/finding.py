"""Findings that a rule writes out: what no finding can be, held before any document is judged."""

from collections.abc import Iterator, Mapping

from elfgate.errors import UnknownReason
from elfgate.policy.literals import Literals
from elfgate.policy.machines import platform
from elfgate.policy.tree import Node, kind, literal, nodes, path, text

_Told = tuple[int, str]
_EFFECTS = ("violates", "fails", "unknown", "note")
_TEXTS = ("container", "effect", "image", "message", "platform", "reason", "remedy")
_KEYS = frozenset((*_TEXTS, "position"))
_NO_TEXT = {"Array", "Object", "Set", "Number", "Bool", "Null"}
_NO_FINDING = (_NO_TEXT | {"String", "RawString"}) - {"Object"}
_NO_SET = {"Array", "Object", "Number", "Bool", "Null", "String", "RawString"}
_FORM = "write `findings contains {…} if {…}`"


def findings(tree: Node, literals: Literals) -> Iterator[_Told]:
    """The faults of the findings of a module, by line."""
    for rule in tree["rules"]:
        literals.enter(rule)
        yield from _of_head(rule)
        for written in _written(rule):
            line = written["span"]["line"]
            for said in _faults(written, literals):
                yield line, said


def _of_head(rule: Node) -> Iterator[_Told]:
    """A rule called ``findings`` that is no set of objects."""
    if kind(rule) == "Default":
        inner, form = rule["Default"], "Default"
    else:
        head = rule["Spec"]["head"]
        form, inner = kind(head), head[kind(head)]
    line = inner["span"]["line"]
    if form == "Set" and path(inner["refr"]) == ("findings",):
        if kind(inner["key"]) in _NO_FINDING:
            yield line, f"a finding is an object: {_FORM}"
    elif _name(inner["refr"]) == "findings" and _is_no_set(form, inner):
        yield line, f"`findings` is no set of findings: {_FORM}"


def _name(reference: Node) -> str:
    while kind(reference) in {"RefDot", "RefBrack"}:
        reference = reference[kind(reference)]["refr"]
    return ".".join(path(reference))


def _is_no_set(form: str, inner: Node) -> bool:
    if form == "Default":
        return kind(inner["value"]) in _NO_SET
    if form == "Func" or not path(inner["refr"]):
        return True
    assigned = inner.get("assign")
    return assigned is None or kind(assigned["value"]) in _NO_SET


def _written(rule: Node) -> Iterator[Node]:
    """The findings that a rule writes out: in its head, or bound to the variable there."""
    head = rule.get("Spec", {}).get("head", {}).get("Set")
    if head is None or path(head["refr"]) != ("findings",) or head["key"] is None:
        return
    if kind(head["key"]) == "Object":
        yield head["key"]["Object"]
    for _, assigned in nodes(rule, "AssignExpr"):
        if path(head["key"]) == path(assigned["lhs"]) != () and kind(assigned["rhs"]) == "Object":
            yield assigned["rhs"]["Object"]


def _faults(written: Node, literals: Literals) -> Iterator[str]:
    fields = {text(key): value for _, key, value in written["fields"]}
    if None in fields:
        return
    yield from _forms(fields)
    for name, fault in _WORDS.items():
        for value in literals.values(fields.get(name, {})):
            word = text(value)
            said = fault(word) if word is not None else ""
            if said:
                yield said


def _forms(fields: Mapping[str | None, Node]) -> Iterator[str]:
    """Keys that no finding has, and values of another type."""
    for name in sorted(set(map(str, fields)) - _KEYS):
        yield f"a finding has no {name}; write one of {', '.join(sorted(_KEYS))}"
    for name in sorted(set(_TEXTS) & set(map(str, fields))):
        if kind(fields[name]) in _NO_TEXT:
            yield f"the finding's {name} is not a text"
    if "message" not in fields:
        yield "the finding has no message"
    elif text(fields["message"]) == "":
        yield "the finding's message is empty"
    if isinstance(literal(fields.get("position", {})), str):
        yield "the finding's position is not a number"


def _effect(word: str) -> str:
    if word in _EFFECTS:
        return ""
    return f"the finding's effect is never {word}; write one of {', '.join(_EFFECTS)}"


def _reason(word: str) -> str:
    if not word or word in set(UnknownReason):
        return ""
    known = ", ".join(sorted(UnknownReason))
    return f"no setting of `unknown` is for the reason {word}; the reasons are {known}"


def _platform(word: str) -> str:
    if "*" in word:
        return f"{word} is not a platform: leave platform out to mean wherever the pod lands"
    meant = platform(word) if word else ""
    return f"the platform {word} is written {meant}" if meant else ""


_WORDS = {"effect": _effect, "reason": _reason, "platform": _platform}
"""Words that must be some that are known, with what is wrong with others."""
