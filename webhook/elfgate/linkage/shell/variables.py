"""What assignments do to a script's variables.

Source: POSIX.1-2017, Shell Command Language, 2.9.1; bash(1), "Arrays".
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from elfgate.linkage.shell.expand import Expander
from elfgate.linkage.shell.state import SEARCH_CHANGED, SEARCHED, Mark, State, Value
from elfgate.linkage.shell.words import Kind, Word

_ASSIGNS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^]]*\])?(\+?)=")
_NAME = re.compile(r"[A-Za-z_]\w*")
_SETS = re.compile(r"(?<![=!<>])=(?!=)|<<=|>>=|\+\+|--")
_COUNTED = re.compile(r"\$#|\$\{#\w+\}")
_PLAIN = re.compile(
    r"\s*(?:[-+~!(]\s*)*(?:\$?[A-Za-z_]\w*|\$\{\w+\}|\$\d|0|[1-9]\d*)[\s\w${}()<>=!&|?:,/%*+-]*"
)
_DIVIDED = re.compile(r"[/%]\s*[^\s1-9]|\b0\w|\b[1-9]\d*[A-Za-z_]|\*\*|[-+*/%<>=&|?:!]\s*$")
_OPERAND = re.compile(r"\$\{\w+\}|\$\d|\$?[A-Za-z_]\w*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DEFAULT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):?=(.*)", re.DOTALL)


def is_assignment(raw: str) -> bool:
    """Tell whether a word is ``NAME=value``."""
    return _ASSIGNS.match(raw) is not None


def assigned(
    words: Iterable[Word], state: State, expander: Expander, *, exported: bool = False
) -> State:
    """Apply ``NAME=value`` words; other words are names alone.

    Args:
        words: The words.
        state: Where the script stands.
        expander: Expands the values.
        exported: The commands that follow get them.

    Raises:
        UnsetError: if the shell would end there.
    """
    for word in words:
        match = _ASSIGNS.match(word.raw)
        if match is None:
            if exported and word.text.isidentifier():
                state = replace(state, exported=state.exported | {word.text})
            continue
        name, index, adds = match[1], match[2], bool(match[3])
        value = Mark.UNKNOWN if index else _value(word, match.end(), state, expander)
        if adds:
            value = _added(expander.parameter(name, state), value)
        state = set_to(name, value, state)
        if exported or "a" in state.options:
            state = replace(state, exported=state.exported | {name})
    return state


def set_to(name: str, value: Value, state: State) -> State:
    """Set a variable; one by which programs or libraries are searched leaves a doubt if its value is not known."""
    if SEARCHED.fullmatch(name) and not isinstance(value, str):
        return state.doubted(SEARCH_CHANGED)
    return state.setting(name, value)


def with_defaults(words: Iterable[Word], state: State, expander: Expander) -> State:
    """Apply the ``${NAME:=value}`` within words.

    Raises:
        UnsetError: if the shell would end there.
    """
    for word in words:
        for part in word.parts:
            if part.kind is Kind.PARAMETER and (match := _DEFAULT.fullmatch(part.text)):
                value = expander.value(replace(word, parts=(part,)), state)
                state = set_to(match[1], Mark.UNKNOWN if value is None else value, state)
    return state


def is_sure(arithmetic: str, state: State, expander: Expander) -> bool:
    """Tell whether an arithmetic expression has a value: shells end where it has none (POSIX 2.8.1)."""
    if arithmetic.startswith("$"):  # bash's quotes
        return True
    text = _COUNTED.sub("1", arithmetic)
    if not _PLAIN.fullmatch(text) or _DIVIDED.search(text):
        return False
    for name in _OPERAND.findall(text):
        bare = name.strip("${}")
        value = expander.parameter(bare, state)
        assumed = (
            value is Mark.UNKNOWN and bare in state.variables
        )  # it has been counted with before
        unset = value is Mark.UNSET and not name.startswith("$") and "u" not in state.options
        if not (assumed or unset or (isinstance(value, str) and _NUMBER.fullmatch(value))):
            return False
    return True


def forgetting(arithmetic: str, state: State) -> State:
    """Forget the variables that an arithmetic expression may set."""
    if _SETS.search(arithmetic):
        for name in _NAME.findall(arithmetic):
            state = set_to(name, Mark.UNKNOWN, state)
    return state


def _value(word: Word, start: int, state: State, expander: Expander) -> Value:
    if word.items is not None:
        known = expander.fields(word.items, state).known
        return Mark.UNKNOWN if known is None else known
    first = replace(word.parts[0], text=word.parts[0].text[start:])
    value = expander.value(replace(word, parts=(first, *word.parts[1:])), state)
    return Mark.UNKNOWN if value is None else value


def _added(before: Value, value: Value) -> Value:
    if Mark.UNKNOWN in (before, value):
        return Mark.UNKNOWN
    if isinstance(value, tuple):
        if before is Mark.UNSET:
            return value
        return (
            (before, *value)
            if isinstance(before, str)
            else (*before, *value)
            if isinstance(before, tuple)
            else value
        )
    if isinstance(before, tuple):
        return Mark.UNKNOWN
    return f"{before}{value}" if isinstance(before, str) else value
