"""Looks for another tag that starts where an image fails, and has it read.

What it reads is known from then on, so that a second judgement names it as the way out.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from elfgate.audit.entry import Entry, State
from elfgate.audit.tags import candidates
from elfgate.cluster.workload import parts_of
from elfgate.errors import InputError, UnreadableError
from elfgate.images.reference import Reference
from elfgate.linkage.inputs import Overrides
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.scanner import Scanner

AT_ONCE = 4  # images


@dataclass(frozen=True, slots=True)
class Failing:
    """An image that cannot start on a platform.

    Attributes:
        image: As workloads name it.
        platform: Where.
        overrides: What the first workload found changes of its start.
    """

    image: str
    platform: Platform
    overrides: Overrides


def failing(entries: Iterable[Entry]) -> list[Failing]:
    """Each image that fails, once for each platform."""
    found: dict[tuple[str, str], Failing] = {}
    for entry in entries:
        for each in _of_entry(entry):
            found.setdefault((each.image, str(each.platform)), each)
    return list(found.values())


def _of_entry(entry: Entry) -> Iterator[Failing]:
    workload = entry.subject.workload
    containers = {each.name: each for part in parts_of(workload) for each in part.containers}
    for problem in entry.problems:
        is_of_image = problem.state is State.FAILS and problem.image and problem.platform
        container = containers.get(problem.container)
        if is_of_image and container is not None:
            platform = Platform.parse(problem.platform)
            yield Failing(problem.image, platform, container.overrides)


async def look_for_tags(found: Sequence[Failing], scanner: Scanner) -> bool:
    """Read other tags of failing images, until one of each starts.

    Each repository is asked for its tags once. Of an image at most ``tags.MOST`` others are read.

    Returns:
        Whether one was found.
    """
    turn = asyncio.Semaphore(AT_ONCE)
    listed: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def look(each: Failing) -> bool:
        async with turn:
            return await _starts_in_another(each, scanner, listed)

    return any(await asyncio.gather(*map(look, found)))


async def _starts_in_another(
    each: Failing, scanner: Scanner, listed: dict[str, "asyncio.Task[tuple[str, ...]]"]
) -> bool:
    """Tell whether another tag starts; a registry that does not say has none."""
    try:
        reference = Reference.parse(each.image)
        if reference.name not in listed:
            listed[reference.name] = asyncio.create_task(scanner.images.tags(each.image))
        tags = await listed[reference.name]
    except (InputError, UnreadableError):
        return False
    for tag in candidates(reference.tag, tags):
        other = f"{reference.name}:{tag}"
        linkage = await scanner.linkage(other, each.platform, each.overrides)
        if linkage.outcome is Outcome.STARTS:
            return True
    return False
