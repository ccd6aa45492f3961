"""Splits the values of unquoted expansions at the characters of IFS.

Source: POSIX.1-2017, Shell Command Language, 2.6.5.
"""

BLANKS = " \t\n"


def split(text: str, separators: str = BLANKS) -> tuple[list[str], bool, bool]:
    """Split a text.

    Args:
        text: The value.
        separators: The characters of IFS; empty for none.

    Returns:
        The fields; whether the text begins with a separator; whether it ends with one.
    """
    if not separators:
        return ([text] if text else []), False, False
    if separators == BLANKS:
        return _by_blanks(text)
    blanks = "".join(letter for letter in separators if letter in BLANKS)
    others = frozenset(separators) - frozenset(BLANKS)
    stripped = text.strip(blanks) if blanks else text
    before = text[:1] in separators if text else False
    behind = bool(text) and text[-1] in separators
    return _fields(stripped, blanks, others), before and text[:1] in blanks, behind


def _by_blanks(text: str) -> tuple[list[str], bool, bool]:
    if "\t" in text or "\n" in text:
        text = text.replace("\t", " ").replace("\n", " ")
    fields = [field for field in text.split(" ") if field]
    return fields, text[:1] == " ", text[-1:] == " "


def _fields(text: str, blanks: str, others: frozenset[str]) -> list[str]:
    """Split a text that has no blank at its ends: blanks around a separator belong to it."""
    fields: list[str] = []
    start = at = 0
    while at < len(text):
        if text[at] not in others and text[at] not in blanks:
            at += 1
            continue
        fields.append(text[start:at])
        at = _behind_separator(text, at, blanks, others)
        start = at
    if start < len(text):
        fields.append(text[start:])
    return fields


def _behind_separator(text: str, at: int, blanks: str, others: frozenset[str]) -> int:
    while at < len(text) and text[at] in blanks:
        at += 1
    if at < len(text) and text[at] in others:
        at += 1
        while at < len(text) and text[at] in blanks:
            at += 1
    return at
