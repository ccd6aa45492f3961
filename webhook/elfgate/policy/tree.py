"""A module of Rego as the embedded engine parses it, and how to find one's way in it."""

from collections.abc import Iterator
from typing import Any

Node = Any
"""Part of a tree: a dictionary of one kind and its parts, mostly."""


def kind(node: Node) -> str:
    """The kind of a node; empty if it is none."""
    return next(iter(node)) if isinstance(node, dict) and len(node) == 1 else ""


def nodes(tree: Node, *kinds: str) -> Iterator[tuple[str, Node]]:
    """Every node of some kinds in a tree, outer ones first, each with its kind."""
    if isinstance(tree, dict):
        found = kind(tree)
        if found in kinds:
            yield found, tree[found]
        for part in tree.values():
            yield from nodes(part, *kinds)
    elif isinstance(tree, list):
        for part in tree:
            yield from nodes(part, *kinds)


def path(node: Node) -> tuple[str, ...]:
    """The names of a plain reference (``data.elfgate.lib``); none if it is anything else."""
    match kind(node):
        case "Var":
            return (str(node["Var"]["value"]),)
        case "RefDot":
            before = path(node["RefDot"]["refr"])
            return (*before, str(node["RefDot"]["field"][1])) if before else ()
        case _:
            return ()


def text(node: Node) -> str | None:
    """The text of a literal; None if it is none."""
    found = kind(node)
    return str(node[found]["value"]) if found in {"String", "RawString"} else None


def literal(node: Node) -> str | int | float | bool | None:
    """The value of a literal text, number or truth; None if it is none."""
    found = kind(node)
    if found in {"Number", "Bool"}:
        value: int | float | bool = node[found]["value"]
        return value
    return text(node)


def function(call: Node) -> str:
    """The name of the function that a call names; empty if it names none plainly."""
    return ".".join(path(call["fcn"]))


def heads(tree: Node) -> Iterator[str]:
    """The name of each rule and function in a module."""
    for rule in tree["rules"]:
        inner = rule[kind(rule)]
        reference = inner["refr"] if "refr" in inner else _of_head(inner["head"])
        while kind(reference) in {"RefDot", "RefBrack"}:
            reference = reference[kind(reference)]["refr"]
        yield from path(reference)


def _of_head(head: Node) -> Node:
    return head[kind(head)]["refr"]


def imported(tree: Node, source: str) -> set[str]:
    """The names under which a module's imports are known in it."""
    return {
        spanned(source, entry["as"]) if entry.get("as") else path(entry["refr"])[-1]
        for entry in tree["imports"]
    }


def spanned(source: str, span: Node) -> str:
    """The part of a source that a span stands for."""
    return source.encode()[span["start"] : span["end"]].decode()
