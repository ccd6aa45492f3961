"""The symbols that a file takes from elsewhere, kept in columns and told one by one where asked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, overload

from elfgate.elf.layout import LAYOUTS

_WEAK, LAZY, _COPIED, _OWN = 1, 2, 4, 8
_BITS = (_WEAK, LAZY, _COPIED, _OWN)
_MARKS = [tuple(bool(mark & bit) for bit in _BITS) for mark in range(256)]
_PLAIN = frozenset({0, LAZY})
_STRONG = bytes(not mark & _WEAK for mark in range(256))
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

    A program and its libraries may have 30,000, of which nearly all are found by name.

    Args:
        blob: What ``elfgate.elf.undefined.cut`` wrote; empty for none.
        versions: Names of versions by number.

    Raises:
        ValueError: if it is something else.
    """

    __slots__ = ("_marks", "_names", "_versions")

    def __init__(self, blob: bytes = b"", versions: Mapping[int, str] | None = None) -> None:
        end = 4 + int.from_bytes(blob[:4], "little")
        begin = end + 2 * (end - 4)
        self._marks = blob[4:end]
        text = blob[begin:].decode("utf-8", "surrogateescape")
        self._names = text.split("\0") if blob else []
        numbers = _LITTLE.halves(blob[end:begin])
        if not len(self._names) == len(self._marks) == len(numbers):
            raise ValueError("not a list of undefined symbols")
        named = (versions or {}).get
        self._versions = [named(number, "") for number in numbers]

    @property
    def strong(self) -> int:
        """The number of those that may not stay undefined."""
        return sum(self._marks.translate(_STRONG))

    def plain(self) -> set[tuple[str, str]]:
        """Names and versions of those that are neither weak nor copied, nor defined by the file."""
        whole = zip(self._names, self._versions, self._marks, strict=True)
        return {(name, version) for name, version, mark in whole if mark in _PLAIN}

    def others(self) -> list[UndefinedSymbol]:
        """Those that are copied, or defined by the file, and may not stay undefined."""
        if _PLAIN.issuperset(mark & ~_WEAK for mark in set(self._marks)):
            return []
        return [symbol for symbol in self if (symbol.copied or symbol.own) and not symbol.weak]

    def __iter__(self) -> Iterator[UndefinedSymbol]:
        make = UndefinedSymbol._make
        whole = zip(self._names, self._marks, self._versions, strict=True)
        return (make((name, *_MARKS[mark], version)) for name, mark, version in whole)

    def __len__(self) -> int:
        return len(self._names)

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
