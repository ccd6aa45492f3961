"""Looks into a whole ELF file in memory, without copying it.

It notes which ranges of it to keep.
"""

import mmap
from collections.abc import Sequence
from typing import TypeAlias

from elfgate.elf.layout import Layout, file_offset

Data: TypeAlias = bytes | bytearray | memoryview | mmap.mmap

LIMIT = (
    256 << 10
)  # bytes of kept ranges and of their table; the lists beside them have limits of their own
_STRING_LIMIT = 4096  # PATH_MAX
_RANGE_COST = 12
_CHUNK = 64 << 10  # bytes searched at a time, so that they stay in the processor's cache
_GAP = 16  # two ranges nearer than about what a range costs are kept as one


class Window:
    """A file of which some ranges are looked at, and some kept.

    Attributes:
        data: The whole file.
        size: Its bytes.
        complete: No limit was reached.
    """

    def __init__(self, data: Data) -> None:
        self.data = data
        self.size = len(data)
        self.complete = True
        self._kept: list[tuple[int, int]] = []
        self._room = LIMIT

    def look(self, offset: int, size: int) -> bytes:
        """The bytes at ``offset``: fewer than ``size`` where the file ends."""
        return bytes(self.data[offset : offset + size])

    def keep(self, offset: int, size: int) -> bytes:
        """Look, and keep what was seen."""
        found = self.look(offset, size)
        self._note(offset, len(found))
        return found

    def keep_string(self, offset: int) -> None:
        """Keep the string at ``offset`` with its NUL, unless it is longer than a path may be."""
        for size in (64, _STRING_LIMIT):
            end = self.look(offset, size).find(b"\0")
            if end >= 0:
                self._note(offset, end + 1)
                return
        self.complete = False

    def _note(self, offset: int, size: int) -> None:
        self._room -= size + _RANGE_COST
        if self._room < 0:
            self.complete = False
        else:
            self._kept.append((offset, offset + size))

    def has(self, needle: bytes, start: int, end: int) -> bool:
        """Whether ``needle`` is between two offsets."""
        end = min(end, self.size)
        if not isinstance(self.data, memoryview):
            return start < end and self.data.find(needle, start, end) >= 0
        for place in range(
            start, end, _CHUNK
        ):  # a view has no find; copying it piece by piece is twice as fast as re
            if needle in self.data[place : min(place + _CHUNK + len(needle) - 1, end)].tobytes():
                return True
        return False

    def ranges(self) -> list[tuple[int, bytes]]:
        """The ranges kept, ascending; those that touch or overlap are joined."""
        joined: list[list[int]] = []
        for start, end in sorted(self._kept):
            if joined and start <= joined[-1][1] + _GAP:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([start, end])
        return [(start, self.look(start, end - start)) for start, end in joined if end > start]


class Image:
    """A file seen as it lies in memory.

    By virtual address, through its PT_LOADs (gABI, "Program Loading").

    Attributes:
        window: The file.
        layout: How its numbers are laid out.
    """

    def __init__(
        self, window: Window, layout: Layout, loads: Sequence[tuple[int, int, int, int]]
    ) -> None:
        """Take the PT_LOADs as (offset, vaddr, filesz, memsz)."""
        self.window = window
        self.layout = layout
        self._loads = loads

    def offset(self, vaddr: int | None) -> int | None:
        """The file's offset of an address, or None if no segment has it from the file."""
        return None if vaddr is None else file_offset(self._loads, vaddr)
