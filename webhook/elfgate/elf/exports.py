"""The symbols that a file defines for others, as ``elfgate.elf.exported`` kept them.

They are known by the hashes of their names (``elfgate.elf.hashing``).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Protocol, TypeAlias

from elfgate.elf.hashing import gnu_hash
from elfgate.elf.layout import LAYOUTS

if TYPE_CHECKING:
    from array import array

_LITTLE = LAYOUTS[64, "little"]  # as lists are written
_HEAD = 4  # bytes: the number of symbols

BEYOND = b"*"  # the list of a file with more than are kept

# A symbol's trait: the number of its version, as DT_VERSYM has it; and whether it is an indirect
# function.
NUMBER, INDIRECT, HIDDEN = 0x3FFF, 0x4000, 0x8000
_FIRST_OF_SEVERAL = 3  # glibc takes the first version of all for whoever wants none


Wanted: TypeAlias = dict[int, tuple[str, ...]]
"""Symbols that are looked for: by hash, the versions that are wanted, empty for one without."""


class Exports(Protocol):
    """The symbols that a file defines for others."""

    @property
    def hashes(self) -> Sequence[int]:
        """The hashes of their names, as far as they are known; ascending."""

    def __call__(self, name: str) -> bool:
        """Tell whether any symbol of that name is defined."""

    def in_version(self, value: int, version: str) -> bool:
        """Tell whether glibc would take a symbol of that hash for one of that version.

        The version is empty for one without.
        """

    def by_default(self, value: int) -> bool:
        """Tell whether there is one of that hash that musl sees.

        It is of a default version, and no indirect function.
        """

    def give_versions(self, wanted: Wanted) -> None:
        """Take away what glibc would take from here: the versions that are wanted, by hash."""

    def give_defaults(self, wanted: Wanted) -> None:
        """Take away what musl would take from here."""


class _Everything:
    """The exports of a file that has more than are kept: nothing may be called missing from it."""

    @property
    def hashes(self) -> Sequence[int]:
        return ()

    def __call__(self, name: str) -> bool:  # noqa: ARG002 - a protocol's
        return True

    def in_version(self, value: int, version: str) -> bool:  # noqa: ARG002 - a protocol's
        return True

    def by_default(self, value: int) -> bool:  # noqa: ARG002 - a protocol's
        return True

    def give_versions(self, wanted: Wanted) -> None:
        wanted.clear()

    def give_defaults(self, wanted: Wanted) -> None:
        wanted.clear()


class Known:
    """Exports with their traits.

    A file without versions and indirect functions has none.

    Args:
        blob: Their number, their hashes, ascending, and a trait for each, or for none.
        versions: Names of versions by number.

    Raises:
        ValueError: if it is something else.
    """

    __slots__ = ("_blob", "_lists", "_versions")

    def __init__(self, blob: bytes, versions: Mapping[int, str]) -> None:
        count = int.from_bytes(blob[:_HEAD], "little")
        if blob and len(blob) - _HEAD not in (4 * count, 6 * count):
            raise ValueError("not a list of exports")
        self._blob = blob
        self._versions = versions
        self._lists: tuple[array[int], array[int]] | None = None

    @property
    def hashes(self) -> Sequence[int]:
        """The hashes of the names, ascending."""
        return self._opened()[0]

    def _opened(self) -> "tuple[array[int], array[int]]":
        """Hashes and traits as numbers; most files are never asked."""
        if self._lists is None:
            end = _HEAD + 4 * int.from_bytes(self._blob[:_HEAD], "little")
            words, halves = self._blob[_HEAD:end], self._blob[end:]
            self._lists = _LITTLE.words(words), _LITTLE.halves(halves)
        return self._lists

    def _traits(self, value: int) -> Sequence[int] | None:
        """Traits of the symbols of that hash, none where the file has none.

        None if no symbol of that hash is exported.
        """
        hashes, traits = self._opened()
        place = bisect_left(hashes, value)
        if place == len(hashes) or hashes[place] != value:
            return None
        return traits[place : bisect_right(hashes, value, place)]

    def __call__(self, name: str) -> bool:
        """Tell whether a symbol of that name is exported."""
        return self._traits(gnu_hash(name)) is not None

    def in_version(self, value: int, version: str) -> bool:
        """Tell whether glibc would take a symbol of that hash for one of that version.

        Source: ``check_match`` in ``elf/dl-lookup.c``.
        """
        traits = self._traits(value)
        if not traits:
            return traits is not None
        return any(not self._left(trait, (version,)) for trait in traits)

    def _left(self, trait: int, asked: tuple[str, ...]) -> tuple[str, ...]:
        """Those of some versions for which glibc does not take a symbol with that trait."""
        number, hidden = trait & NUMBER, trait & HIDDEN
        name = self._versions.get(number)
        if name is None and not hidden:
            return ()
        if name and asked == (name,):
            return ()  # as nearly all that is asked for
        any_will_do = not hidden or number < _FIRST_OF_SEVERAL
        return tuple(each for each in asked if (each != name if each else not any_will_do))

    def by_default(self, value: int) -> bool:
        """Tell whether there is one that musl sees (``find_sym2`` in ``ldso/dynlink.c``)."""
        traits = self._traits(value)
        if not traits:
            return traits is not None
        return any(not trait & (HIDDEN | INDIRECT) for trait in traits)

    def give_versions(self, wanted: Wanted) -> None:
        """Take away what glibc would take: as ``in_version``, for all at once."""
        hashes, traits = self._opened()
        for place in self._places(wanted):
            value = hashes[place]
            asked = wanted.pop(value, ())  # none, where another symbol of that hash was taken
            if left := traits and self._left(traits[place], asked):
                wanted[value] = left

    def give_defaults(self, wanted: Wanted) -> None:
        """Take away what musl would take: as ``by_default``, for all at once."""
        hashes, traits = self._opened()
        for place in self._places(wanted):
            if not traits or not traits[place] & (HIDDEN | INDIRECT):
                wanted.pop(hashes[place], None)

    def _places(self, wanted: Container[int]) -> list[int]:
        """The places of hashes that are wanted."""
        hashes, _ = self._opened()
        return list(compress(range(len(hashes)), map(wanted.__contains__, hashes)))


NOTHING: Exports = Known(b"", {})
EVERYTHING: Exports = _Everything()


def decode(blob: bytes, versions: Mapping[int, str]) -> Exports:
    """Read what ``elfgate.elf.exported.cut`` returned.

    Args:
        blob: The list.
        versions: The names of versions by number.

    Raises:
        ValueError: if it is something else.
    """
    if blob == BEYOND:
        return EVERYTHING
    return Known(blob, versions) if blob else NOTHING
