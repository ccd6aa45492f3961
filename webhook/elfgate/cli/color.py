"""Colors of a text on a terminal: verdicts by their meaning, codes in bold.

The text is the same without them. Sources: ECMA-48, "SGR"; no-color.org and force-color.org (the
variables); Python's own order between the two.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

WHEN = ("auto", "always", "never")

_RED, _YELLOW, _GREEN, _BOLD = "31", "33", "32", "1"
_MEANING = {
    _RED: ("cannot start", "denied", "fails", "lost"),
    _YELLOW: ("unknown", "not known", "warned", "warning", "would be denied", "doubted"),
    _GREEN: ("starts", "admitted", "gained"),
}
_COLORS = {word: color for color, words in _MEANING.items() for word in words}
_WORDS = "|".join(sorted(_COLORS, key=len, reverse=True))
# A verdict is a cell of a table, or stands before or after a colon; in a sentence it is plain.
_VERDICT = re.compile(
    rf"(?m)(?<=  )(?:{_WORDS})(?=  |$|:|;)|^(?:{_WORDS})(?=:)|(?<=: )(?:{_WORDS})$"
)
_CODE = re.compile(r"(?m)\[[a-z_]+\]$")


def painter(
    when: str, stream: TextIO | None = None, environment: Mapping[str, str] = os.environ
) -> Callable[[str], str]:
    """The function that colors a text for a stream; one that changes nothing where none is wanted.

    Args:
        when: One of ``WHEN``.
        stream: Where the text goes.
        environment: The variables.
    """
    wanted = when == "always"
    if when == "auto":
        wanted = _is_wanted(stream or sys.stdout, environment)
    return paint if wanted else str


def _is_wanted(stream: TextIO, environment: Mapping[str, str]) -> bool:
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def paint(text: str) -> str:
    """Color the verdicts and codes of a text."""
    verdicts = _VERDICT.sub(lambda found: _in(_COLORS[found[0]], found[0]), text)
    return _CODE.sub(lambda found: _in(_BOLD, found[0]), verdicts)


def _in(color: str, word: str) -> str:
    return f"\x1b[{color}m{word}\x1b[0m"
