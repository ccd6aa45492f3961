"""Other tags of an image's repository that are worth a look: siblings, and newer ones.

A tag is a version and a flavor: ``2.4-alpine``. A sibling has the same version and another flavor;
a newer tag has the same flavor, and a higher version of as many numbers.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest

MOST = 8

_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})(?![\d.])(.*)", re.DOTALL)
_PRE_RELEASE = re.compile(r"(?:^|[-._])(?:alpha|beta|dev|nightly|pre|rc|snapshot)(?![a-z])")
_NO_IMAGE = re.compile(r"sha256-[0-9a-f]{64}")  # a signature or an attestation, by cosign's scheme


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag in its parts.

    Attributes:
        text: As written.
        version: Its numbers; empty if it begins with none.
        flavor: The rest.
    """

    text: str
    version: tuple[int, ...]
    flavor: str

    @classmethod
    def parse(cls, text: str) -> "Tag":
        """Read a tag."""
        found = _VERSION.match(text)
        if found is None:
            return cls(text, (), text)
        numbers = tuple(map(int, found[1].split(".")))
        return cls(text, numbers, found[2])

    @property
    def is_pre_release(self) -> bool:
        """Whether it is called an alpha, a beta, a candidate or the like."""
        return _PRE_RELEASE.search(self.flavor) is not None


def candidates(tag: str, tags: Iterable[str]) -> list[str]:
    """The tags to look at, the most promising first: siblings and newer ones in turn.

    Args:
        tag: The image's.
        tags: All of its repository.
    """
    own = Tag.parse(tag)
    others = [
        each
        for each in map(Tag.parse, dict.fromkeys(tags))
        if each.text != tag and not _NO_IMAGE.match(each.text)
    ]
    released = [each for each in others if own.is_pre_release or not each.is_pre_release]
    in_turn = zip_longest(_siblings(own, released), _newer(own, released))
    found = (each.text for each in chain.from_iterable(in_turn) if each is not None)
    return list(found)[:MOST]


def _siblings(own: Tag, others: Iterable[Tag]) -> Iterator[Tag]:
    """Those of the same version, short names first."""
    same = (each for each in others if each.version == own.version)
    yield from sorted(same, key=lambda each: (len(each.text), each.text))


def _newer(own: Tag, others: Iterable[Tag]) -> Iterator[Tag]:
    """Those of the same flavor: the newest of the same major version first."""
    same = [each for each in others if each.flavor == own.flavor and own.version]
    higher = [
        each
        for each in same
        if len(each.version) == len(own.version) and each.version > own.version
    ]
    newest_first = sorted(higher, key=lambda each: each.version, reverse=True)
    yield from sorted(newest_first, key=lambda each: each.version[0] != own.version[0])
