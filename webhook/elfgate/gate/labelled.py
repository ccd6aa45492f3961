"""The labels of the images of a workload, for rules that look at them."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from elfgate.errors import InputError, UnreadableError
from elfgate.images.labels import Labels
from elfgate.images.reference import pulled_name
from elfgate.scan.asker import Asker
from elfgate.scan.scanner import Linkage, Scanner

Named: TypeAlias = tuple[str, str, str]
"""An image, what its name leads to, and the manifest of it that a node pulls."""


def named(linkage: Linkage) -> Named:
    """The image of a prediction."""
    return linkage.image, linkage.digest, linkage.manifest


async def labels(
    scanner: Scanner, linkages: Iterable[Linkage], asker: Asker, within: float | None
) -> Mapping[Named, Labels]:
    """The labels of the images on which predictions are, of those of which they can be told.

    Args:
        scanner: Reads images.
        linkages: The predictions.
        asker: Who asks.
        within: The most seconds that there are for it.
    """
    wanted = {named(linkage): linkage for linkage in linkages if linkage.digest}
    reading = (_of(scanner, linkage, asker, within) for linkage in wanted.values())
    found = await asyncio.gather(*reading)
    return {name: told for name, told in zip(wanted, found, strict=True) if told is not None}


async def _of(
    scanner: Scanner, linkage: Linkage, asker: Asker, within: float | None
) -> Labels | None:
    try:
        image = pulled_name(linkage.image)
        async with asyncio.timeout(within):
            return await scanner.images.labels(image, linkage.digest, linkage.manifest, asker)
    except (InputError, TimeoutError, UnreadableError):
        return None
