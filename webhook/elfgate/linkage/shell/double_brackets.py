"""The tests of ``[[``, which are expanded as they are decided.

Source: bash(1), "CONDITIONAL EXPRESSIONS".
"""

import re

from elfgate.linkage.shell.arithmetic import number_of
from elfgate.linkage.shell.automaton import Automaton, PatternError
from elfgate.linkage.shell.conditions import (
    NUMBERS,
    OF_FILES,
    TEXTS,
    Expansionless,
    by_status,
    same_file,
    texts_compared,
    unary,
)
from elfgate.linkage.shell.ends import ScriptEndsError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.patterns import has_pattern, regular_expression
from elfgate.linkage.shell.syntax.conditional_nodes import (
    BinaryTest,
    BothTests,
    EitherTest,
    NotTest,
    Test,
    UnaryTest,
)
from elfgate.linkage.shell.syntax.word_nodes import Word
from elfgate.linkage.shell.values import (
    Truth,
    both,
    either,
    opposite,
)
from elfgate.linkage.values import UNSET, Scalar, Unknown

_NO_OCTAL = re.compile(r"[ \t]*[-+]?0[0-7]*[89][0-9]*[ \t]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def decide(node: Test, expansion: Expansion) -> Truth:
    """Decide ``[[ … ]]``; what it expands and sets is left in ``expansion.state``."""
    if isinstance(node, NotTest):
        return opposite(decide(node.test, expansion))
    if isinstance(node, BothTests):
        one = decide(node.one, expansion)
        if one is False:
            return False
        return both(one, decide(node.other, expansion))
    if isinstance(node, EitherTest):
        one = decide(node.one, expansion)
        return True if one else either(one, decide(node.other, expansion))
    if isinstance(node, UnaryTest):
        value = expansion.value(node.word)
        return unary(node.operator, value, Expansionless(expansion.state, expansion.world))
    return _binary(node, expansion)


def _binary(node: BinaryTest, expansion: Expansion) -> Truth:
    how = node.operator
    left = expansion.value(node.left)
    if how == "=~":
        return _matches_expression(left, node.right, expansion)
    if how in TEXTS:
        return _matches(left, node, expansion)
    right = expansion.value(node.right)
    if how in NUMBERS:
        return _numbers(left, how, right, expansion)
    if how in OF_FILES:
        return same_file(left, how, right, expansion.state, expansion.world)
    return texts_compared(left, how, right)


def _matches(left: Scalar, node: BinaryTest, expansion: Expansion) -> Truth:
    runs = expansion.runs(node.right)
    if isinstance(runs, Unknown):
        return None
    if not has_pattern(runs) and not any("(" in text or "\\" in text for text, _ in runs):
        right = "".join(text for text, _ in runs)
        if "nocasematch" in expansion.state.has and left != right:
            return None
        return texts_compared(left, node.operator, right)
    strange = not expansion.world.dialect.arrays or "nocasematch" in expansion.state.has
    if isinstance(left, Unknown) or strange or not expansion.counts_bytes(left):
        return None
    automaton = expansion.automaton(node.right)
    if isinstance(automaton, Unknown):
        return None
    return automaton.matches(left) is (node.operator != "!=")


def _matches_expression(left: Scalar, right: Word, expansion: Expansion) -> Truth:
    runs = expansion.runs(right)
    expansion.assign("BASH_REMATCH", Unknown("what a regular expression has matched"))
    if isinstance(left, Unknown) or isinstance(runs, Unknown):
        return None
    strange = not expansion.world.dialect.is_bash or "nocasematch" in expansion.state.has
    if strange or not expansion.counts_bytes(left, *(text for text, _ in runs)):
        return None
    try:
        pattern = regular_expression(runs)
        return Automaton(pattern, expansion.world.spend).is_within(left)
    except PatternError:
        return None


def _numbers(left: Scalar, how: str, right: Scalar, expansion: Expansion) -> Truth:
    """Decide ``[[ a -eq b ]]``, whose operands are expressions."""
    known = by_status(left, how, right)
    if known is not None:
        return known
    if any(isinstance(value, str) and _NO_OCTAL.fullmatch(value) for value in (left, right)):
        return False  # 08: an error
    one, other = (_number(value, expansion) for value in (left, right))
    if one is None or other is None:
        return None
    return NUMBERS[how](one, other)


def _number(value: Scalar, expansion: Expansion) -> int | None:
    """Read an operand: a number, or a variable's name."""
    if isinstance(value, Unknown):
        return None
    if not value.strip():
        return 0
    number = number_of(value)
    if number is not None or not _NAME.fullmatch(value):
        return number
    inner = expansion.parameter(value)
    if inner is UNSET and "u" in expansion.state.has:
        raise ScriptEndsError
    if inner is UNSET:
        return 0
    if isinstance(inner, str) and inner.strip():
        return number_of(inner)
    return None
