"""An excerpt's own form.

The few ranges of an ELF file that decide its start, and what was counted out of the rest.
"""

import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

from elfgate.errors import UnknownReason, UnreadableError

# Of the form, and of what is kept; a layer's index carries it, so that older excerpts are made
# anew.
VERSION = 8
_MAGIC = b"\x7fXELF" + bytes((VERSION,))
_HEAD = struct.Struct(
    "<6sBxQ7I"
)  # magic, marks, file size, number of ranges, sizes of the six lists
_RANGE = struct.Struct("<QI")  # offset and size


class Mark(IntFlag):
    """The parts that were seen of the whole file."""

    PACKED = 1  # by UPX
    INCOMPLETE = 2  # a limit was reached
    JEMALLOC_PAGE_SIZE = 4  # carries jemalloc, which demands the page size that it was built for
    PACKED_STATIC = 8  # by UPX, and what it was needs no loader
    INDIRECT = 16  # has relocations by functions (R_*_IRELATIVE)
    RELR_AT_START = 32  # DT_RELR relocates DT_INIT_ARRAY


NOTHING = Mark(0)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The parts of an ELF file that are kept.

    Attributes:
        file_size: Of the whole file, in bytes.
        marks: What was seen of the whole file.
        ranges: Offsets and bytes, ascending, not overlapping.
        undefined: The undefined symbols (``elfgate.elf.undefined``).
        exports: The exported symbols (``elfgate.elf.exported``).
        loader: Facts of a dynamic loader (``elfgate.elf.loader``).
        runtime_level: The CPU level of a Go program (``elfgate.elf.golang``).
        types: The types of its relocations (``elfgate.elf.undefined``).
        addresses: Functions of others for which it has an address itself (``elfgate.elf.exported``).
    """

    file_size: int
    marks: Mark = NOTHING
    ranges: Sequence[tuple[int, bytes]] = ()
    undefined: bytes = b""
    exports: bytes = b""
    loader: bytes = b""
    runtime_level: bytes = b""
    types: bytes = b""
    addresses: bytes = b""

    def pack(self) -> bytes:
        """Write it as one blob."""
        lists = (
            self.undefined,
            self.exports,
            self.loader,
            self.runtime_level,
            self.types,
            self.addresses,
        )
        head = _HEAD.pack(_MAGIC, self.marks, self.file_size, len(self.ranges), *map(len, lists))
        table = [_RANGE.pack(offset, len(data)) for offset, data in self.ranges]
        return b"".join((head, *table, *lists, *(data for _, data in self.ranges)))

    @classmethod
    def unpack(cls, blob: bytes) -> "Excerpt":
        """Read a blob that ``pack`` wrote.

        Raises:
            UnreadableError: if it is none, or was written by another version of elfgate.
        """
        try:
            magic, marks, file_size, count, *sizes = _HEAD.unpack_from(blob)
            table = list(_RANGE.iter_unpack(blob[_HEAD.size : _HEAD.size + count * _RANGE.size]))
        except struct.error as error:
            raise foreign() from error
        position = _HEAD.size + count * _RANGE.size
        if magic != _MAGIC or len(blob) != position + sum(sizes) + sum(size for _, size in table):
            raise foreign()
        lists = []
        for size in sizes:
            lists.append(blob[position : position + size])
            position += size
        ranges = []
        for offset, size in table:
            ranges.append((offset, blob[position : position + size]))
            position += size
        return cls(file_size, Mark(marks), ranges, *lists)


def foreign() -> UnreadableError:
    """The error for a blob that ``Excerpt.pack`` of this version did not write."""
    return UnreadableError(
        "stored facts of an ELF file are of another form", reason=UnknownReason.NOT_SCANNED
    )


class SparseFile:
    """A file of which only some ranges are there.

    Args:
        ranges: Offsets and bytes, ascending, not overlapping.
    """

    __slots__ = ("_ranges", "_starts")

    def __init__(self, ranges: Sequence[tuple[int, bytes]]) -> None:
        self._ranges = ranges
        self._starts = [offset for offset, _ in ranges]

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset`` on, as far as its range goes; empty outside all."""
        data, place = self._around(offset)
        return data[place : place + size]

    def string(self, offset: int) -> bytes | None:
        """The bytes at ``offset`` up to a NUL, or None if the range has none from there on."""
        data, place = self._around(offset)
        end = data.find(b"\0", place)
        return data[place:end] if end >= 0 else None

    def _around(self, offset: int) -> tuple[bytes, int]:
        """The range that may have an offset, and the place in it."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return b"", 0
        return self._ranges[index][1], offset - self._starts[index]
