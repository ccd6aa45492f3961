"""The findings of all workloads: counted, and grouped so that each image's reason is told once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from elfgate.audit.entry import Entry, Problem, State, worst


@dataclass(frozen=True, slots=True, order=True)
class Known:
    """A problem of a workload, as a baseline knows it: whatever the image's tag is by now."""

    namespace: str
    kind: str
    name: str
    state: str
    code: str
    platform: str

    @classmethod
    def of(cls, entry: Entry, problem: Problem) -> "Known":
        """From a finding."""
        return cls(
            entry.namespace,
            entry.kind,
            entry.name,
            problem.state.value,
            problem.code,
            problem.platform,
        )


@dataclass(slots=True)
class Reason:
    """One reason, with all that it concerns.

    Attributes:
        image: Which; empty if it is about placements.
        state: FAILS, UNKNOWN or PLACED.
        code: The rule's.
        reason: Why it is not known; empty if it is.
        message: One line.
        remedy: What to do; empty if nothing is known to help.
        platforms: Where.
        entries: The workloads.
        new: How many of those a baseline does not know.
    """

    image: str
    state: State
    code: str
    reason: str
    message: str
    remedy: str
    platforms: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    new: int = 0

    @property
    def replicas(self) -> int:
        """The number of pods that it concerns."""
        return sum(entry.subject.replicas or 0 for entry in self.entries)

    def helps(self) -> list[str]:
        """The lines of the cluster's owner beside it, each once."""
        said = (entry.help.get(self.code, "") for entry in self.entries)
        return [line for line in dict.fromkeys(said) if line]

    def owners(self) -> list[tuple[str, int]]:
        """Whose the workloads are, who has most first."""
        counts = Counter(entry.subject.owner for entry in self.entries if entry.subject.owner)
        return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


@dataclass(frozen=True, slots=True)
class Report:
    """The report.

    Attributes:
        entries: Each workload.
        reasons: Each reason once, what concerns most workloads first.
        baseline: What was known before; None if nothing is to be compared with.
    """

    entries: Sequence[Entry]
    reasons: Sequence[Reason]
    baseline: frozenset[Known] | None = None

    @classmethod
    def of(cls, entries: Iterable[Entry], baseline: frozenset[Known] | None = None) -> "Report":
        """Group what was found."""
        entries = sorted(entries, key=lambda entry: (entry.namespace, entry.kind, entry.name))
        return cls(entries, _reasons(entries, baseline or frozenset()), baseline)

    def workloads(self) -> Counter[State]:
        """The number of workloads in each state."""
        return Counter(entry.state for entry in self.entries)

    def decisions(self) -> Counter[str]:
        """The number of workloads by the policies' answer, and of those that would be denied."""
        counts = Counter(entry.decision for entry in self.entries if entry.decision)
        counts["would be denied"] = sum(entry.would_deny for entry in self.entries)
        return +counts

    def replicas(self) -> Counter[State]:
        """The number of their pods."""
        counts: Counter[State] = Counter()
        for entry in self.entries:
            counts[entry.state] += entry.subject.replicas or 0
        return counts

    def images(self) -> dict[str, State]:
        """The worst state of each image."""
        found: dict[str, list[State]] = defaultdict(list)
        for entry in self.entries:
            for image, state in entry.images.items():
                found[image].append(state)
        return {image: worst(states) for image, states in sorted(found.items())}

    def shares(self) -> dict[str, Counter[State]]:
        """The number of workloads in each state, by platform."""
        found: dict[str, Counter[State]] = defaultdict(Counter)
        for entry in self.entries:
            for platform, state in entry.platforms.items():
                found[platform][state] += 1
        return dict(sorted(found.items()))

    def is_new(self, entry: Entry, problem: Problem) -> bool:
        """Whether the baseline does not know a problem; it knows none if there is no baseline."""
        return Known.of(entry, problem) not in (self.baseline or ())

    def concerning(self) -> list[Entry]:
        """The workloads that have a problem which the baseline does not know."""
        return [
            entry
            for entry in self.entries
            if any(self.is_new(entry, problem) for problem in entry.problems)
        ]

    def new(self) -> Counter[State]:
        """The number of workloads with a problem of each state that the baseline does not know."""
        counts: Counter[State] = Counter()
        for entry in self.entries:
            counts.update(
                {problem.state for problem in entry.problems if self.is_new(entry, problem)}
            )
        return counts


def _reasons(entries: Iterable[Entry], baseline: frozenset[Known]) -> list[Reason]:
    found: dict[tuple[str, ...], Reason] = {}
    for entry in entries:
        for problem in entry.problems:
            key = (problem.image, problem.state, problem.code, problem.reason, problem.message)
            reason = found.setdefault(key, _reason(problem))
            _count(reason, entry, problem, baseline)
    return sorted(found.values(), key=lambda each: (-len(each.entries), each.image, each.message))


def _reason(problem: Problem) -> Reason:
    return Reason(
        problem.image,
        problem.state,
        problem.code,
        problem.reason,
        problem.message,
        problem.remedy,
    )


def _count(reason: Reason, entry: Entry, problem: Problem, baseline: frozenset[Known]) -> None:
    if problem.platform and problem.platform not in reason.platforms:
        reason.platforms.append(problem.platform)
    if not reason.entries or reason.entries[-1] is not entry:
        reason.entries.append(entry)
        reason.new += Known.of(entry, problem) not in baseline
