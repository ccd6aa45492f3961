"""Words of a command line whose values come from elsewhere: what they decide is not known.

The first word that is not known leaves certain only what the program before it needs for its own
start: all that it does then may depend on the word, and a program that the word names may be there.
"""

from collections.abc import Sequence

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import Overrides
from elfgate.linkage.report import Code, Effect, Finding


def first_unknown(overrides: Overrides, entrypoint: int) -> int | None:
    """Find the first word of the command line that is not known; None if all are.

    Args:
        overrides: What the pod's container changes.
        entrypoint: How many words the image's Entrypoint has, which stays where the pod has no
            command.
    """
    before = len(overrides.command) if overrides.command else entrypoint
    places = [
        *overrides.unknown_command,
        *(before + position for position in overrides.unknown_args),
    ]
    return min(places, default=None)


def unsettled(findings: Sequence[Finding], word: str) -> tuple[Finding, ...]:
    """Make what was found to fail unknown, as it rests on a word that is not known."""
    return tuple(_unsettled(finding, word) for finding in findings)


def _unsettled(finding: Finding, word: str) -> Finding:
    if finding.effect is not Effect.FAILS:
        return finding
    message = f"{finding.message}; but the value of {word[:100]} comes from elsewhere"
    return Finding(
        Code.LINKAGE_UNKNOWN,
        finding.path,
        message,
        effect=Effect.UNKNOWN,
        reason=UnknownReason.VALUE_UNKNOWN,
    )
