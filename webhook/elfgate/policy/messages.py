"""A verdict in words: over several lines for a denial, on one line for a warning."""

from elfgate.policy.verdict import Verdict, Violation
from elfgate.printable import printable

_MAX_DENIAL = 16_384  # runes; kubectl shows it all, a controller's condition or event cuts it


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

    A door cuts them to what it has room for (``cluster.review.warning_lines``).
    """
    return list(dict.fromkeys(line(violation) for violation in verdict.warnings))


def held_back(verdict: Verdict) -> list[str]:
    """Say what would be denied if nothing were held back, one printable line each."""
    return list(dict.fromkeys(line(violation) for violation in verdict.would_deny))


def line(violation: Violation) -> str:
    """Say what is wrong, and the way out, on one printable line."""
    said = ", ".join(" ".join(printable(line).split()) for line in violation.lines)
    text = f"{printable(violation.headline)}: {said}" if said else printable(violation.headline)
    return f"{text}; {printable(violation.remedy)}" if violation.remedy else text


def shortened(text: str, runes: int) -> str:
    """A text of at most so many runes."""
    return text if len(text) <= runes else text[: runes - 1] + "…"


def _within(texts: list[str], runes: int) -> list[str]:
    """Take as many whole texts as fit, and of the first one at least its beginning."""
    if texts and len(texts[0]) > runes:
        return [shortened(texts[0], runes)]
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
