"""The operations of ``${…}`` that change a text: its length, a part of it, its ends, its letters.

Source: POSIX.1-2017, Shell Command Language, 2.6.2; bash(1), "Parameter Expansion".
"""

from typing import TYPE_CHECKING

from elfgate.linkage.shell.automaton import Pattern, PatternError
from elfgate.linkage.shell.edits import in_case, replaced, stripped
from elfgate.linkage.shell.ends import ScriptEndsError
from elfgate.linkage.shell.patterns import Run, glob
from elfgate.linkage.shell.syntax.word_nodes import (
    ChangeCase,
    Operation,
    Replace,
    Slice,
    Strip,
)
from elfgate.linkage.values import Scalar, Unknown

if TYPE_CHECKING:
    from elfgate.linkage.shell.expand import Expansion

_CHANGE = 20  # units of work that an operation costs beside its text
_NUMBER = Unknown("a number is not known", number=True)
_LOCALE = Unknown("a length counts characters of a locale")
_PATTERN = Unknown("a pattern is not understood")


def length_of(value: Scalar, expansion: "Expansion") -> Scalar:
    """Give the length of a text."""
    if isinstance(value, Unknown):
        return _NUMBER
    if expansion.counts_bytes(value):
        return str(len(value))
    return _LOCALE


def changed(value: str, operation: Operation, expansion: "Expansion") -> Scalar:
    """Apply an operation to a text.

    Raises:
        ScriptEndsError: if the script ends there.
    """
    expansion.world.spend(_CHANGE)
    if not expansion.counts_bytes(value):
        return _LOCALE
    if isinstance(operation, Slice):
        return _part_of(value, operation, expansion)
    if isinstance(operation, ChangeCase):
        return _in_case(value, operation, expansion)
    if not isinstance(operation, (Strip, Replace)):
        raise ScriptEndsError
    pattern = _pattern(operation, expansion)
    if isinstance(pattern, Unknown):
        return pattern
    if isinstance(operation, Strip):
        ends = {"at_end": operation.at_end, "longest": operation.longest}
        return stripped(value, pattern, expansion.world.spend, **ends)
    return _replaced(value, pattern, operation, expansion)


def _replaced(value: str, pattern: Pattern, operation: Replace, expansion: "Expansion") -> Scalar:
    replacement: Scalar = ""
    if operation.replacement is not None:
        replacement = expansion.value(operation.replacement)
    if isinstance(replacement, Unknown):
        return replacement
    if "&" in replacement or "\\" in replacement:
        return _PATTERN  # the match, or what quotes it, in some releases of bash
    spend = expansion.world.spend
    return expansion.limited(replaced(value, pattern, replacement, spend, where=operation.where))


def _pattern(operation: Strip | Replace, expansion: "Expansion") -> Pattern | Unknown:
    runs = expansion.runs(operation.pattern)
    if isinstance(runs, Unknown):
        return runs
    if isinstance(operation, Replace) and _ends_in_backslash(runs):
        return _PATTERN  # bash 5.2 finds it at the end of a text only
    if isinstance(operation, Replace) and _hides_slash(runs, expansion):
        return _PATTERN
    if not expansion.counts_bytes(*(text for text, _ in runs)):
        return _LOCALE
    try:
        return glob(
            runs,
            extended="extglob" in expansion.state.has,
            carets=expansion.world.dialect.carets,
        )
    except PatternError:
        return _PATTERN


def _hides_slash(runs: list[Run], expansion: "Expansion") -> bool:
    """Tell whether a quoted slash is in a pattern, at which busybox ends it all the same."""
    quoted = any(is_quoted and "/" in text for text, is_quoted in runs)
    return quoted and expansion.world.dialect.name == "busybox"


def _ends_in_backslash(runs: list[Run]) -> bool:
    """Tell whether the last character of a pattern is a backslash that quotes nothing."""
    text, quoted = runs[-1] if runs else ("", True)
    return not quoted and (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _part_of(value: str, operation: Slice, expansion: "Expansion") -> Scalar:
    offset = expansion.number(operation.offset)
    length: int | Unknown = len(value)
    if operation.length is not None:
        length = expansion.number(operation.length)
    if isinstance(offset, Unknown) or isinstance(length, Unknown):
        return _PATTERN
    if offset < 0:
        offset += len(value)
    if not 0 <= offset <= len(value):
        return ""
    if length >= 0:
        return value[offset : offset + length]
    end = len(value) + length
    if end < offset:
        raise ScriptEndsError
    return value[offset:end]


def _in_case(value: str, operation: ChangeCase, expansion: "Expansion") -> Scalar:
    letters = None
    if operation.pattern is not None:
        automaton = expansion.automaton(operation.pattern)
        if isinstance(automaton, Unknown):
            return automaton
        letters = automaton
    return in_case(value, letters, upper=operation.upper, everywhere=operation.everywhere)
