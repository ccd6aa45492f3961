"""Tags that are alike: one that starts is suggested in the stead of one that does not."""

from collections.abc import Sequence
from itertools import takewhile


def alike(tag: str, tags: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Other tags, those that begin most alike first."""
    others = [pair for pair in tags if pair[0] != tag]
    return sorted(others, key=lambda pair: _common_beginning(tag, pair[0]), reverse=True)


def _common_beginning(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
