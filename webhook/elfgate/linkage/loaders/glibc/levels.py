"""Which of the levels that a CPU may have make a difference, where the node's is not known.

A loader looks into the ``glibc-hwcaps`` directories of the levels that its CPU has before it looks
beside them (glibc ``elf/dl-hwcaps.c``): what is wrong there is met by some nodes only, and what is
right there saves some nodes only.
"""

from collections.abc import Sequence

from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Effect, Finding


def part(plain: Record, trial: Record, level: str) -> tuple[str, str] | None:
    """Hold what was found without a level against what was found with one.

    Args:
        plain: Without one.
        trial: With one.
        level: Which.

    Returns:
        None if both agree; else the path and the message of what is not known for that.
    """
    found = trial.serious
    if _agree(plain.serious, found) or Code.CPU_LEVEL in (finding.code for finding in found):
        return None
    noted = any(finding.code is Code.CPU_LEVEL for finding in plain.findings)
    if noted and all(finding.code is Code.LIBRARY_MISSING for finding in found):
        return None  # it is there for CPUs of another level only, as was said
    subject = (found or plain.serious)[0]
    who = (
        f"only CPUs of level {level} are led to this"
        if found
        else f"CPUs of level {level} are led elsewhere"
    )
    return subject.path, f"{subject.message}; but {who}"


def _agree(plain: Sequence[Finding], found: Sequence[Finding]) -> bool:
    """Tell whether what was found without a level stands.

    It is unknown already, or the same comes of both.
    """
    if not plain:
        return not found
    return not _fails(plain) or _fails(found)


def _fails(findings: Sequence[Finding]) -> bool:
    return any(finding.effect is Effect.FAILS for finding in findings)
