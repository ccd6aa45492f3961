"""How much of a workload one review looks at, so that it is answered in time whatever is in it.

A review of 3 MiB may hold 25,000 containers, or a PATH of a million elements for each kind of node.
What is looked at is bounded by what it costs, not by what is usual: pods that people write stay far
below. The first container beyond a bound stands for all that follow; it is unknown, with this
reason.
"""

from dataclasses import dataclass, field, replace

from elfgate.cluster.workload import CONTAINERS, PARTS, Container, Workload

VOLUMES = 16  # images of volumes: each may have to be read; of the rest nothing is said
IMAGES = 64  # different ones: each may have to be read
PAIRS = 256  # of a container and a platform: each is predicted, and is an entry of the document
# Units (``linkage.work``) for environments, arguments and search paths: about a second.
WORK = 1_000_000

_ELEMENT = 8  # units for an element of a search path, which is looked up
_CHARACTERS = 64  # that cost a unit


@dataclass
class Budget:
    """The cost that one review still allows, for all pod templates of its object together.

    It is used up.

    Attributes:
        parts: Pod templates so far.
        containers: Containers so far.
        pairs: Pairs of a container and a platform so far.
        work: Units of work so far.
        images: Different images so far.
    """

    parts: int = 0
    containers: int = 0
    pairs: int = 0
    work: int = 0
    images: set[str] = field(default_factory=set)

    def complaint(self, container: Container, platforms: int) -> str:
        """Count a container on so many platforms, and name the bound that it is beyond.

        Empty if none.
        """
        self.containers += 1
        self.pairs += platforms
        self.work += platforms * cost(container) * (1 + len(container.hooks))
        self.images.add(container.image)
        if self.parts > PARTS:
            return f"{PARTS} pod templates"
        if self.containers > CONTAINERS:
            return f"{CONTAINERS} containers"
        if len(self.images) > IMAGES:
            return f"{IMAGES} different images"
        if self.containers > 1 and self.pairs > PAIRS:
            return f"{PAIRS} pairs of a container and a platform"
        if self.work > WORK:
            return "so long an environment, and so many elements of search paths"
        return ""


def bounded(workload: Workload, platforms: int, budget: Budget | None = None) -> Workload:
    """Leave out of a pod template what one review cannot look at.

    Args:
        workload: All of it.
        platforms: How many it may land on.
        budget: What the review may cost, the object's other templates included; None for one of its
            own.

    Returns:
        The workload itself if it is within all bounds; else its first containers, and one more
        whose ``skipped`` says why it and those after it are not looked at.
    """
    budget = budget or Budget()
    budget.parts += 1
    for position, container in enumerate(workload.containers):
        why = container.skipped or budget.complaint(container, max(platforms, 1))
        if why:
            kept = (*workload.containers[:position], replace(container, skipped=why))
            return replace(workload, containers=kept)
    return workload


def cost(container: Container) -> int:
    """The units of work that what a container gives its program may cost on one platform."""
    given = container.overrides
    texts = (*(given.command or ()), *(given.args or ()), *given.env, *given.mounts)
    characters = sum(map(len, texts)) + sum(map(len, given.env.values()))
    elements = sum(value.count(":") + 1 for value in given.env.values()) + len(given.mounts)
    return elements * _ELEMENT + characters // _CHARACTERS
