"""A verdict in words: over several lines for a denial, on a short line or a few for a warning."""

from collections.abc import Sequence

from elfgate.policy.verdict import Verdict, Violation
from elfgate.printable import printable

_CLAUSE = "; "  # stands between the clauses of a sentence
_MAX_DENIAL = 16_384  # runes; kubectl shows it all, a controller's condition or event cuts it
EVENT_BYTES = 900
"""The bytes of a refusal that a controller's event keeps for certain.

Source: Kubernetes' events hold 1,024 bytes of a message; before a refusal stand the controller's
words and the webhook's name.
"""
WARNING_RUNES = 120
"""The length that Kubernetes advises for a warning (admission/v1, AdmissionResponse)."""


def denial(verdict: Verdict) -> str:
    """Say why an object is refused: each denial's headline, what is missing, and the way out.

    Where that is more than an event keeps, all headlines with their codes stand first.

    Returns:
        Lines that end in no newline; empty if nothing is denied.
    """
    blocks = [_block(violation) for violation in verdict.denials]
    if len("\n".join(blocks).encode()) > EVENT_BYTES and len(blocks) > 1:
        blocks = [_summary(verdict.denials), *blocks]
    blocks += dict.fromkeys(printable(each.help) for each in verdict.denials if each.help)
    shown = _within(blocks, _MAX_DENIAL)
    rest = len(blocks) - len(shown)
    if rest:
        shown.append(f"and {rest} more")
    return "\n".join(shown)


def _summary(denials: Sequence[Violation]) -> str:
    """Say in as many lines as an event keeps what is refused, and for which code."""
    heads = [f"{printable(denial.headline)}  [{denial.code}]" for denial in denials]
    more = f"and {len(heads)} more, all of them below:"
    shown: list[str] = []
    room = EVENT_BYTES - len(more)
    for head in heads:
        room -= len(head.encode()) + 1
        if room < 0:
            break
        shown.append(head)
    rest = len(heads) - len(shown)
    last = f"and {rest} more, all of them below:" if rest else "each of them below:"
    return "\n".join([*shown, last])


def warnings(verdict: Verdict) -> list[str]:
    """Say what else is to be known, most important first, in printable lines.

    What is longer than advised is told in parts, each of which says which container it is about. A
    door cuts them to what it has room for (``cluster.review.warning_lines``).
    """
    lines = (part for violation in verdict.warnings for part in _parts(violation))
    return list(dict.fromkeys(lines))


def _parts(violation: Violation) -> list[str]:
    """The few lines of the advised length that say it; a clause that is longer is one line."""
    about = printable(violation.container) or "this pod"
    parts = [printable(violation.headline)]
    between = ": "
    for text in violation.lines:
        _add(parts, between, _flat(text), about)
        between = ", "
    if violation.remedy:
        _add(parts, _CLAUSE, _flat(violation.remedy), about)
    return parts


def _add(parts: list[str], between: str, text: str, about: str) -> None:
    """Add a sentence: as a whole, or in its clauses where it is longer than a line may be."""
    whole = len(f"{about}: {text}") <= WARNING_RUNES
    for clause in [text] if whole else text.split(_CLAUSE):
        longer = f"{parts[-1]}{between}{clause}"
        if len(longer) <= WARNING_RUNES:
            parts[-1] = longer
        else:
            parts.append(f"{about}: {clause}")
        between = _CLAUSE


def held_back(verdict: Verdict) -> list[str]:
    """Say what would be denied if nothing were held back, one printable line each."""
    return list(dict.fromkeys(line(violation) for violation in verdict.would_deny))


def line(violation: Violation) -> str:
    """Say what is wrong, and the way out, on one printable line."""
    text = printable(violation.headline)
    if violation.lines:
        said = ", ".join(_flat(line) for line in violation.lines)
        text = f"{text}: {said}"
    if violation.remedy:
        text = f"{text}; {_flat(violation.remedy)}"
    return text


def _flat(text: str) -> str:
    return " ".join(printable(text).split())


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
    body = [*violation.lines]
    if violation.remedy:
        body.append(violation.remedy)
    head = printable(violation.headline)
    if body:
        head = f"{head}:"
    indented = [f"  {printable(line)}" for line in body]
    return "\n".join([head, *indented])
