"""A verdict in words: over several lines for a denial, on one line for a warning."""

from elfgate.policy.verdict import Verdict, Violation

MAX_RUNES = (
    4096  # past this in all, the API server cuts each warning to 256 runes and drops later ones
)
_MAX_DENIAL = (
    16_384  # runes; kubectl shows it all, and a condition or an event of a controller cuts it
)
_COUNTED = 64  # runes kept free for "and N more warnings"


def denial(verdict: Verdict) -> str:
    """Say why an object is refused: each denial's headline, what is missing, and the way out.

    Returns:
        Lines that end in no newline; empty if nothing is denied.
    """
    blocks = [_block(violation) for violation in verdict.denials]
    shown = _within(blocks, _MAX_DENIAL)
    rest = len(blocks) - len(shown)
    return "\n".join([*shown, f"and {rest} more"] if rest else shown)


def warnings(verdict: Verdict) -> list[str]:
    """Say what else is to be known, most important first, one printable line each.

    The API server drops a warning with a control character in it, and cuts all once they are long together; what does
    not fit is counted.
    """
    lines = list(dict.fromkeys(_line(violation) for violation in verdict.warnings))
    shown = lines if sum(map(len, lines)) <= MAX_RUNES else _within(lines, MAX_RUNES - _COUNTED)
    rest = len(lines) - len(shown)
    return [*shown, f"and {rest} more warnings"] if rest else shown


def _within(texts: list[str], runes: int) -> list[str]:
    """Take as many whole texts as fit, and of the first one at least its beginning."""
    if texts and len(texts[0]) > runes:
        return [texts[0][: runes - 1] + "…"]
    shown = []
    for text in texts:
        runes -= len(text) + 1
        if runes < 0:
            break
        shown.append(text)
    return shown


def _block(violation: Violation) -> str:
    body = [*violation.lines, *([violation.remedy] if violation.remedy else [])]
    head = printable(violation.headline) + (":" if body else "")
    return "\n".join([head, *(f"  {printable(line)}" for line in body)])


def _line(violation: Violation) -> str:
    said = ", ".join(" ".join(printable(line).split()) for line in violation.lines)
    text = f"{printable(violation.headline)}: {said}" if said else printable(violation.headline)
    return f"{text}; {printable(violation.remedy)}" if violation.remedy else text


def printable(text: str) -> str:
    r"""Write what does not print (controls, newlines, bidirectional overrides) as ``\xNN`` or ``\uNNNN``.

    Paths, names and labels come from images and nodes: none may forge a line or move a terminal's cursor.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
