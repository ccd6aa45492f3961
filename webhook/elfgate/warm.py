"""Reading images ahead of time.

What the store has is passed over, so that a run that was stopped is taken up again.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from elfgate.errors import InputError, UnreadableError
from elfgate.images.reference import Location
from elfgate.images.source import Descriptor, Source
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.scan.reader import Locate, Reader


class State(StrEnum):
    """The outcome of one image."""

    READ = "read"  # something of it had to be read
    KNOWN = "known"  # the store had it all
    FAILED = "failed"  # it cannot be read, or not all of it


@dataclass(frozen=True, slots=True)
class Warmed:
    """The outcome of one image.

    Attributes:
        image: As it was asked for.
        state: What came of it.
        platforms: Those that are in the store now.
        layers: How many layers were read for it.
        message: Why it failed; empty if it did not.
    """

    image: str
    state: State
    platforms: tuple[Platform, ...] = ()
    layers: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``count`` parts of all images, by a hash of their names.

    The same for everyone who asks.

    Attributes:
        index: Which, from 0, as a Kubernetes Indexed Job counts.
        count: How many there are.
    """

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``I/N``.

        Raises:
            InputError: if it is not that, or I is not below N.
        """
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if match is None or int(match[1]) >= int(match[2]):
            raise InputError(f"{text!r} is not a shard", hint="write I/N, with I from 0 to N-1")
        return cls(int(match[1]), int(match[2]))

    def has(self, image: str) -> bool:
        """Whether an image is of this part."""
        return (
            int.from_bytes(hashlib.sha256(image.encode()).digest()[:8]) % self.count == self.index
        )


def distinct(images: Iterable[str], shard: Shard) -> Iterator[str]:
    """The images of a shard, each once, however it is written.

    Raises:
        InputError: if one of them is no image.
    """
    seen = set()
    for image in images:
        location = Location.parse(image)
        name = image if location.reference is None else str(location.reference)
        if name not in seen and shard.has(name):
            seen.add(name)
            yield image


async def warm(
    images: Iterable[str],
    *,
    reader: Reader,
    locate: Locate,
    platforms: Sequence[Platform] = (),
    at_once: int = 4,
) -> AsyncIterator[Warmed]:
    """Read images, so many at a time.

    Args:
        images: As a command line names them.
        reader: Reads them.
        locate: Finds them.
        platforms: For which; if none are given, every Linux platform that the image offers.
        at_once: How many images are read at the same time.

    Returns:
        What came of each, as it comes.
    """
    waiting = iter(images)
    under_way: set[asyncio.Task[Warmed]] = set()
    try:
        while True:
            while len(under_way) < at_once and (image := next(waiting, None)) is not None:
                under_way.add(asyncio.create_task(_warm(image, reader, locate, platforms)))
            if not under_way:
                return
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in under_way:
            task.cancel()


async def _warm(
    image: str, reader: Reader, locate: Locate, platforms: Sequence[Platform]
) -> Warmed:
    located = locate(image)
    counted = _Counted(located.source)
    located = replace(located, source=counted)
    kept, problems = [], {}
    try:
        offered = platforms or [
            platform
            for platform in await reader.listings.platforms(located)
            if platform.os == "linux"
        ]
    except UnreadableError as error:
        return Warmed(image, State.FAILED, message=str(error))
    for platform in offered:
        try:
            _, contents = await reader.read(located, platform)
        except UnreadableError as error:
            problems[str(error)] = platform
        else:
            kept += [platform] if contents is not None else []
    if problems:
        state = State.FAILED
    elif counted.reads:
        state = State.READ
    else:
        state = State.KNOWN
    message = "; ".join(f"{platform}: {problem}" for problem, platform in problems.items())
    return Warmed(image, state, tuple(kept), counted.layers, message)


class _Counted:
    """A source that counts what is read of it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.reads = 0
        self.layers = 0

    def resolve(self, name: str) -> Descriptor:
        """Ask the source. The question is not counted: a tag is asked anew each time."""
        return self._source.resolve(name)

    def document(self, descriptor: Descriptor) -> bytes:
        """Ask the source."""
        self.reads += 1
        return self._source.document(descriptor)

    def layer(self, descriptor: Descriptor) -> Layer:
        """Ask the source."""
        self.reads += 1
        self.layers += 1
        return self._source.layer(descriptor)
