"""The support matrix: images down, platforms across, a predicted start in each cell."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from elfgate.errors import UnreadableError
from elfgate.platforms import Platform
from elfgate.scan.scanner import Linkage, Scanner


@dataclass(frozen=True, slots=True)
class Matrix:
    """A support matrix.

    Attributes:
        platforms: The columns.
        rows: For each image, one linkage a column.
    """

    platforms: tuple[Platform, ...]
    rows: tuple[tuple[Linkage, ...], ...]


async def matrix(
    scanner: Scanner, images: Sequence[str], platforms: Sequence[Platform] = ()
) -> Matrix:
    """Predict the start of each image on each platform.

    Args:
        scanner: Predicts starts.
        images: As a command line names them.
        platforms: The columns; if none are given, every platform that any of the images offers.

    Raises:
        InputError: if one of ``images`` is not an image reference.
        UnreadableError: if none of the images can be read, so that there is nothing to show.
    """
    if not platforms:
        platforms = await _offered(scanner, images)
    rows = [
        await asyncio.gather(*(scanner.linkage(image, platform) for platform in platforms))
        for image in images
    ]
    return Matrix(tuple(platforms), tuple(tuple(row) for row in rows))


async def _offered(scanner: Scanner, images: Sequence[str]) -> tuple[Platform, ...]:
    answers = await asyncio.gather(*(_platforms_or_error(scanner, image) for image in images))
    errors = [answer for answer in answers if isinstance(answer, UnreadableError)]
    if len(errors) == len(images):
        raise errors[0]
    offers = [
        platform
        for answer in answers
        if not isinstance(answer, UnreadableError)
        for platform in answer
    ]
    return tuple(sorted(set(offers)))


async def _platforms_or_error(
    scanner: Scanner, image: str
) -> tuple[Platform, ...] | UnreadableError:
    try:
        return await scanner.images.platforms(image)
    except UnreadableError as error:
        return error
