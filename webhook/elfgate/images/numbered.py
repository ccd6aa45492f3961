"""Images by their place in a layout or an archive: ``@0`` is the first, as skopeo and podman count.

Source: containers-transports(5), "source-index".
"""

import re
from collections.abc import Sequence
from typing import TypeVar

from elfgate.errors import UnknownReason, UnreadableError

T = TypeVar("T")
_NUMBER = re.compile(r"@([0-9]{1,9})")


def is_number(name: str) -> bool:
    """Whether what stands behind a path is a place, rather than a tag, a name or a digest."""
    return _NUMBER.fullmatch(name) is not None


def numbered(images: Sequence[T], name: str, where: object) -> T:
    """The image at a place.

    Args:
        images: All, in order.
        name: The place, such as ``@0``.
        where: The layout or archive, for messages.

    Raises:
        UnreadableError: IMAGE_NOT_FOUND if there are fewer.
    """
    number = int(name[1:])
    if number >= len(images):
        raise UnreadableError(
            f"{where} has no image {name}",
            reason=UnknownReason.IMAGE_NOT_FOUND,
            hint=f"it has {len(images)}, counted from @0",
        )
    return images[number]
