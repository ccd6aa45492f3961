"""The tags of a repository, as its registry lists them.

Source: OCI distribution spec 1.1, "Listing Tags" (``n`` and ``last``; a registry sorts tags by
name).
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from elfgate.errors import UnknownReason, UnreadableError

PAGE = 1000
MOST_PAGES = 5


@runtime_checkable
class Tagged(Protocol):
    """A source that lists the tags of its repository."""

    def tags(self) -> tuple[str, ...]:
        """The first tags, as many as ``MOST_PAGES`` pages hold.

        Raises:
            UnreadableError: if they cannot be had.
        """


def tags_of(source: object) -> tuple[str, ...]:
    """The tags that a source lists; none if it has no list.

    Raises:
        UnreadableError: if the list cannot be had.
    """
    return source.tags() if isinstance(source, Tagged) else ()


class _Page(BaseModel):
    tags: list[str] | None = None


def listed(fetch: Callable[[str], bytes], what: str) -> tuple[str, ...]:
    """The tags on the first pages.

    Args:
        fetch: Gets a path below the repository's.
        what: The list, for messages.

    Raises:
        UnreadableError: if a page cannot be had, or is none.
    """
    found: dict[str, None] = {}
    path = f"tags/list?n={PAGE}"
    for _ in range(MOST_PAGES):
        page = _read(fetch(path), what)
        fresh = [tag for tag in page if tag not in found]
        found.update(dict.fromkeys(fresh))
        if len(page) < PAGE or not fresh:
            break
        path = f"tags/list?n={PAGE}&last={quote(page[-1], safe='')}"
    return tuple(found)


def _read(data: bytes, what: str) -> list[str]:
    try:
        return _Page.model_validate_json(data).tags or []
    except ValidationError as error:
        message = f"{what}: the registry's answer is no list of tags"
        raise UnreadableError(message, reason=UnknownReason.REGISTRY_UNREACHABLE) from error
