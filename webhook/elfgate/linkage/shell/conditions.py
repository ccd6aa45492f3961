"""Conditions: ``test``, ``[`` and ``[[``, decided where arguments, variables and files are known.

Sources: POSIX.1-2017, test(1); bash(1), "CONDITIONAL EXPRESSIONS"; dash ``test.c``; busybox
``coreutils/test.c``.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence

from elfgate.linkage.shell import files
from elfgate.linkage.shell.arithmetic import number_of
from elfgate.linkage.shell.automaton import Automaton, PatternError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.patterns import has_pattern, regular_expression
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.syntax.nodes import (
    BinaryTest,
    BothTests,
    EitherTest,
    NotTest,
    Test,
    UnaryTest,
    Word,
)
from elfgate.linkage.shell.values import (
    Truth,
    UnknownStatus,
    both,
    either,
    opposite,
)
from elfgate.linkage.shell.world import Thing, World
from elfgate.linkage.values import UNSET, Scalar, Unknown

NUMBERS: Mapping[str, Callable[[int, int], bool]] = {
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-gt": operator.gt,
    "-lt": operator.lt,
    "-ge": operator.ge,
    "-le": operator.le,
}
_TEXTS = frozenset({"=", "==", "!="})
_OF_FILES = frozenset({"-nt", "-ot", "-ef"})
_BINARY = {*NUMBERS, *_TEXTS, *_OF_FILES, "=~", "<", ">"}
_UNARY = re.compile(r"-[a-zA-Z]")
_LETTERS = frozenset("abcdefghkprstuwxGLNOS")
_NOT_OF_DASH = frozenset({"-N", "-R", "-a", "-o", "-v"})
_DECIMAL = re.compile(r"[ \t\n\v\f\r]*[-+]?[0-9]+[ \t\n\v\f\r]*")
_PLAIN = re.compile(r"[-+]?(0|[1-9][0-9]{0,8})")
_NO_OCTAL = re.compile(r"[ \t]*[-+]?0[0-7]*[89][0-9]*[ \t]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GREATEST = 1 << 63
_NAMED = {
    "errexit": "e",
    "nounset": "u",
    "noglob": "f",
    "allexport": "a",
    "pipefail": "pipefail",
}
_MOST = 64  # words of a test: of a longer one nothing is known


class TestError(Exception):
    """A test that is none: its status is 2."""

    __test__ = False


class Brackets:
    """Decides ``test`` and ``[``.

    Args:
        values: The arguments, without a closing bracket.
        state: Where the script stands.
        world: The files, and the shell.
    """

    def __init__(self, values: Sequence[Scalar], state: State, world: World) -> None:
        self._values = list(values)
        self._state = state
        self._world = world
        self._at = 0

    def decide(self) -> Truth:
        """Decide it.

        Raises:
            TestError: if it is no test.
        """
        if len(self._values) > _MOST:
            return None
        return self._by_count(self._values)

    def _by_count(self, values: Sequence[Scalar]) -> Truth:
        """Decide it as POSIX says, by the number of arguments."""
        count = len(values)
        if count == 0:
            return False
        if count == 1:
            return _is_text(values[0])
        if count == 2:
            return self._of_two(values)
        if count == 3:
            return self._of_three(values)
        if count == 4 and values[0] == "!":
            return opposite(self._by_count(values[1:]))
        return self._whole(values)

    def _of_two(self, values: Sequence[Scalar]) -> Truth:
        if values[0] == "!":
            return opposite(_is_text(values[1]))
        if isinstance(values[0], Unknown):
            return None
        return self._unary(values[0], values[1])

    def _of_three(self, values: Sequence[Scalar]) -> Truth:
        if isinstance(values[1], Unknown):
            return None
        if values[1] in _BINARY:
            return self._binary(values[0], values[1], values[2])
        if values[1] in {"-a", "-o"}:
            joined = both if values[1] == "-a" else either
            return joined(_is_text(values[0]), _is_text(values[2]))
        if values[0] == "!":
            return opposite(self._by_count(values[1:]))
        if values[0] == "(" and values[2] == ")":
            return _is_text(values[1])
        if isinstance(values[0], Unknown):
            return None
        raise TestError

    def _whole(self, values: Sequence[Scalar]) -> Truth:
        """Decide ``A -o B -a ! C``, of which ``-a`` binds closer."""
        self._values, self._at = list(values), 0
        truth = self._any()
        if self._at < len(self._values):
            if any(isinstance(value, Unknown) for value in values):
                return None
            raise TestError
        return truth

    def _any(self) -> Truth:
        truth = self._all()
        while self._takes("-o"):
            truth = either(truth, self._all())
        return truth

    def _all(self) -> Truth:
        truth = self._one()
        while self._takes("-a"):
            truth = both(truth, self._one())
        return truth

    def _takes(self, text: str) -> bool:
        if self._at < len(self._values) and self._values[self._at] == text:
            self._at += 1
            return True
        return False

    def _one(self) -> Truth:
        rest = self._values[self._at :]
        if not rest:
            raise TestError
        if len(rest) > 2 and isinstance(rest[1], str) and rest[1] in _BINARY:
            self._at += 3
            return self._binary(rest[0], rest[1], rest[2])
        if self._takes("!"):
            return opposite(self._one())
        if self._takes("("):
            truth = self._any()
            if not self._takes(")"):
                raise TestError
            return truth
        if isinstance(rest[0], str) and _UNARY.fullmatch(rest[0]) and len(rest) > 1:
            self._at += 2
            return self._unary(rest[0], rest[1])
        self._at += 1
        return _is_text(rest[0])

    def _unary(self, name: str, value: Scalar) -> Truth:
        if not _UNARY.fullmatch(name):
            raise TestError
        if name in _NOT_OF_DASH and not self._world.dialect.arrays:
            return self._beyond_posix()
        return unary(name, value, Expansionless(self._state, self._world))

    def _beyond_posix(self) -> Truth:
        """Decide a test that dash does not have, nor all releases of busybox."""
        if self._world.dialect.name == "dash":
            raise TestError
        return None

    def _binary(self, left: Scalar, how: str, right: Scalar) -> Truth:
        if how == "==" and not self._world.dialect.equals_twice:
            raise TestError
        if how == "=~":
            return None
        if how in NUMBERS:
            return self._compared(left, how, right)
        if how in _OF_FILES:
            return same_file(left, how, right, self._state, self._world)
        return texts_compared(left, how, right)

    def _compared(self, left: Scalar, how: str, right: Scalar) -> Truth:
        known = by_status(left, how, right)
        if known is not None:
            return known
        numbers = [self._number(value) for value in (left, right)]
        if None in numbers:
            return None
        return NUMBERS[how](numbers[0] or 0, numbers[1] or 0)

    def _number(self, value: Scalar) -> int | None:
        if isinstance(value, Unknown):
            return None
        if not self._world.dialect.counts_as_c:
            return self._expression(value)
        if not _DECIMAL.fullmatch(value):
            if not value.strip() and not self._world.dialect.is_bash:
                return None  # busybox takes it for 0
            raise TestError
        number = int(value[:25])
        if len(value) > 25 or not -_GREATEST <= number < _GREATEST:
            raise TestError
        return number

    def _expression(self, value: str) -> int | None:
        """Read an operand of mksh: an expression; of one that is no plain number nothing is known."""
        return int(value) if _PLAIN.fullmatch(value) else None


class Expansionless:
    """A unary test's question to the shell, without expansions."""

    def __init__(self, state: State, world: World) -> None:
        self.state = state
        self.world = world

    def is_set(self, name: str) -> Truth:
        """Tell whether a variable is set."""
        value = self.state.variables.values.get(name)
        if value is None:
            value = self.world.variable(name)
        if isinstance(value, Unknown):
            if self.world.is_surely_set(name):
                return True
            return None
        return value is not UNSET


def unary(name: str, value: Scalar, setting: Expansionless) -> Truth:
    """Decide ``-x VALUE``."""
    if isinstance(value, Unknown):
        return True if name == "-n" and value.number else None
    if name in {"-z", "-n"}:
        return bool(value) is (name == "-n")
    if name == "-v":
        return setting.is_set(value) if _NAME.fullmatch(value) else None
    if name == "-o":
        return _NAMED.get(value, value) in setting.state.has
    if name[1] in _LETTERS and name != "-t":
        return files.test(name[1], value, setting.state, setting.world)
    return None


def by_status(left: Scalar, how: str, right: Scalar) -> Truth:
    """Decide a comparison of ``$?`` with 0, of which only that it is not 0 is known."""
    if not _has_failed(left) or right != "0":
        return None
    return {
        "-eq": False,
        "-ne": True,
        "-gt": True,
        "-le": False,
        "-ge": True,
        "-lt": False,
    }[how]


def _has_failed(value: Scalar) -> bool:
    """Tell whether a value is ``$?`` of a command that has failed."""
    return isinstance(value, UnknownStatus) and value.status.ok is False


def texts_compared(left: Scalar, how: str, right: Scalar) -> Truth:
    """Decide ``=`` and its kin."""
    if isinstance(left, Unknown):
        differs = _has_failed(left) and right == "0" and how in _TEXTS
        return how == "!=" if differs else None
    if isinstance(right, Unknown):
        return None
    if how in _TEXTS:
        return (left == right) is (how != "!=")
    if not (left.isascii() and right.isascii() and left.isalnum() and right.isalnum()):
        return None  # their order is the locale's
    if left.islower() is not right.islower() or left.isdigit() is not right.isdigit():
        return None
    return left < right if how == "<" else left > right


def same_file(left: Scalar, how: str, right: Scalar, state: State, world: World) -> Truth:
    """Decide ``-ef``; which file is newer is not known."""
    if isinstance(left, Unknown) or isinstance(right, Unknown) or how != "-ef":
        return None
    one, other = files.look(left, state, world), files.look(right, state, world)
    if isinstance(one, Thing) and isinstance(other, Thing):
        if one.path == other.path:
            return True
        return None
    return None


def _is_text(value: Scalar) -> Truth:
    if isinstance(value, Unknown):
        if value.number:
            return True
        return None
    return bool(value)


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
    if how in _TEXTS:
        return _matches(left, node, expansion)
    right = expansion.value(node.right)
    if how in NUMBERS:
        return _numbers(left, how, right, expansion)
    if how in _OF_FILES:
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
    if inner is UNSET:
        return 0
    if isinstance(inner, str) and inner.strip():
        return number_of(inner)
    return None
