"""The symbols that a file takes from elsewhere, kept in columns and told one by one where asked."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import NamedTuple, overload

from elfgate.elf.layout import LAYOUTS

_WEAK, LAZY, _COPIED, _OWN = 1, 2, 4, 8
_BITS = (_WEAK, LAZY, _COPIED, _OWN)
_MARKS = [tuple(bool(mark & bit) for bit in _BITS) for mark in range(256)]
_IS_PLAIN = bytes(mark in (0, LAZY) for mark in range(256))
_STRONG = bytes(not mark & _WEAK for mark in range(256))
_IS_SPECIAL = bytes(bool(mark & (_COPIED | _OWN)) and not mark & _WEAK for mark in range(256))
_LITTLE = LAYOUTS[64, "little"]  # as lists are written


class UndefinedSymbol(NamedTuple):
    """A symbol that the file takes from elsewhere.

    Attributes:
        name: Its name.
        weak: ``STB_WEAK``: may stay undefined.
        lazy: Only jump slots refer to it, so that a lazily binding loader looks it up at the first
            call.
        copied: The file reserves room for a copy of it (``R_*_COPY``): it must come from another
            object, although this one defines it for all others.
        own: The file defines it, as an indirect function or in a hidden version: only musl does not
            find it there.
        version: The version of it that is wanted; empty for any.
    """

    name: str
    weak: bool
    lazy: bool
    copied: bool = False
    own: bool = False
    version: str = ""


class UndefinedSymbols(Sequence[UndefinedSymbol]):
    """All of a file.

    A program and its libraries may have 30,000, of which nearly all are found by the hashes of
    their names; the names themselves are read where one is not.

    Args:
        blob: What ``elfgate.elf.undefined.cut`` wrote; empty for none.
        versions: Names of versions by number.

    Raises:
        ValueError: if it is something else.
    """

    __slots__ = ("_hashes", "_marks", "_named", "_numbers", "_text")

    def __init__(self, blob: bytes = b"", versions: Mapping[int, str] | None = None) -> None:
        count = int.from_bytes(blob[:4], "little")
        marks, numbers, hashes = 4 + count, 4 + 3 * count, 4 + 7 * count
        self._marks = blob[4:marks]
        self._hashes = blob[numbers:hashes]
        self._text = blob[hashes:]
        if len(self._hashes) != 4 * count or (count and self._text.count(b"\0") != count - 1):
            raise ValueError("not a list of undefined symbols")
        self._numbers = blob[marks:numbers]
        self._named = versions or {}

    def _versions(self) -> Iterator[str]:
        """The version of each; one file names few."""
        numbers = _LITTLE.halves(self._numbers)
        named = {number: self._named.get(number, "") for number in set(numbers)}
        return map(named.__getitem__, numbers)

    @property
    def strong(self) -> int:
        """The number of those that may not stay undefined."""
        return sum(self._marks.translate(_STRONG))

    def plain(self) -> set[tuple[int, str]]:
        """Hashes and versions of those that are neither weak nor copied, nor the file's own."""
        chosen = self._marks.translate(_IS_PLAIN)
        whole = zip(_LITTLE.words(self._hashes), self._versions(), strict=True)
        return set(compress(whole, chosen))

    def others(self) -> list[UndefinedSymbol]:
        """Those that are copied, or defined by the file, and may not stay undefined."""
        chosen = self._marks.translate(_IS_SPECIAL)
        return list(self._told(compress(self._rows(), chosen))) if any(chosen) else []

    def __iter__(self) -> Iterator[UndefinedSymbol]:
        return self._told(self._rows()) if self._marks else iter(())

    def _rows(self) -> Iterator[tuple[str, int, str]]:
        """The name, the marks and the version of each."""
        names = self._text.decode("utf-8", "surrogateescape").split("\0")
        return zip(names, self._marks, self._versions(), strict=True)

    @staticmethod
    def _told(rows: Iterator[tuple[str, int, str]]) -> Iterator[UndefinedSymbol]:
        make = UndefinedSymbol._make
        return (make((name, *_MARKS[mark], version)) for name, mark, version in rows)

    def __len__(self) -> int:
        return len(self._marks)

    @overload
    def __getitem__(self, index: int) -> UndefinedSymbol: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[UndefinedSymbol]: ...

    def __getitem__(self, index: int | slice) -> UndefinedSymbol | Sequence[UndefinedSymbol]:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))
