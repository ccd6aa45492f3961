"""Brace expansion: ``a{b,c}`` and ``{1..3}``.

Source: bash(1), "Brace Expansion".
"""

import re

from elfgate.linkage.shell.syntax.nodes import Spend
from elfgate.linkage.shell.syntax.word_nodes import (
    OpaquePart,
    Part,
    Text,
    Word,
    word_of,
)

_RANGE = re.compile(r"(-?[0-9]{1,6})\.\.(-?[0-9]{1,6})")
_MOST = 100
_UNKNOWN = Word((OpaquePart("{"),), None, plain=False)


def alternatives(word: Word, spend: Spend) -> tuple[Word, ...]:
    """Give the words that braces make of one.

    Args:
        word: The word.
        spend: Counts the work.

    Returns:
        The words; one that is not understood for braces within braces.
    """
    at = next((number for number in range(len(word.parts)) if _opens(word.parts[number:])), None)
    if at is None:
        return (word,)
    part = word.parts[at]
    if not isinstance(part, Text) or len(word.parts) > _MOST:
        return (_UNKNOWN,)
    return _opened(word, at, part.text, spend)


def _opens(parts: tuple[Part, ...]) -> bool:
    """Tell whether the first part has a brace that another closes, and several words between."""
    first = parts[0]
    if not isinstance(first, Text) or first.quoted or "{" not in first.text:
        return False
    inner = first.text.partition("{")[2]
    if "}" in inner:
        return "," in inner or ".." in inner
    behind = [part.text for part in parts[1:] if isinstance(part, Text) and not part.quoted]
    whole = "".join([inner, *behind])
    return "}" in whole and ("," in whole or ".." in whole)


def _opened(word: Word, at: int, text: str, spend: Spend) -> tuple[Word, ...]:
    before, _, rest = text.partition("{")
    inner, closed, behind = rest.partition("}")
    if not closed or "{" in inner:
        return (_UNKNOWN,)
    choices = _choices(inner)
    if choices is None or len(choices) > _MOST:
        return (_UNKNOWN,)
    texts = (Text(behind),) if behind else ()
    following = alternatives(word_of((*texts, *word.parts[at + 1 :])), spend)
    if len(choices) * len(following) > _MOST:
        return (_UNKNOWN,)
    spend(4 * len(choices) * len(following))
    return tuple(
        word_of((*word.parts[:at], Text(before + choice), *one.parts))
        for choice in choices
        for one in following
    )


def _choices(inner: str) -> list[str] | None:
    if match := _RANGE.fullmatch(inner):
        first, last = int(match[1]), int(match[2])
        padded = any(_is_padded(number) for number in match.groups())
        if padded or abs(last - first) >= _MOST:
            return None
        step = 1 if last >= first else -1
        return [str(number) for number in range(first, last + step, step)]
    if "," in inner:
        return inner.split(",")
    return None


def _is_padded(number: str) -> bool:
    digits = number.lstrip("-")
    return digits.startswith("0") and len(digits) > 1
