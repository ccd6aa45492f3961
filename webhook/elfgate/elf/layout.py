"""How an ELF file's numbers are laid out: its class and its byte order."""

import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

MAGIC = b"\x7fELF"
HEADER_LIMIT = 64  # bytes of the longer of the two ELF headers
_PAGE = 4096  # bytes of the smallest that there are


@dataclass(frozen=True, slots=True)
class Layout:
    """One of the four ways to lay out an ELF file (gABI, chapters 4 and 5).

    Attributes:
        elf_class: 32 or 64.
        byte_order: ``little`` or ``big``.
        prefix: The byte order as ``struct`` writes it.
        word: Bytes of an address.
        header: The ELF header after ``e_ident``.
        segment: A program header.
        pick_segment: Takes type, offset, vaddr, filesz, memsz and flags out of one.
        dynamic: A dynamic entry.
        symbol: A symbol's name, info and section.
    """

    elf_class: int
    byte_order: str
    prefix: str
    word: int
    header: struct.Struct
    segment: struct.Struct
    pick_segment: Callable[[tuple[int, ...]], tuple[int, int, int, int, int, int]]
    dynamic: struct.Struct
    symbol: struct.Struct

    @property
    def header_size(self) -> int:
        """``sizeof(ElfN_Ehdr)``."""
        return 16 + self.header.size

    def has_its_own_sizes(self, head: bytes) -> bool:
        """Whether ``e_phentsize``, read by this layout, is what this layout demands."""
        end = self.header_size - 8
        size = int.from_bytes(head[end - 2 : end], self.byte_order)  # type: ignore[arg-type]
        return size == self.segment.size

    def plain_ident(self) -> bytes:
        """``e_ident`` as this layout's files have it."""
        return (
            MAGIC
            + bytes([self.elf_class // 32, 1 if self.byte_order == "little" else 2, 1])
            + bytes(9)
        )

    def words(self, data: bytes) -> "array[int]":
        """32-bit words; bytes beyond the last whole one are left out."""
        numbers = array("I")
        numbers.frombytes(data[: len(data) & ~3])
        if self.byte_order != sys.byteorder:
            numbers.byteswap()
        return numbers

    def halves(self, data: bytes) -> "array[int]":
        """16-bit words; a byte beyond the last whole one is left out."""
        numbers = array("H", data[: len(data) & ~1])
        if self.byte_order != sys.byteorder:
            numbers.byteswap()
        return numbers

    def names(self, symbols: bytes) -> "array[int]":
        """``st_name`` of each symbol of a table."""
        return self.words(symbols)[:: self.symbol.size // 4]

    def infos(self, symbols: bytes) -> bytes:
        """``st_info`` of each symbol of a table."""
        return symbols[4 if self.word == 8 else 12 :: self.symbol.size]

    def sections(self, symbols: bytes) -> "array[int]":
        """``st_shndx`` of each symbol of a table.

        SHN_UNDEF, 0, is the same in either byte order.
        """
        halves = array("H", symbols[: len(symbols) - len(symbols) % self.symbol.size])
        return halves[3::12] if self.word == 8 else halves[7::8]

    def name_and_value(self, symbol: bytes) -> tuple[int, int]:
        """``st_name`` and ``st_value`` of one symbol."""
        form = "I4xQ" if self.word == 8 else "II"
        name, value = struct.unpack_from(self.prefix + form, symbol)
        return name, value

    def to_little(self, data: bytes) -> bytes:
        """32-bit words, little-endian."""
        if self.byte_order == "little":
            return data
        numbers = array("I", data[: len(data) & ~3])
        numbers.byteswap()
        return numbers.tobytes()


def _layout(elf_class: int, byte_order: str) -> Layout:
    prefix = "<" if byte_order == "little" else ">"
    wide = elf_class == 64
    word = "Q" if wide else "I"
    return Layout(
        elf_class,
        byte_order,
        prefix,
        8 if wide else 4,
        struct.Struct(f"{prefix}HHI{word * 3}IHHHHHH"),
        struct.Struct(prefix + ("IIQQQQQQ" if wide else "IIIIIIII")),
        itemgetter(0, 2, 3, 5, 6, 1) if wide else itemgetter(0, 1, 2, 4, 5, 6),
        struct.Struct(prefix + word * 2),
        struct.Struct(prefix + ("IBxH16x" if wide else "I8xBxH")),
    )


LAYOUTS = {
    (elf_class, byte_order): _layout(elf_class, byte_order)
    for elf_class in (64, 32)
    for byte_order in ("little", "big")
}


def file_offset(loads: Sequence[tuple[int, int, int, int]], vaddr: int) -> int | None:
    """Find where in the file the bytes at an address come from.

    A segment is mapped by whole pages, so what the file holds behind it, up to the page's end, is
    in memory too, unless bss begins there (binfmt_elf.c, ``padzero``; glibc
    ``elf/dl-map-segments.h``). Programs rewritten by patchelf have lived of that. Of two segments
    that share a page, the later one is what is there. Where offset and address differ within their
    pages only musl maps at all, and it maps the pages (``map_library``).

    Args:
        loads: The PT_LOADs in file order, each as offset, vaddr, filesz and memsz.
        vaddr: The address.

    Returns:
        The offset, or None if no segment has it from the file.
    """
    for offset, start, size, _ in loads:
        if start <= vaddr < start + size:
            return vaddr + _distance(offset, start)
    for offset, start, size, memory in reversed(loads):
        if start & -_PAGE <= vaddr < -(-(start + size) // _PAGE) * _PAGE:
            place = vaddr + _distance(offset, start)
            return None if place < 0 or (vaddr >= start + size and memory > size) else place
    return None


def _distance(offset: int, start: int) -> int:
    """The distance from an address in memory to its place in the file."""
    return (offset & -_PAGE) - (start & -_PAGE)


def written_class(head: bytes) -> int:
    """``EI_CLASS`` as written: 32 or 64; 0 if it is neither."""
    return {b"\x01": 32, b"\x02": 64}.get(head[4:5], 0)


def written_byte_order(head: bytes) -> str:
    """``EI_DATA`` as written: ``little`` or ``big``; empty if it is neither."""
    return {b"\x01": "little", b"\x02": "big"}.get(head[5:6], "")


def layout_of(head: bytes) -> Layout:
    """Tell by which layout a kernel would read this file.

    A kernel reads headers by its own architecture's layout and, on most architectures, never looks
    at EI_CLASS and EI_DATA (``elf_check_arch``): an x86-64 program marked big-endian starts. So a
    layout that fits the header's own ``e_phentsize`` outranks the one that ``e_ident`` claims.

    Args:
        head: The file's first 64 bytes.
    """
    claimed = LAYOUTS[written_class(head) or 64, written_byte_order(head) or "little"]
    if claimed.has_its_own_sizes(head):
        return claimed
    return next((layout for layout in LAYOUTS.values() if layout.has_its_own_sizes(head)), claimed)
