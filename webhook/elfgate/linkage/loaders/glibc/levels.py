"""Which of the levels that a CPU may have make a difference, where the node's is not known.

A loader looks into the ``glibc-hwcaps`` directories of the levels that its CPU has before it looks beside them (glibc
``elf/dl-hwcaps.c``): what is wrong there is met by some nodes only, and what is right there saves some nodes only.
"""

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code, Effect, Finding
from elfgate.linkage.world import Attempt


def compare(attempt: Attempt, before: int, trial: Attempt, level: str) -> bool:
    """Hold what was found without a level against what was found with one.

    Args:
        attempt: Without one. Where both part, its findings are replaced by an unknown.
        before: How many findings it had before.
        trial: With one.
        level: Which.

    Returns:
        Whether they part.
    """
    plain = _serious(attempt.findings[before:])
    found = _serious(trial.findings)
    if _agree(plain, found) or any(finding.code is Code.CPU_LEVEL for finding in found):
        return False
    noted = any(finding.code is Code.CPU_LEVEL for finding in attempt.findings[before:])
    if noted and all(finding.code is Code.LIBRARY_MISSING for finding in found):
        return False  # it is there for CPUs of another level only, as was said
    attempt.findings[before:] = [
        finding for finding in attempt.findings[before:] if finding.effect is Effect.NOTE
    ]
    subject = (found or plain)[0]
    who = (
        f"only CPUs of level {level} are led to this"
        if found
        else f"CPUs of level {level} are led elsewhere"
    )
    attempt.unknown(subject.path, f"{subject.message}; but {who}", UnknownReason.NODE_FACT_UNKNOWN)
    return True


def _agree(plain: list[Finding], found: list[Finding]) -> bool:
    """Tell whether what was found without a level stands: it is unknown already, or the same comes of both."""
    if not plain:
        return not found
    return not _fails(plain) or _fails(found)


def _fails(findings: list[Finding]) -> bool:
    return any(finding.effect is Effect.FAILS for finding in findings)


def _serious(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.effect is not Effect.NOTE]
