"""Days in rules of the user's own that have passed, so that what they are asked never holds again."""

from collections import Counter
from datetime import date

from elfgate.policy.bundle import Bundle
from elfgate.policy.cautions import cautions
from elfgate.policy.embedded import parsed
from elfgate.policy.literals import Compared, Literals
from elfgate.policy.packages import package_of
from elfgate.policy.tree import Node, kind, text
from elfgate.policy.typed import Type, Types

_OWN = "own/"


def told_of(bundle: Bundle, today: date) -> list[str]:
    """Say what the owner of a bundle should know, one line each."""
    settings = bundle.data["elfgate"]["config"]
    return [*cautions(settings, today, bundle.awaited), *passed(bundle, today)]


def passed(bundle: Bundle, today: date) -> list[str]:
    """Say which conditions on the day hold no more, a line each.

    Args:
        bundle: The bundle in force.
        today: The day, in UTC as policies have it.
    """
    own = {}
    for path, source in bundle.modules.items():
        if path.startswith(_OWN):
            name = path.removeprefix(_OWN)
            own[name] = source
    packages = Counter(map(package_of, own.values()))
    lines: list[str] = []
    for name, source in own.items():
        if "today" not in source:
            continue
        package = package_of(source)
        alone = packages[package] == 1
        found = _of_module(source, today, alone=alone)
        lines += [f"{name}:{line}: {said}" for line, said in sorted(found)]
    return lines


def _of_module(source: str, today: date, *, alone: bool) -> set[tuple[int, str]]:
    """The conditions of a module that hold no more, by line."""
    found: set[tuple[int, str]] = set()
    tree, _ = parsed("rule", source)
    if not tree:
        return found
    types = Types(tree, source, alone=alone)
    literals = Literals(tree, source, alone=alone)
    for rule in tree["rules"]:
        types.enter(rule)
        asserted = _asserted(rule)
        for compared in literals.of_rule(asserted):
            known = types.of(compared.reference)
            said = _gone(compared, known, today)
            if said:
                found.add((compared.line, said))
    return found


def _asserted(node: Node) -> Node:
    """A part of a module without the expressions that are to be false."""
    if isinstance(node, list):
        return [_asserted(part) for part in node]
    if not isinstance(node, dict):
        return node
    if kind(node) == "NotExpr":
        return None
    return {name: _asserted(part) for name, part in node.items()}


def _gone(compared: Compared, known: Type, now: date) -> str:
    """The words for a condition on the day that never holds again; empty if it may."""
    if known is None or known.get("form") != "day":
        return ""
    day = text(compared.literal) or ""
    today = now.isoformat()
    match compared.operator:
        case "Eq" if day and day < today:
            return f"the day {day} has passed, so that today is never {day} again"
        case "Lt" if day <= today:
            return f"the day {day} has come, so that today is never before {day} again"
        case "Le" if day < today:
            return f"the day {day} has passed, so that today is never {day} or before again"
        case _:
            return ""
