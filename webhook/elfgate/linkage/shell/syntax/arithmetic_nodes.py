"""The nodes of an arithmetic expression.

Source: POSIX.1-2017, Shell Command Language, 2.6.4; bash(1), "ARITHMETIC EVALUATION".
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elfgate.linkage.shell.syntax.word_nodes import Word


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A constant of an arithmetic expression."""

    value: int


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A variable by its bare name, or an element of an array."""

    name: str
    index: "Word | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """An expansion within an arithmetic expression, which must come to a number."""

    word: "Word"


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """``-``, ``+``, ``!`` or ``~``."""

    operator: str
    value: "Expression"


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """An operator of two operands; ``,`` among them."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """``condition ? one : other``."""

    condition: "Expression"
    one: "Expression"
    other: "Expression"


@dataclass(frozen=True, slots=True, eq=False)
class Assign:
    """``name = value`` or ``name += value`` and so on; ``operator`` is empty or ``+`` and so on."""

    name: Name
    operator: str
    value: "Expression"


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """``name++`` and its kin."""

    name: Name
    by: int
    before: bool


@dataclass(frozen=True, slots=True, eq=False)
class OpaqueExpression:
    """An expression that is not understood; ``names`` are those that it may set."""

    text: str
    names: tuple[str, ...] = ()


Expression = Number | Name | Operand | Unary | Binary | Choice | Assign | Step | OpaqueExpression
