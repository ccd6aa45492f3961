"""The word that somebody probably meant, among those that there are."""

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.6


def likely(word: str, words: Iterable[str]) -> str:
    """The most alike of some words; empty if none is much alike."""
    known = {each.lower(): each for each in words}
    found = get_close_matches(word.lower(), known, 1, _ALIKE)
    return known[found[0]] if found else ""


def meant(word: str, words: Iterable[str]) -> str:
    """A question for people, ``did you mean "…"?``.

    All the words that there are if none is much alike.
    """
    words = list(words)
    found = likely(word, words)
    return f'did you mean "{found}"?' if found else f"there are {', '.join(words)}"
