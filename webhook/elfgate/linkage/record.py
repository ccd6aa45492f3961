"""The record of one attempt to start a program: its findings and its walk."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.report import Code, Effect, Finding, Role, Step, Taken
from elfgate.linkage.values import Doubt
from elfgate.printable import printable as escaped

_LONGEST = 1000  # characters of a message


@dataclass(slots=True)
class Record:
    """Findings and steps, growing. ``trial`` and ``absorb`` are the only way to try something.

    Args:
        explain: Record the walk.
    """

    explain: bool = False
    _findings: list[Finding] = field(default_factory=list)
    _walk: list[Step] = field(default_factory=list)
    _needs_glibc: tuple[int, ...] = ()
    _taken: dict[Taken, None] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, in the order found."""
        return tuple(self._findings)

    @property
    def serious(self) -> tuple[Finding, ...]:
        """Those that are more than a note."""
        return tuple(finding for finding in self._findings if finding.effect is not Effect.NOTE)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Those that are no more than a note."""
        return tuple(finding for finding in self._findings if finding.effect is Effect.NOTE)

    @property
    def codes(self) -> list[Code]:
        """Codes of those that are more than a note."""
        return [finding.code for finding in self.serious]

    def is_decided(self) -> bool:
        """Tell whether something was found that is more than a note."""
        return any(finding.effect is not Effect.NOTE for finding in self._findings)

    @property
    def walk(self) -> tuple[Step, ...]:
        """Look-ups, in order."""
        return tuple(self._walk)

    @property
    def taken(self) -> tuple[Taken, ...]:
        """Files that were taken, in order."""
        return tuple(self._taken)

    @property
    def needs_glibc(self) -> tuple[int, ...]:
        """The newest release of glibc that anything loaded needs."""
        return self._needs_glibc

    def trial(self, *, aloud: bool = True) -> "Record":
        """Begin a record for something that is tried.

        Args:
            aloud: Record the walk, if this record does.
        """
        return Record(explain=self.explain and aloud)

    def absorb(self, trial: "Record", *, findings: Sequence[Finding] | None = None) -> None:
        """Take over the walk and the needs of a trial, and what stands of its findings.

        Args:
            trial: The record of what was tried.
            findings: Those that stand; all of them by default.
        """
        self._walk += trial.walk
        self.absorb_taken(trial)
        self.need_glibc(trial.needs_glibc)
        for finding in trial.findings if findings is None else findings:
            self._add(finding)

    def absorb_taken(self, trial: "Record") -> None:
        """Take over the files of a trial, of which nothing else stands."""
        self._taken.update(dict.fromkeys(trial.taken))

    def take(self, role: Role, path: str, name: str = "") -> None:
        """Record a file that the start takes."""
        if self.explain:
            self._taken.setdefault(Taken(role, path, name))

    def need_glibc(self, release: tuple[int, ...]) -> None:
        """Record that a release of glibc is needed."""
        self._needs_glibc = max(self._needs_glibc, release)

    def wrong_format(self, path: str, message: str, doubt: Doubt | None) -> None:
        """Record that the kernel does not take the format of a file."""
        self.failed(
            Code.EXEC_FORMAT,
            path,
            message,
            messages.FIX_FORMAT,
            doubt,
        )

    def failed(
        self,
        code: Code,
        path: str,
        message: str,
        remedy: str,
        doubt: Doubt | None = None,
        *,
        versions: Sequence[str] = (),
    ) -> None:
        """Record what keeps the program from starting; with a doubt, what would."""
        if doubt is None:
            lacking = tuple(map(printable, versions))
            self._add(
                Finding(
                    code,
                    printable(path),
                    printable(message),
                    remedy,
                    versions=lacking,
                )
            )
        else:
            self.unknown(path, f"{message}; but {doubt.because}", doubt.reason)

    def unknown(self, path: str, message: str, reason: UnknownReason) -> None:
        """Record what cannot be told."""
        code, effect = Code.LINKAGE_UNKNOWN, Effect.UNKNOWN
        self._add(Finding(code, printable(path), printable(message), "", effect, reason))

    def note(self, code: Code, path: str, message: str, remedy: str = "") -> None:
        """Record what is worth saying of a program that starts; once for each code."""
        self._add(Finding(code, printable(path), printable(message), remedy, Effect.NOTE))

    def step(self, actor: str, text: str, result: str) -> None:
        """Record a look-up."""
        if self.explain:
            self._walk.append(Step(printable(actor), printable(text), printable(result)))

    def _add(self, finding: Finding) -> None:
        if not self._is_noted(finding):
            self._findings.append(finding)

    def _is_noted(self, finding: Finding) -> bool:
        """Tell whether a finding is a note of a code that has one."""
        return finding.effect is Effect.NOTE and any(
            other.effect is Effect.NOTE and other.code is finding.code for other in self._findings
        )


def doubted(findings: Sequence[Finding], doubt: Doubt) -> tuple[Finding, ...]:
    """Make what was found to fail unknown, as it rests on what is in doubt."""
    return tuple(_doubted(finding, doubt) for finding in findings)


def _doubted(finding: Finding, doubt: Doubt) -> Finding:
    if finding.effect is not Effect.FAILS:
        return finding
    message = f"{finding.message}; but {doubt.because}"
    code, effect = Code.LINKAGE_UNKNOWN, Effect.UNKNOWN
    return Finding(code, finding.path, message, "", effect, doubt.reason)


def printable(text: str) -> str:
    """Escape what is not printable in names that images bring.

    What no reader would follow is shortened.
    """
    return escaped(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
