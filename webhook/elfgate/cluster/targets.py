"""Where a pod may land: the platforms that its placement and the nodes leave, with the nodes behind each."""

from dataclasses import dataclass, field

from elfgate.linkage.start import NodeFacts
from elfgate.platforms import Platform


@dataclass(frozen=True, slots=True)
class Target:
    """One platform that a pod may land on.

    Attributes:
        platform: Which.
        nodes: How many nodes of it the pod may land on; 0 for an architecture that is asked for but has no node yet.
        names: A few of them, sorted.
        facts: What holds for all of these nodes.
    """

    platform: Platform
    nodes: int
    names: tuple[str, ...] = ()
    facts: NodeFacts = field(default_factory=NodeFacts)
