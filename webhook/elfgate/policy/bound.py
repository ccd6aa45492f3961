"""The variables of a rule, each with the literal values that it stands for."""

from collections.abc import Callable, Iterator

from elfgate.policy.tree import Node, kind, nodes, spanned

Resolve = Callable[[Node], list[Node]]
_Bound = tuple[str, list[Node]]
_BINDING = ("SomeIn", "SomeVars", "Every", "AssignExpr", "Func")


class Bindings:
    """Finds what the variables of a module's rules stand for.

    Args:
        source: The module's text.
        values: The literals of which an expression is one.
        elements: The literals that a collection has.
    """

    def __init__(self, source: str, values: Resolve, elements: Resolve) -> None:
        self._source = source
        self._values = values
        self._elements = elements

    def of_rule(self, rule: Node) -> dict[str, list[Node]]:
        """The literals behind each variable of a rule.

        None behind one that is bound to anything else, or more than once: what stands in one scope
        means nothing in another.
        """
        found: dict[str, list[Node]] = {}
        for name, inner in nodes(rule, *_BINDING):
            for variable, literals in self._bound(name, inner):
                twice = variable in found
                found[variable] = [] if twice else literals
        return found

    def _bound(self, name: str, inner: Node) -> Iterator[_Bound]:
        match name:
            case "SomeIn":
                literals = self._elements(inner["collection"])
                yield from _variables(inner["key"])
                yield from _pattern(inner["value"], literals)
            case "SomeVars":
                yield from self._named(*inner["vars"])
            case "Every":
                yield from self._named(inner["key"], inner["value"])
            case "AssignExpr" if inner["op"] == "ColEq":
                literals = self._values(inner["rhs"])
                yield from _pattern(inner["lhs"], literals)
            case "Func":
                yield from _variables(inner["args"])
            case _:
                return

    def _named(self, *spans: Node) -> Iterator[_Bound]:
        """Variables of which only the place is known."""
        for span in spans:
            if span is not None:
                yield spanned(self._source, span), []


def _pattern(pattern: Node, literals: list[Node]) -> Iterator[_Bound]:
    """A variable with what it is bound to; several of one pattern with nothing."""
    if kind(pattern) == "Var":
        yield pattern["Var"]["value"], literals
    else:
        yield from _variables(pattern)


def _variables(node: Node) -> Iterator[_Bound]:
    for _, variable in nodes(node, "Var"):
        yield variable["value"], []
