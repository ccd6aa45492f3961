"""Conditions of a script that depend on its arguments alone, and the values of words that do.

Source: POSIX.1-2017, test(1) and "Parameter Expansion"; bash's ``[[``.
"""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import pairwise

from elfgate.linkage.shell import Body, Chain, Simple
from elfgate.linkage.shell_words import NotUnderstoodError, Word

_DEFAULTED = re.compile(r"\$\{([0-9]):?-\}")
_PARAMETER = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*|[0-9])\}|([A-Za-z_][A-Za-z0-9_]*|[0-9]))")
_STRIPPED = re.compile(r"\$\{([0-9])(##?|%%?)([^*?\[\\]*)\}")
_FIRST_LETTERS = re.compile(r"\$\{([0-9]):0:([0-9])\}")
_SPLIT = re.compile(r"[\s*?\[]")
_COMPARISONS = {
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-gt": operator.gt,
    "-lt": operator.lt,
    "-ge": operator.ge,
    "-le": operator.le,
}


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a script was called with.

    Attributes:
        name: Its name, ``$0``.
        args: Its arguments.
        env: Its variables, as far as they are known.
    """

    name: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    def at(self, number: str) -> str:
        """Give ``$number``; empty if there are not so many."""
        index = int(number)
        return (self.name, *self.args)[index] if index <= len(self.args) else ""

    def parameter(self, name: str) -> str | None:
        """Give ``$name``, a number or a variable; None if it is not known."""
        return self.at(name) if name.isdecimal() else self.env.get(name)


def is_all(word: Word) -> bool:
    """Tell whether a word stands for all arguments: ``"$@"``."""
    return word.raw in {'"$@"', '"${@}"'}


def all_of(word: Word, given: Arguments) -> tuple[str, ...] | None:
    """Expand ``"$@"``, and ``$@`` and ``$*`` without quotes, which split each; None if it is another word.

    Raises:
        NotUnderstoodError: if an argument might be matched to files.
    """
    if is_all(word):
        return given.args
    if word.raw not in {"$@", "${@}", "$*", "${*}"}:
        return None
    if any(mark in argument for argument in given.args for mark in "*?[\\"):
        raise NotUnderstoodError("an argument is a pattern")
    return tuple(part for argument in given.args for part in argument.split())


def value_of(word: Word, given: Arguments) -> str | None:
    """Tell a word's value: literal, or made of arguments and variables; None if it is not known."""
    if word.literal:
        return word.text
    if word.text in {"$#", "${#}"}:
        return str(len(given.args))
    if match := _DEFAULTED.fullmatch(word.text):
        return given.at(match[1])
    if match := _FIRST_LETTERS.fullmatch(word.text):
        return given.at(match[1])[: int(match[2])]
    if match := _STRIPPED.fullmatch(word.text):
        value = given.at(match[1])
        return value.removeprefix(match[3]) if match[2][0] == "#" else value.removesuffix(match[3])
    return _substituted(word, given)


def _substituted(word: Word, given: Arguments) -> str | None:
    """Substitute plain parameters; where they are not quoted, only what no shell would split or match to files."""
    names = [braced or bare for braced, bare in _PARAMETER.findall(word.text)]
    values = {name: given.parameter(name) for name in names}
    rest = _PARAMETER.sub("", word.text)
    if not names or None in values.values() or any(mark in word.raw for mark in "'\\`") or "$" in rest:
        return None
    text = _PARAMETER.sub(lambda match: values[match[1] or match[2]] or "", word.text)
    quoted = word.raw.startswith('"') and word.raw.endswith('"') and word.raw.count('"') == 2
    return text if quoted or (text and not _SPLIT.search(text)) else None


def decide(condition: Body, given: Arguments) -> bool | None:
    """Decide a condition; None if it depends on more than the arguments."""
    if len(condition) != 1:
        return None
    node = condition[0]
    if isinstance(node, Chain):
        return _chain(node, given)
    if not isinstance(node, Simple) or node.assignments or not node.words:
        return None
    name, words = node.words[0].text, node.words[1:]
    if name in {"[", "[["}:
        if not words or words[-1].text != name.replace("[", "]"):
            return None
        words = words[:-1]
    elif name != "test":
        return None
    return _test(words, given, patterns=name == "[[")


def _chain(node: Chain, given: Arguments) -> bool | None:
    if node.operators == ("!",):
        inner = decide(node.nodes[1:], given)
        return None if inner is None else not inner
    result = decide(node.nodes[:1], given)
    for joint, following in zip(node.operators, node.nodes[1:], strict=True):
        if joint not in {"&&", "||"} or result is None:
            return None
        if result is (joint == "&&"):
            result = decide((following,), given)
    return result


def _test(words: tuple[Word, ...], given: Arguments, *, patterns: bool) -> bool | None:
    if words and words[0].raw == "!":
        inner = _test(words[1:], given, patterns=patterns)
        return None if inner is None else not inner
    if len(words) == 2 and words[0].text in {"-z", "-n"}:
        value = value_of(words[1], given)
        return None if value is None else bool(value) is (words[0].text == "-n")
    if joined := next((word.raw for word in words if word.raw in {"-a", "-o"}), None):
        return None if patterns else _joined(words, joined, given)
    if len(words) != 3:
        return None
    left, right = value_of(words[0], given), value_of(words[2], given)
    if right is None and patterns and "$" not in words[2].raw:
        right = words[2].text
    return None if left is None or right is None else _compare(left, words[1].text, right, patterns=patterns)


def _joined(words: tuple[Word, ...], by: str, given: Arguments) -> bool | None:
    """Decide ``A -a B`` (all) or ``A -o B`` (any), not mixed: one part may decide, whatever the others are."""
    if any(word.raw in {"-a", "-o"} - {by} or word.raw in {"(", ")", "!"} for word in words):
        return None
    places = [-1, *(number for number, word in enumerate(words) if word.raw == by), len(words)]
    parts = [_test(words[first + 1 : last], given, patterns=False) for first, last in pairwise(places)]
    settles = by == "-o"
    if settles in parts:
        return settles
    return None if None in parts else not settles


def _compare(left: str, how: str, right: str, *, patterns: bool) -> bool | None:
    if how in {"=", "==", "!="}:
        same = fnmatchcase(left, right) if patterns else left == right
        return same is (how != "!=")
    if how in _COMPARISONS and left.isdecimal() and right.isdecimal():
        return bool(_COMPARISONS[how](int(left), int(right)))
    return None
