"""The escapes of ``$'…'``, ``echo -e`` and ``printf``.

Source: bash(1), "QUOTING"; POSIX.1-2017, printf(1).
"""

import re

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "?": "?",
}


def decoded(text: str) -> str | None:
    """Resolve the escapes of ``$'…'``; None if one is not known, or makes a NUL."""
    unknown = False

    def resolved(match: "re.Match[str]") -> str:
        nonlocal unknown
        letter = _letter(match[1])
        unknown |= letter in (None, "\0")
        return letter or ""

    result = _ESCAPE.sub(resolved, text)
    if unknown:
        return None
    return result


def _letter(escape: str) -> str | None:
    if escape in _LETTERS:
        return _LETTERS[escape]
    if escape[0] == "x" and len(escape) > 1:
        return chr(int(escape[1:], 16))
    if escape[0] in "01234567":
        return chr(int(escape, 8) & 255)
    return None
