"""The document that ``elfgate audit -o json`` prints and ``--baseline`` reads."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field
from pydantic_core import from_json

from elfgate.audit.entry import State
from elfgate.audit.report import Known
from elfgate.errors import InputError
from elfgate.given_file import OBJECTS_BYTES, contents
from elfgate.policy.rulebook import Rulebook
from elfgate.results.image import tag_of
from elfgate.results.model import Headed, Model, schema

if TYPE_CHECKING:
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
    decision: str = Field(description="admitted, warned, denied or exempt; empty with --for")
    would_deny: bool = Field(
        default=False, description="the policies would deny it, if nothing held them back"
    )
    platforms: dict[str, StateWord]
    images: dict[str, StateWord]
    problems: list[ProblemOutput]


class ReasonOutput(Model):
    """One reason, told once for all that it concerns."""

    image: str = Field(description="empty if it is about placements")
    tag: str = Field(default="", description="the image's; empty if it has none")
    state: StateWord
    code: str
    title: str = Field(default="", description="what the rule finds, in a few words")
    link: str = Field(default="", description="the page that explains the rule")
    reason: str = Field(description="why it is not known; empty if it is")
    message: str
    remedy: str = Field(description="what to do; empty if nothing is known to help")
    help: list[str] = Field(
        default=[], description="what the cluster's owner says beside such refusals"
    )
    platforms: list[str]
    workloads: int
    replicas: int
    owners: dict[str, int] = Field(description="whose, with the number of workloads")
    new: int = Field(description="workloads of which the baseline does not know it")

    @classmethod
    def of(cls, reason: "Reason", book: Rulebook) -> "ReasonOutput":
        """From the report's."""
        return cls.model_validate(
            {
                **{
                    name: getattr(reason, name)
                    for name in ("image", "code", "reason", "message", "remedy", "platforms")
                },
                "tag": tag_of(reason.image),
                "title": book.title(reason.code),
                "link": book.link(reason.code),
                "state": reason.state.value,
                "workloads": len(reason.entries),
                "replicas": reason.replicas,
                "owners": dict(reason.owners()),
                "help": reason.helps(),
                "new": reason.new,
            }
        )


class AuditOutput(Headed):
    """``elfgate audit -o json``."""

    schema_: str = schema("audit")
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
    unused: list[str] = Field(
        default=[], description="exemptions that spare nothing of what was audited"
    )

    @classmethod
    def of(
        cls,
        report: "Report",
        collection: "Collection",
        revision: str,
        book: Rulebook,
        unused: Sequence[str] = (),
    ) -> "AuditOutput":
        """From what was found."""
        return cls(
            revision=revision,
            workloads=CountsOutput.of(report.workloads()),
            replicas=CountsOutput.of(report.replicas()),
            images=CountsOutput.of(Counter(report.images().values())),
            platforms={name: CountsOutput.of(each) for name, each in report.shares().items()},
            reasons=[ReasonOutput.of(reason, book) for reason in report.reasons],
            found=_found(report),
            unread=collection.unread,
            skipped=dict(sorted(collection.skipped.items())),
            over=collection.over,
            unused=list(unused),
        )


def read_baseline(path: Path) -> frozenset[Known]:
    """The problems that an earlier report knows.

    Raises:
        InputError: if the file cannot be read, or is no report.
    """
    try:
        report = AuditOutput.model_validate(_of_this_version(contents(path, OBJECTS_BYTES)))
    except ValueError as error:
        raise InputError(
            f"{path}: not a report of elfgate audit", hint="write a report with -o json"
        ) from error
    return frozenset(
        Known(each.namespace, each.kind, each.name, problem.state, problem.code, problem.platform)
        for each in report.found
        for problem in each.problems
    )


def _of_this_version(text: bytes) -> object:
    """A report's JSON; version 1 is the same with less in it."""
    told = from_json(text)
    if isinstance(told, dict) and told.get("version") == 1:
        return {**told, "version": 2}
    return told


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
            "would_deny": entry.would_deny,
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
