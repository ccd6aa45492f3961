"""The audit's finding on one workload.

Where it starts, where it fails, what is not known, and why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from elfgate.audit.subject import Subject


class State(StrEnum):
    """The outcome of a workload, the best first."""

    STARTS = "starts"
    PLACED = "kept-off"  # it starts there, and its placement keeps it off
    UNKNOWN = "unknown"
    FAILS = "fails"


_ORDER = {state: rank for rank, state in enumerate(State)}


def worst(states: Iterable[State]) -> State:
    """The state of what has several parts."""
    return max(states, key=_ORDER.__getitem__, default=State.STARTS)


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why an image does not start on a platform, or why that is not known.

    Attributes:
        image: As the workload names it; empty if it is about the placement.
        container: Its container.
        platform: Where; empty if nowhere in particular.
        state: FAILS, UNKNOWN or PLACED.
        code: The rule's.
        reason: Why it is not known; empty if it is.
        message: One line: what is the matter.
        remedy: One line: what to do; empty if nothing is known to help.
    """

    image: str
    container: str
    platform: str
    state: State
    code: str
    message: str
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """The finding on one workload.

    Attributes:
        subject: Which.
        platforms: Its state on each platform that it may land on, or that was asked about.
        images: The state of each of its images.
        problems: Why, in the order of containers and platforms.
        decision: The policies' answer: ``admitted``, ``warned`` or ``denied``, or ``exempt``; empty
            where they are not asked.
        would_deny: The policies would deny it, if nothing held them back.
        help: What the cluster's owner says beside such a refusal, by the rule's code.
    """

    subject: Subject
    platforms: Mapping[str, State] = field(default_factory=dict)
    images: Mapping[str, State] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    decision: str = ""
    would_deny: bool = False
    help: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """The worst of all."""
        return worst((*self.platforms.values(), *(each.state for each in self.problems)))

    @property
    def failing(self) -> list[str]:
        """The images that fail somewhere."""
        return [image for image, state in self.images.items() if state is State.FAILS]

    @property
    def namespace(self) -> str:
        """The workload's."""
        return self.subject.workload.namespace

    @property
    def kind(self) -> str:
        """The workload's."""
        return self.subject.workload.kind

    @property
    def name(self) -> str:
        """The workload's."""
        return self.subject.workload.name

    @property
    def title(self) -> str:
        """Its name for people: ``shop/Deployment/web``."""
        return "/".join(part for part in (self.namespace, self.kind, self.name) if part)
