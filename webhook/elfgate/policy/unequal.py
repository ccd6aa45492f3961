"""Comparisons of parts of the document with what they can never be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elfgate.errors import InputError
from elfgate.images.reference import Reference
from elfgate.likely import likely
from elfgate.platforms import ARCHITECTURES
from elfgate.policy.names import kind_of
from elfgate.policy.tree import Node, function, kind, literal, nodes, path, text
from elfgate.policy.typed import Type, Types

_Told = tuple[int, str]
_MACHINES = {  # what uname, Debian or a build calls them, and what Kubernetes does
    "x86_64": "amd64",
    "x86-64": "amd64",
    "x64": "amd64",
    "aarch64": "arm64",
    "armv6l": "arm/v6",
    "armv7l": "arm/v7",
    "armhf": "arm/v7",
    "i386": "386",
    "i686": "386",
    "ppc64el": "ppc64le",
    "powerpc64le": "ppc64le",
}
_HUB = frozenset(("docker.io", "index.docker.io", "registry-1.docker.io"))
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


def unequal(tree: Node, types: Types) -> Iterator[_Told]:
    """The comparisons whose outcome is always the same, by line."""
    for rule in tree["rules"]:
        types.enter(rule)
        for name, inner in nodes(rule, "BoolExpr", "AssignExpr", "Membership"):
            line = inner["span"]["line"]
            for reference, other in _pairs(name, inner):
                complaint = _complaint(_name(reference), types.of(reference), other)
                if complaint:
                    yield line, complaint
        for _, call in nodes(rule, "Call"):
            if function(call) == "startswith" and len(call["params"]) == 2:
                reference, begin = call["params"]
                if _name(reference) == "repository" and types.of(reference) is not None:
                    yield from _begun(call["span"]["line"], text(begin) or "")


def _begun(line: int, begin: str) -> Iterator[_Told]:
    """A beginning that no repository has, as Docker Hub's are written without its name."""
    host, slash, rest = begin.partition("/")
    if slash and host in _HUB:
        yield (
            line,
            f"repository never begins with {begin}; Docker Hub's is written {rest or 'nginx'}",
        )


def _pairs(name: str, inner: Node) -> Iterator[tuple[Node, Node]]:
    """The references of a comparison, each with what it is compared with."""
    if name == "Membership":
        listed = inner["collection"].get(kind(inner["collection"]))
        if kind(inner["collection"]) in {"Array", "Set"}:
            yield from ((inner["value"], other) for other in listed["items"])
    elif name == "BoolExpr" or inner["op"] == "Eq":
        yield inner["lhs"], inner["rhs"]
        yield inner["rhs"], inner["lhs"]


def _name(reference: Node) -> str:
    """The field that a reference ends in; the variable, if it is one."""
    if kind(reference) == "RefDot":
        return str(reference["RefDot"]["field"][1])
    return ".".join(path(reference)) or "what is compared"


def _complaint(name: str, found: Type, other: Node) -> str:
    """The fault of a comparison; empty if none is known."""
    if found is None or "type" not in found:
        return ""
    if kind(other) == "Null":
        return f"{name} is {_WORDS[found['type']]}, and never null"
    value = literal(other)
    if value is None:
        return ""
    if not _is_of(value, str(found["type"])):
        return f"{name} is {_WORDS[found['type']]}, and never {_quoted(value)}"
    if isinstance(value, str):
        return _text(name, found, value)
    return ""


def _is_of(value: object, wanted: str) -> bool:
    given = _TYPES[type(value)]
    return given == wanted or {given, wanted} == {"integer", "number"}


def _text(name: str, found: Mapping[str, Any], value: str) -> str:
    known = found.get("enum") or ([found["const"]] if "const" in found else [])
    if known and value not in known:
        return f"{name} is never {_quoted(value)}{_instead(value, known)}"
    example = found.get("examples", [""])[0]
    completed = value + example[len(value) :]  # a beginning is enough to compare with: "2026-06"
    if example and not re.search(found["pattern"], completed):
        return f"{name} is never {_quoted(value)}; it is written as in {example}"
    if name == "platform":
        return platform(value)
    if name == "repository":
        return _repository(value)
    if name == "kind" and kind_of(value) not in {"", value}:
        return f"kind is never {_quoted(value)}; it is written {kind_of(value)}"
    return _architecture(value) if name == "architecture" else ""


def _instead(value: str, known: Sequence[Any]) -> str:
    """The words that there are, or the one that is meant."""
    words = [str(word) for word in known if word]
    close = likely(value, words)
    if len(words) > _FEW and close:
        return f', did you mean "{close}"?'
    return f"; it is one of {', '.join(words)}"


def _repository(value: str) -> str:
    """Say what is wrong with a repository's name; empty if nothing is."""
    if not value:
        return ""
    try:
        reference = Reference.parse(value)
    except InputError:
        return f"repository is never {_quoted(value)}: no image has that name"
    if reference.familiar_name != value:
        return f"repository is never {_quoted(value)}; it is written {reference.familiar_name}"
    return ""


def platform(written: str) -> str:
    """Say what is wrong with a platform's name; empty if nothing is."""
    system, slash, machine = written.partition("/")
    if not written:
        return ""
    if "*" in written:
        return f"{written} is not a platform: leave platform out to mean wherever the pod lands"
    if not slash or system in ARCHITECTURES:
        return f"the platform {written} is written linux/{_MACHINES.get(written, written)}"
    if machine in _MACHINES or system != system.lower():
        known = _MACHINES.get(machine, machine)
        return f"the platform {written} is written {system.lower()}/{known}"
    return ""


def _architecture(written: str) -> str:
    machine = written.rpartition("/")[2] if written.startswith("linux/") else written
    known = _MACHINES.get(machine, machine).partition("/")[0]
    return "" if known == written else f"the architecture {written} is written {known}"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
