"""Days in rules of the user's own that have passed, so that what they are asked never holds again."""

from collections.abc import Iterator
from datetime import date

from elfgate.policy.bundle import Bundle
from elfgate.policy.cautions import cautions
from elfgate.policy.embedded import parsed
from elfgate.policy.literals import Literals
from elfgate.policy.packages import package_of
from elfgate.policy.tree import Node, kind, text
from elfgate.policy.typed import Types

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
    own = {path: text for path, text in bundle.modules.items() if path.startswith(_OWN)}
    packages = [package_of(source) for source in own.values()]
    lines = []
    for path, source in own.items():
        tree, _ = parsed(path, source) if "today" in source else (None, "")
        alone = packages.count(package_of(source)) == 1
        found = _of_module(tree, source, today, alone=alone) if tree else ()
        lines += [f"{path.removeprefix(_OWN)}:{line}: {said}" for line, said in sorted(set(found))]
    return lines


def _of_module(tree: Node, source: str, today: date, *, alone: bool) -> Iterator[tuple[int, str]]:
    types = Types(tree, source, alone=alone)
    literals = Literals(tree, source, alone=alone)
    for rule in tree["rules"]:
        types.enter(rule)
        for compared in literals.of_rule(_asserted(rule)):
            if (types.of(compared.reference) or {}).get("form") != "day":
                continue
            said = _gone(compared.operator, text(compared.literal) or "", today.isoformat())
            if said:
                yield compared.literal[kind(compared.literal)]["span"]["line"], said


def _asserted(node: Node) -> Node:
    """A part of a module without the expressions that are to be false."""
    if isinstance(node, list):
        return [_asserted(part) for part in node]
    if not isinstance(node, dict) or kind(node) == "NotExpr":
        return None if isinstance(node, dict) else node
    return {name: _asserted(part) for name, part in node.items()}


def _gone(operator: str, day: str, today: str) -> str:
    """The words for a condition on the day that never holds again; empty if it may."""
    match operator:
        case "Eq" if day and day < today:
            return f"the day {day} has passed, so that today is never {day} again"
        case "Lt" if day <= today:
            return f"the day {day} has come, so that today is never before {day} again"
        case "Le" if day < today:
            return f"the day {day} has passed, so that today is never {day} or before again"
        case _:
            return ""
