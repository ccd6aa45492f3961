"""Texts that an expansion changes: ends taken away, matches replaced, letters in another case.

Source: POSIX.1-2017, Shell Command Language, 2.6.2; bash(1), "Parameter Expansion".
"""

from collections.abc import Callable

from elfgate.linkage.shell.automaton import Automaton, Pattern, backwards

_UPPER = {number: number - 32 for number in range(ord("a"), ord("z") + 1)}
_LOWER = {number: number + 32 for number in range(ord("A"), ord("Z") + 1)}
_CHARACTERS = 64

Spend = Callable[[int], None]


def stripped(text: str, pattern: Pattern, spend: Spend, *, at_end: bool, longest: bool) -> str:
    """Take away the shortest or the longest match at one end."""
    if at_end:
        turned = stripped(text[::-1], backwards(pattern), spend, at_end=False, longest=longest)
        return turned[::-1]
    lengths = Automaton(pattern, spend).lengths(text)
    if not lengths:
        return text
    return text[lengths[-1] if longest else lengths[0] :]


def replaced(text: str, pattern: Pattern, replacement: str, spend: Spend, *, where: str) -> str:
    """Replace the longest match: the first one, all, or one at the start or the end."""
    automaton = Automaton(pattern, spend)
    if where == "start":
        ends = automaton.lengths(text)
        if ends:
            return replacement + text[ends[-1] :]
        return text
    if where == "end":
        turned = Automaton(backwards(pattern), spend).lengths(text[::-1])
        if turned:
            return text[: len(text) - turned[-1]] + replacement
        return text
    return _replaced_within(text, automaton, replacement, spend, all_of_them=where == "all")


def _replaced_within(
    text: str,
    automaton: Automaton,
    replacement: str,
    spend: Spend,
    *,
    all_of_them: bool,
) -> str:
    pieces: list[str] = []
    at = 0
    while at < len(text):
        ends = [end for end in automaton.lengths(text, at) if end > at]
        if not ends:
            pieces.append(text[at])
            at += 1
            continue
        pieces.append(replacement)
        spend(len(replacement) // _CHARACTERS)
        at = ends[-1]
        if not all_of_them:
            break
    return "".join(pieces) + text[at:]


def in_case(text: str, letters: Automaton | None, *, upper: bool, everywhere: bool) -> str:
    """Change letters of ASCII; only those that match, if there is a pattern."""
    head, tail = (text, "") if everywhere else (text[:1], text[1:])
    table = _UPPER if upper else _LOWER
    if letters is None:
        return head.translate(table) + tail
    changed = (one.translate(table) if letters.matches(one) else one for one in head)
    return "".join(changed) + tail
