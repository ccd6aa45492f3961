"""Conditions of a script: ``test``, ``[`` and ``[[``, decided where arguments, variables and files are known.

Source: POSIX.1-2017, test(1); bash(1), "Conditional Expressions"; dash's ``test.c`` (it has no ``==``).
"""

import operator
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from elfgate.linkage.shell.expand import Expander
from elfgate.linkage.shell.state import Mark, State
from elfgate.linkage.shell.words import Word

_COMPARISONS = {
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-gt": operator.gt,
    "-lt": operator.lt,
    "-ge": operator.ge,
    "-le": operator.le,
}
_STRINGS = {"=", "==", "!="}
_BINARY = {*_COMPARISONS, *_STRINGS, "=~", "<", ">", "-nt", "-ot", "-ef"}
_OF_FILES = frozenset("abcdefghkprstuwxGLNOS")
_PLAIN_EXPRESSION = re.compile(r"\^?(?:(?:[\w/=:,@%-]|\[\^?[\w/.-]+\]|\.)[*+]?)+\$?")
_FEW, _SHORT = 3, 1000
_WHAT_IS_KNOWN = 64  # words of a test: longer ones are not looked at


class Files(Protocol):
    """What conditions ask of the file system."""

    def test(self, letter: str, path: str, state: State) -> bool | None:
        """Whether ``test -LETTER PATH`` holds; None if that is not known."""


Truth = bool | None
Values = Sequence[str | None]


def opposite(truth: Truth) -> Truth:
    """Negate what may not be known."""
    return None if truth is None else not truth


def either(one: Truth, other: Truth) -> Truth:
    """Tell whether one of two holds."""
    if one or other:
        return True
    return None if None in (one, other) else False


def both(one: Truth, other: Truth) -> Truth:
    """Tell whether both hold."""
    return opposite(either(opposite(one), opposite(other)))


def bracket(values: Values, state: State, files: Files, *, plain: bool) -> Truth:
    """Decide ``test`` with these arguments.

    Args:
        values: Without a closing bracket; None for one that is not known.
        state: Where the script stands.
        files: The file system.
        plain: It is dash's, in which ``==`` is an error.
    """
    if len(values) > _WHAT_IS_KNOWN:
        return None
    if len(values) == 3 and values[1] in _BINARY:
        return _binary(values[0], values[1], values[2], plain=plain)
    if values and values[0] == "!":
        return opposite(bracket(values[1:], state, files, plain=plain))
    if len(values) < 2:
        return _is_text(values[0]) if values else False
    if len(values) == 2:
        return _unary(values[0], values[1], state, files)
    return _joined(values, state, files, plain=plain)


def _is_text(value: str | None) -> Truth:
    return None if value is None else bool(value)


def _joined(values: Values, state: State, files: Files, *, plain: bool) -> Truth:
    """Decide ``A -o B`` and ``A -a B``, of which the second binds closer."""
    for joint, joined in (("-o", either), ("-a", both)):
        if joint in values[1:-1] and not {"(", ")"} & set(values):
            at = values.index(joint, 1)
            left, right = (
                bracket(part, state, files, plain=plain) for part in (values[:at], values[at + 1 :])
            )
            return joined(left, right)
    return None


def _matches(value: str | None, expression: Word) -> Truth:
    """Tell whether a plain regular expression matches: one that means the same in Python and takes no time."""
    raw = expression.raw
    plain = _PLAIN_EXPRESSION.fullmatch(raw) and len(re.findall(r"[*+]", raw)) <= _FEW
    return (
        re.search(raw, value) is not None
        if plain and value is not None and len(value) < _SHORT
        else None
    )


def _unary(name: str | None, value: str | None, state: State, files: Files) -> Truth:
    if value is None or name is None:
        return None
    if name in {"-z", "-n"}:
        return bool(value) is (name == "-n")
    if len(name) == 2 and name[0] == "-" and name[1] in _OF_FILES:
        return files.test(name[1], value, state)
    return None


def _binary(left: str | None, how: str | None, right: str | None, *, plain: bool) -> Truth:
    if how == "==" and plain:
        return False
    if left is None or right is None:
        return None
    if how in _STRINGS:
        return (left == right) is (how != "!=")
    if how in _COMPARISONS and left.strip().isdecimal() and right.strip().isdecimal():
        return bool(_COMPARISONS[how](int(left), int(right)))
    return None


class Brackets:
    """Decides ``[[ … ]]``, whose words are neither split nor matched to files.

    Args:
        words: Between the brackets.
        state: Where the script stands.
        expander: Expands its words.
        files: The file system.
    """

    def __init__(
        self, words: Sequence[Word], state: State, expander: Expander, files: Files
    ) -> None:
        self._words = [word for word in words if word.raw != "\n"]
        self._state = state
        self._expander = expander
        self._files = files

    def decide(self) -> Truth:
        """Decide it; None if that cannot be done, or it is not understood."""
        if len(self._words) > _WHAT_IS_KNOWN:
            return None
        truth = self._any()
        return None if self._words else truth

    def _next(self, *raws: str) -> bool:
        if self._words and self._words[0].raw in raws:
            del self._words[0]
            return True
        return False

    def _any(self) -> Truth:
        truth = self._all()
        while self._next("||"):
            truth = either(truth, self._all())
        return truth

    def _all(self) -> Truth:
        truth = self._one()
        while self._next("&&"):
            truth = both(truth, self._one())
        return truth

    def _one(self) -> Truth:
        if self._next("!"):
            return opposite(self._one())
        if self._next("("):
            truth = self._any()
            return truth if self._next(")") else None
        return self._leaf()

    def _leaf(self) -> Truth:
        if not self._words:
            return None
        first = self._words.pop(0)
        if self._words and self._words[0].raw in _BINARY:
            how = self._words.pop(0).raw
            return self._compared(first, how, self._words.pop(0)) if self._words else None
        if (
            len(first.raw) == 2
            and first.raw[0] == "-"
            and self._words
            and self._words[0].raw not in {"&&", "||", ")"}
        ):
            operand = self._words.pop(0)
            if first.raw == "-v":
                known = self._expander.parameter(operand.text, self._state)
                return None if known is Mark.UNKNOWN else known is not Mark.UNSET
            return _unary(
                first.raw, self._expander.value(operand, self._state), self._state, self._files
            )
        value = self._expander.value(first, self._state)
        return None if value is None else bool(value)

    def _compared(self, left: Word, how: str, right: Word) -> Truth:
        if how == "=~":
            return _matches(self._expander.value(left, self._state), right)
        if how not in _STRINGS:
            values = (self._expander.value(word, self._state) for word in (left, right))
            return _binary(next(values), how, next(values), plain=False)
        value, pattern = (
            self._expander.value(left, self._state),
            self._expander.pattern(right, self._state),
        )
        if value is None or pattern is None:
            return None
        return fnmatchcase(value, pattern) is (how != "!=")
