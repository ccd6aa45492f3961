"""Writes ``ld.so.cache`` in the format that glibc reads (``elf/dl-cache.c``, ``sysdeps/generic/dl-cache.h``)."""

import struct
from collections.abc import Mapping

from elfgate.platforms import ARCHITECTURES, Platform

_MAGIC = b"glibc-ld.so.cache1.1"


def cache_file(
    architecture: str,
    libraries: Mapping[str, str],
    *,
    swapped: bool = False,
    foreign: bool = False,
    unmarked: bool = False,
    magic: str = "",
    old: str = "",
) -> bytes:
    """A cache of these libraries.

    Args:
        architecture: An OCI name with its variant.
        libraries: Each name's path.
        swapped: In the other byte order.
        foreign: With flags of another architecture's libraries.
        unmarked: Without the mark of its byte order, as before glibc 2.33.
        magic: Another magic.
        old: ``alone`` for the form of before glibc 2.2 only; ``before`` for it with the new one behind, as ``ldconfig``
            wrote it up to 2.31.
    """
    row = ARCHITECTURES[
        Platform.parse(
            architecture if "/" not in architecture else f"linux/{architecture}"
        ).architecture
    ]
    little = (row.machine.byte_order == "little") != swapped
    order = "<" if little else ">"
    flags = 0x0003 if foreign and row.cache_flags != 0x0003 else row.cache_flags
    mark = 0 if unmarked else (2 if little else 3)
    header_size, entry_size = 48, 24
    text = b""
    entries = b""
    base = header_size + entry_size * len(libraries)
    for name, path in sorted(libraries.items(), reverse=True):
        key = base + len(text)
        text += name.encode() + b"\0"
        value = base + len(text)
        text += path.encode() + b"\0"
        entries += struct.pack(f"{order}iIIIQ", flags, key, value, 0, 0)
    head = (magic.encode() or _MAGIC) + struct.pack(
        f"{order}IIB3xI12x", len(libraries), len(text), mark, 0
    )
    new = head + entries + text
    if not old:
        return new
    rows, names = b"", b""
    for name, path in sorted(libraries.items(), reverse=True):
        rows += struct.pack(f"{order}iII", flags, len(names), len(names) + len(name) + 1)
        names += name.encode() + b"\0" + path.encode() + b"\0"
    table = b"ld.so-1.7.0\0" + struct.pack(f"{order}I", len(libraries)) + rows
    return table + names if old == "alone" else table + bytes(-len(table) % 8) + new
