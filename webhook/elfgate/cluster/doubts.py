"""Doubts: why what a prediction says of a start may be otherwise where a pod really runs.

A prediction is about an image's files, the kernel of a node and an ordinary runtime. What a pod or
a node says may make one of these another: then what would fail is not known to fail.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code, Effect, Finding, Prediction


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to doubt failures.

    Attributes:
        reason: For policy.
        because: One clause, for people.
        codes: The failures that it casts doubt on; None for every failure.
        names: Patterns of the files' names that it is about; None for every file.
    """

    reason: UnknownReason
    because: str
    codes: frozenset[Code] | None = None
    names: tuple[str, ...] | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether this finding may be otherwise."""
        return (
            finding.effect is Effect.FAILS
            and (self.codes is None or finding.code in self.codes)
            and (self.names is None or _is_named(finding.path, self.names))
        )


def doubted(prediction: Prediction, doubts: Iterable[Doubt]) -> Prediction:
    """The prediction, with each failure that a doubt covers made unknown.

    The first doubt gives the reason.
    """
    doubts = tuple(doubts)
    if not doubts:
        return prediction
    findings = tuple(_doubted(finding, doubts) for finding in prediction.findings)
    return replace(prediction, findings=findings)


def _doubted(finding: Finding, doubts: tuple[Doubt, ...]) -> Finding:
    doubt = next((doubt for doubt in doubts if doubt.covers(finding)), None)
    if doubt is None:
        return finding
    return Finding(
        Code.LINKAGE_UNKNOWN,
        finding.path,
        f"{finding.message}; but {doubt.because}",
        effect=Effect.UNKNOWN,
        reason=doubt.reason,
    )


def _is_named(path: str, names: tuple[str, ...]) -> bool:
    name = posixpath.basename(path)
    return any(fnmatchcase(name, pattern) for pattern in names)
