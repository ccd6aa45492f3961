"""One platform that a pod may land on, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.openings import Opening
from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import NodeFacts
from elfgate.platforms import Platform


class Standing(StrEnum):
    """How sure it is that a pod may land on a platform."""

    CERTAIN = "certain"  # there are nodes that could take it now
    POSSIBLE = "possible"  # there may be: nodes that are away, or not there yet
    OPEN = "open"  # if its placement changes, which is not final


@dataclass(frozen=True, slots=True)
class Target:
    """One platform that a pod may land on.

    Attributes:
        platform: Which.
        nodes: How many nodes of it the pod may land on; 0 for an architecture that is asked for but
            has no node yet.
        names: A few of them, sorted; none of a stand-in.
        facts: What holds for all of these nodes; what they emulate, if any of them does.
        standing: How sure it is.
        reason: Why it is not certain, for policy; None where it is.
        because: The same in one clause, for people.
        doubts: Why what would fail on one of these nodes may not.
        groups: The labels that some of its nodes share, and how many they are (``inventory.OTHER``
            where they differ).
    """

    platform: Platform
    nodes: int
    names: tuple[str, ...] = ()
    facts: NodeFacts = field(default_factory=NodeFacts)
    standing: Standing = Standing.CERTAIN
    reason: UnknownReason | None = None
    because: str = ""
    doubts: tuple[Doubt, ...] = ()
    groups: tuple[tuple[Mapping[str, str], int], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Landing:
    """The places that a pod may land on.

    Attributes:
        targets: The platforms that are certain or possible, sorted; none if nothing is known of
            where it may land.
        openings: Why its placement is not final.
        beyond: The platforms that are open, sorted; none if its placement is final.
    """

    targets: tuple[Target, ...]
    openings: tuple[Opening, ...] = ()
    beyond: tuple[Target, ...] = ()
