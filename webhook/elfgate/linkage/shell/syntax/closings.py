"""The end of what is nested, found without reading it."""

import re
from typing import Literal

from elfgate.linkage.shell.syntax.source import Source

Pair = Literal["()", "{}", "[]"]
_BETWEEN = {
    "()": re.compile(r"[^()\\'\"]+"),
    "{}": re.compile(r"[^{}\\'\"]+"),
    "[]": re.compile(r"[^\[\]\\'\"]+"),
}
_MARK = re.compile(r"[\\`]")


def closing(source: Source, pair: Pair, longest: int | None = None) -> int | None:
    """Find the end of what began with the first of a pair; parentheses in quotes do not count.

    Args:
        source: Stands behind the first one.
        pair: Both characters.
        longest: How many characters are searched; all if it is not said.

    Returns:
        Where the second one stands; None if there is none.
    """
    text, at, opened = source.text, source.at, 1
    last = len(text)
    if longest is not None:
        last = min(last, at + longest)
    plain = _BETWEEN[pair]
    while at < last:
        if match := plain.match(text, at):
            at = match.end()
            continue
        if text[at] == "\\":
            at += 1
        elif text[at] in "'\"" and pair != "{}":
            end = text.find(text[at], at + 1)
            at = len(text) if end < 0 else end
        elif text[at] == pair[0]:
            opened += 1
        elif text[at] == pair[1]:
            opened -= 1
            if not opened:
                source.spend((at - source.at) // 8)
                return at
        at += 1
    source.spend((at - source.at) // 8)
    return None


def next_mark(text: str, at: int) -> int:
    """Find the next backslash or backquote, or the end."""
    match = _MARK.search(text, at)
    if match is None:
        return len(text)
    return match.start()
