"""Arithmetic with decimals, in which the embedded engine counts in binary and OPA does not."""

from collections.abc import Iterator
from decimal import Decimal

from elfgate.policy.tree import Node, function, nodes

_Told = tuple[int, str]
_SUMS = {"product", "sum"}


def decimals(tree: Node) -> Iterator[_Told]:
    """The decimals of which the engines make different numbers, by line."""
    for name, inner in nodes(tree["rules"], "ArithExpr", "Call"):
        if name == "Call" and function(inner) not in _SUMS:
            continue
        numbers = [number["value"] for _, number in nodes(inner, "Number")]
        odd = [number for number in numbers if not _is_binary(number)]
        if odd:
            line = inner["span"]["line"]
            yield line, f"the engines disagree on sums with {odd[0]}: count in whole numbers"


def _is_binary(number: float) -> bool:
    """Whether a number is the same in binary as it is written: 0.5 is, 0.1 is not."""
    return Decimal(number) == Decimal(str(number))
