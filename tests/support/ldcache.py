"""Writes ld.so.cache files, as ldconfig does. Source: glibc elf/dl-cache.h."""

import struct
from collections.abc import Sequence

from elfgate.platforms import ARCHITECTURES

Row = tuple[str, str] | tuple[str, str, str]
"""A soname, its path and, where it has one, its sub-directory of glibc-hwcaps."""


def ld_so_cache(
    on: str, rows: Sequence[Row], *, flags: int | None = None, osversion: int = 0
) -> bytes:
    """A cache of the new form, in the byte order of the architecture."""
    row = ARCHITECTURES[on]
    little = row.machine.byte_order == "little"
    order = "<" if little else ">"
    hwcaps = sorted({entry[2] for entry in rows if len(entry) > 2})
    strings = bytearray()
    start = 48 + 24 * len(rows)

    def string(text: str) -> int:
        at = start + len(strings)
        strings.extend(text.encode() + b"\0")
        return at

    table = b""
    for entry in rows:
        hwcap = (1 << 62 | hwcaps.index(entry[2])) if len(entry) > 2 else 0
        kind = row.cache_flags if flags is None else flags
        table += struct.pack(
            f"{order}IIIIQ", kind, string(entry[0]), string(entry[1]), osversion, hwcap
        )
    places = [string(name) for name in hwcaps]
    strings.extend(bytes(-(start + len(strings)) % 4))
    at = start + len(strings)
    extension = struct.pack(f"{order}IIIIII", 0xEAA42174, 1, 1, 0, at + 24, 4 * len(places))
    extension += struct.pack(f"{order}{len(places)}I", *places)
    header = struct.pack(
        f"{order}20sIIBBBBIIII",
        b"glibc-ld.so.cache1.1",
        len(rows),
        len(strings),
        2 if little else 3,
        0,
        0,
        0,
        at if hwcaps else 0,
        0,
        0,
        0,
    )
    return header + table + bytes(strings) + (extension if hwcaps else b"")
