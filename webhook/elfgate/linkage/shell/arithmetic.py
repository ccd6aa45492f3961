"""The value of arithmetic expressions.

Source: POSIX.1-2017, Shell Command Language, 2.6.4; bash(1), "ARITHMETIC EVALUATION".
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from elfgate.linkage.shell.syntax.arithmetic_nodes import (
    Assign,
    Binary,
    Choice,
    Expression,
    Name,
    Number,
    OpaqueExpression,
    Operand,
    Step,
    Unary,
)
from elfgate.linkage.shell.syntax.word_nodes import Word
from elfgate.linkage.shell.values import Value
from elfgate.linkage.values import UNSET, Scalar, Unknown

_UNKNOWN = Unknown("a number is not known", number=True)
_NUMBER = re.compile(r"[ \t\n]*([-+]?)(0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]{0,18})[ \t\n]*")
_LEADING_ZERO = re.compile(r"[ \t\n]*[-+]?0[0-9]")
_BITS = 64
_SMALL = 1 << 31  # numbers below are the same where there are 32 bits only
_LONGEST_SHIFT = 63
_OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class NoValueError(Exception):
    """An expression that has no value, for sure: the command fails."""


class Setting(Protocol):
    """The variables that an expression reads and sets.

    Attributes:
        counts_as_c: Numbers have 64 bits, and a leading zero makes them octal.
    """

    @property
    def counts_as_c(self) -> bool:
        """Tell whether numbers are as in C."""

    def variable(self, name: str) -> Value:
        """Give a variable's value."""

    def assign(self, name: str, value: Scalar) -> None:
        """Set a variable."""

    def operand(self, word: Word) -> Scalar:
        """Expand a word."""

    def may_end(self) -> None:
        """Note that the script may end here, with an error."""


def number_of(text: str) -> int | None:
    """Read a text as a C constant, a sign before it; None if it is none."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    digits = match[2]
    base = 10
    if digits[:2] in ("0x", "0X"):
        base = 16
    elif digits[0] == "0":
        base = 8
    value = int(digits, base)
    if value >= 1 << (_BITS - 1):
        return None
    if match[1] == "-":
        return -value
    return value


def evaluate(node: Expression, setting: Setting) -> int | Unknown:  # noqa: PLR0911 - one a node
    """Give the value of an expression.

    Raises:
        NoValueError: if it has none.
    """
    if isinstance(node, Number):
        return _counted(node.value, setting)
    if isinstance(node, Name):
        return _named(node, setting)
    if isinstance(node, Operand):
        return _as_number(setting.operand(node.word), setting)
    if isinstance(node, Unary):
        return _unary(node, setting)
    if isinstance(node, Binary):
        return _binary(node, setting)
    if isinstance(node, Choice):
        return _choice(node, setting)
    if isinstance(node, Assign):
        return _assign(node, setting)
    if isinstance(node, Step):
        return _step(node, setting)
    return _opaque(node, setting)


def _opaque(node: OpaqueExpression, setting: Setting) -> Unknown:
    setting.may_end()
    for name in node.names:
        setting.assign(name, _UNKNOWN)
    return _UNKNOWN


def _named(node: Name, setting: Setting) -> int | Unknown:
    value = setting.variable(node.name)
    if value is UNSET:
        return 0
    if isinstance(value, (str, Unknown)):
        return _as_number(value, setting)
    setting.may_end()
    return _UNKNOWN


def _as_number(value: Scalar, setting: Setting) -> int | Unknown:
    if isinstance(value, Unknown):
        if not value.number:
            setting.may_end()
        return _UNKNOWN
    if not value.strip():
        return 0
    number = number_of(value)
    if number is not None:
        return _counted(number, setting, octal=_LEADING_ZERO.match(value) is not None)
    setting.may_end()  # a name is an expression of its own; anything else is an error
    return _UNKNOWN


def _counted(number: int, setting: Setting, *, octal: bool = False) -> int | Unknown:
    """Give a number, where all releases of the shell have the same one."""
    if setting.counts_as_c or (abs(number) < _SMALL and not octal):
        return number
    return _UNKNOWN


def _unary(node: Unary, setting: Setting) -> int | Unknown:
    value = evaluate(node.value, setting)
    if isinstance(value, Unknown):
        return value
    return {"-": -value, "+": value, "!": int(not value), "~": ~value}[node.operator]


def _binary(node: Binary, setting: Setting) -> int | Unknown:
    left = evaluate(node.left, setting)
    if node.operator in {"&&", "||"}:
        return _logical(node, left, setting)
    right = evaluate(node.right, setting)
    if node.operator == ",":
        return right
    divides = node.operator in {"/", "%", "**"}
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        if divides and right != 1:
            setting.may_end()
        return _UNKNOWN
    if divides:
        return _divided(node.operator, left, right)
    if node.operator in {"<<", ">>"}:
        shifted = _shifted(node.operator, left, right)
        return shifted if isinstance(shifted, Unknown) else _counted(shifted, setting)
    return _counted(_wrapped(int(_OPERATORS[node.operator](left, right))), setting)


def _logical(node: Binary, left: int | Unknown, setting: Setting) -> int | Unknown:
    decided = node.operator == "||"
    if isinstance(left, int) and bool(left) is decided:
        return int(decided)
    if isinstance(left, Unknown):
        setting.may_end()
        evaluate(node.right, _Doubtful(setting))
        return _UNKNOWN
    right = evaluate(node.right, setting)
    if isinstance(right, Unknown):
        return right
    return int(bool(right))


def _choice(node: Choice, setting: Setting) -> int | Unknown:
    condition = evaluate(node.condition, setting)
    if isinstance(condition, int):
        return evaluate(node.one if condition else node.other, setting)
    for side in (node.one, node.other):
        evaluate(side, _Doubtful(setting))
    return _UNKNOWN


def _divided(name: str, left: int, right: int) -> int:
    if name == "**":
        if right < 0:
            raise NoValueError
        return _wrapped(pow(left, right, 1 << _BITS))
    if right == 0:
        raise NoValueError
    quotient = abs(left) // abs(right)
    if (left < 0) is not (right < 0):
        quotient = -quotient
    if name == "/":
        return quotient
    return left - right * quotient


def _shifted(name: str, left: int, right: int) -> int | Unknown:
    if not 0 <= right <= _LONGEST_SHIFT:
        return _UNKNOWN
    if name == "<<":
        return _wrapped(left << right)
    return left >> right


def _wrapped(value: int) -> int:
    """Cut a number to 64 bits, as the machine does."""
    value &= (1 << _BITS) - 1
    if value >> (_BITS - 1):
        return value - (1 << _BITS)
    return value


def _assign(node: Assign, setting: Setting) -> int | Unknown:
    value: int | Unknown
    if node.operator:
        value = _binary(Binary(node.operator, node.name, node.value), setting)
    else:
        value = evaluate(node.value, setting)
    setting.assign(node.name.name, value if isinstance(value, Unknown) else str(value))
    return value


def _step(node: Step, setting: Setting) -> int | Unknown:
    before = _named(node.name, setting)
    if isinstance(before, Unknown):
        setting.assign(node.name.name, _UNKNOWN)
        return _UNKNOWN
    after = _wrapped(before + node.by)
    setting.assign(node.name.name, str(after))
    if node.before:
        return after
    return before


class _Doubtful:
    """A setting of which nobody knows whether it is reached: what it assigns is not known."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    @property
    def counts_as_c(self) -> bool:
        return self._setting.counts_as_c

    def variable(self, name: str) -> Value:
        return self._setting.variable(name)

    def assign(self, name: str, value: Scalar) -> None:
        del value
        self._setting.assign(name, _UNKNOWN)

    def operand(self, word: Word) -> Scalar:
        return self._setting.operand(word)

    def may_end(self) -> None:
        self._setting.may_end()
