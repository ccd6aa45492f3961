"""The document that ``elfgate audit -o json`` prints and ``--baseline`` reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from elfgate import __version__
from elfgate.audit.entry import State
from elfgate.audit.report import Known
from elfgate.cli.output import Model
from elfgate.errors import InputError

if TYPE_CHECKING:
    from collections import Counter

    from elfgate.audit.collection import Collection
    from elfgate.audit.entry import Entry
    from elfgate.audit.report import Reason, Report

StateWord = Literal["starts", "kept-off", "unknown", "fails"]


class CountsOutput(Model):
    """The number in each state."""

    starts: int
    kept_off: int = Field(description="they start, and their placement keeps them off")
    unknown: int
    fails: int

    @classmethod
    def of(cls, counts: "Counter[State]") -> "CountsOutput":
        """From a report's."""
        return cls(
            starts=counts[State.STARTS],
            kept_off=counts[State.PLACED],
            unknown=counts[State.UNKNOWN],
            fails=counts[State.FAILS],
        )


class ProblemOutput(Model):
    """One reason on one platform."""

    state: StateWord
    code: str
    platform: str = Field(description="empty if it is about no platform in particular")
    container: str
    reason: int = Field(description="its place in `reasons`")
    new: bool = Field(description="the baseline does not know it; true without one")


class WorkloadOutput(Model):
    """One workload."""

    namespace: str
    kind: str
    name: str
    source: str = Field(description="where it was read")
    owner: str = Field(description="by the label that was asked for; empty if it does not say")
    replicas: int | None = Field(description="how many pods it asks for; null if it does not say")
    state: StateWord
    decision: str = Field(description="admitted, warned or denied; empty with --for")
    platforms: dict[str, StateWord]
    images: dict[str, StateWord]
    problems: list[ProblemOutput]


class ReasonOutput(Model):
    """One reason, told once for all that it concerns."""

    image: str = Field(description="empty if it is about placements")
    state: StateWord
    code: str
    reason: str = Field(description="why it is not known; empty if it is")
    message: str
    remedy: str = Field(description="what to do; empty if nothing is known to help")
    platforms: list[str]
    workloads: int
    replicas: int
    owners: dict[str, int] = Field(description="whose, with the number of workloads")
    new: int = Field(description="workloads of which the baseline does not know it")

    @classmethod
    def of(cls, reason: "Reason") -> "ReasonOutput":
        """From the report's."""
        return cls.model_validate(
            {
                **{
                    name: getattr(reason, name)
                    for name in ("image", "code", "reason", "message", "remedy", "platforms")
                },
                "state": reason.state.value,
                "workloads": len(reason.entries),
                "replicas": reason.replicas,
                "owners": dict(reason.owners()),
                "new": reason.new,
            }
        )


class AuditOutput(Model):
    """``elfgate audit -o json``."""

    version: Literal[1] = Field(default=1, description="of this shape")
    elfgate: str = Field(description="the program's version")
    revision: str = Field(description="of the policies")
    workloads: CountsOutput
    replicas: CountsOutput
    images: CountsOutput
    platforms: dict[str, CountsOutput] = Field(description="workloads by platform and state")
    reasons: list[ReasonOutput]
    found: list[WorkloadOutput] = Field(description="each workload")
    unread: list[str] = Field(description="objects that cannot be read, with their place and why")
    skipped: dict[str, int] = Field(description="objects without a pod template, by kind")
    over: int = Field(description="pods and Jobs that have ended")

    @classmethod
    def of(cls, report: "Report", collection: "Collection", revision: str) -> "AuditOutput":
        """From what was found."""
        from collections import Counter

        return cls(
            elfgate=__version__,
            revision=revision,
            workloads=CountsOutput.of(report.workloads()),
            replicas=CountsOutput.of(report.replicas()),
            images=CountsOutput.of(Counter(report.images().values())),
            platforms={name: CountsOutput.of(each) for name, each in report.shares().items()},
            reasons=[ReasonOutput.of(reason) for reason in report.reasons],
            found=_found(report),
            unread=collection.unread,
            skipped=dict(sorted(collection.skipped.items())),
            over=collection.over,
        )


def read_baseline(path: Path) -> frozenset[Known]:
    """The problems that an earlier report knows.

    Raises:
        InputError: if the file cannot be read, or is no report.
    """
    try:
        report = AuditOutput.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise InputError(
            f"{path}: not a report of elfgate audit", hint="write one with -o json"
        ) from error
    return frozenset(
        Known(each.namespace, each.kind, each.name, problem.state, problem.code, problem.platform)
        for each in report.found
        for problem in each.problems
    )


def _found(report: "Report") -> list[WorkloadOutput]:
    places = {
        (id(entry), reason.image, reason.code, reason.message): place
        for place, reason in enumerate(report.reasons)
        for entry in reason.entries
    }
    return [_workload(entry, report, places) for entry in report.entries]


def _workload(
    entry: "Entry", report: "Report", places: dict[tuple[int, str, str, str], int]
) -> WorkloadOutput:
    return WorkloadOutput.model_validate(
        {
            **{name: getattr(entry, name) for name in ("namespace", "kind", "name", "decision")},
            "source": entry.subject.source,
            "owner": entry.subject.owner,
            "replicas": entry.subject.replicas,
            "state": entry.state.value,
            "platforms": {name: state.value for name, state in entry.platforms.items()},
            "images": {name: state.value for name, state in entry.images.items()},
            "problems": [
                ProblemOutput(
                    state=problem.state.value,
                    code=problem.code,
                    platform=problem.platform,
                    container=problem.container,
                    reason=places[id(entry), problem.image, problem.code, problem.message],
                    new=report.is_new(entry, problem),
                )
                for problem in entry.problems
            ],
        }
    )
