"""How much of a workload one review looks at, so that it is answered in time whatever is in it.

A review of 3 MiB may hold 25,000 containers, or a PATH of a million elements for each kind of node.
What is looked at is bounded by what it costs, not by what is usual: pods that people write stay far
below. The first container beyond a bound stands for all that follow; it is unknown, with this reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from elfgate.cluster.workload import CONTAINERS, Container, Workload

IMAGES = 64  # different ones: each may have to be read
PAIRS = 256  # of a container and a platform: each is predicted, and is an entry of the document
WORK = 1_000_000  # units (``linkage.work``) for environments, arguments and search paths: about a second

_ELEMENT = 8  # units for an element of a search path, which is looked up
_CHARACTERS = 64  # that cost a unit


def bounded(workload: Workload, platforms: int) -> Workload:
    """Leave out of a workload what one review cannot look at.

    Args:
        workload: All of it.
        platforms: How many it may land on.

    Returns:
        The workload itself if it is within all bounds; else its first containers, and one more whose ``skipped`` says
        why it and those after it are not looked at.
    """
    for position, why in enumerate(_complaints(workload.containers, max(platforms, 1))):
        if why:
            beyond = replace(workload.containers[position], skipped=why)
            return replace(workload, containers=(*workload.containers[:position], beyond))
    return workload


def _complaints(containers: Sequence[Container], platforms: int) -> Iterator[str]:
    """Which bound each container is beyond, counting those before it; empty if none."""
    images, work = set[str](), 0
    for count, container in enumerate(containers, 1):
        images.add(container.image)
        work += platforms * cost(container)
        if count > CONTAINERS:
            yield f"{CONTAINERS} containers"
        elif len(images) > IMAGES:
            yield f"{IMAGES} different images"
        elif count > 1 and count * platforms > PAIRS:
            yield f"{PAIRS} pairs of a container and a platform"
        elif work > WORK:
            yield "so long an environment, and so many elements of search paths"
        else:
            yield ""


def cost(container: Container) -> int:
    """The units of work that what a container gives its program may cost on one platform."""
    given = container.overrides
    texts = (*(given.command or ()), *(given.args or ()), *given.env, *given.mounts)
    characters = sum(map(len, texts)) + sum(map(len, given.env.values()))
    elements = sum(value.count(":") + 1 for value in given.env.values()) + len(given.mounts)
    return elements * _ELEMENT + characters // _CHARACTERS
