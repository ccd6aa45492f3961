"""Reads the files that tell a dynamic loader where to look.

Glibc's cache and preload list, musl's path file.

Sources: glibc ``elf/dl-cache.h`` and ``dl-cache.c`` (the cache, as ``_dl_load_cache_lookup`` checks
it), ``rtld.c`` (``/etc/ld.so.preload``); musl ``ldso/dynlink.c`` (``/etc/ld-musl-ARCH.path``).
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

_OLD_MAGIC = b"ld.so-1.7.0\0"
_NEW_MAGIC = b"glibc-ld.so.cache1.1"
_OLD_HEADER, _OLD_ENTRY = 16, 12  # bytes: struct cache_file; struct file_entry
_NEW_HEADER, _NEW_ENTRY = 48, 24  # bytes: struct cache_file_new; struct file_entry_new
_ORDERS = {
    0: ("<", ">"),
    2: ("<",),
    3: (">",),
}  # by the header's flags; 0 where glibc < 2.33 wrote it
_EXTENSION_MAGIC = 0xEAA42174
_HWCAPS_TAG = 1
_HWCAPS_BIT = 1 << 30  # of hwcap's upper half; the ten lowest bits there are the ISA level
_ISA_LEVEL = 0x3FF
_HWCAPS_LIMIT = 64
_NAME_LIMIT, _PATH_LIMIT = 255, 4096  # NAME_MAX and PATH_MAX
_BYTE_ORDERS: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One library of ``ld.so.cache``.

    Attributes:
        flags: The kind of library: ``Architecture.cache_flags`` for those that the loader takes.
        path: Where it is.
        hwcap: What the CPU must have for the loader to take it: the sub-directory of
            ``glibc-hwcaps`` that it is in, or the bits that a glibc before 2.37 noted, such as
            ``0x8000000000``; None for nothing.
        osversion: The kernel that it needs, as ``LINUX_VERSION_CODE`` writes it; 0 if none is
            noted.
    """

    flags: int
    path: str
    hwcap: str | None = None
    osversion: int = 0


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache.

    Attributes:
        byte_order: ``little`` or ``big``: a loader of the other one ignores the cache.
        entries: By soname, in the file's order, which is the loader's.
    """

    byte_order: str
    entries: Mapping[str, Sequence[CacheEntry]]


@lru_cache(maxsize=16)  # images that share a base share its cache
def parse_cache(data: bytes) -> Cache | None:
    """Read ``/etc/ld.so.cache``.

    The new form, or the old one with or without the new one behind it.

    Returns:
        The cache, or None if it is not one: the loader ignores it then.
    """
    if data.startswith(_NEW_MAGIC):
        return _new(data, 0)
    if not data.startswith(_OLD_MAGIC):
        return None
    for order in "<>":
        count = _number(data, 12, order)
        table = _OLD_HEADER + _OLD_ENTRY * count
        if table <= len(data):
            start = -(-table // 8) * 8
            return (
                _new(data, start)
                if data.startswith(_NEW_MAGIC, start)
                else _old(data, order, count)
            )
    return None


def musl_path(text: str) -> tuple[str, ...]:
    """The directories of ``/etc/ld-musl-ARCH.path``, which replace the default ones.

    None may be named at all.
    """
    return tuple(part for part in re.split("[:\n]", text.partition("\0")[0]) if part)


def preload(text: str) -> tuple[str, ...]:
    """The libraries of ``/etc/ld.so.preload``: between blanks and colons, without comments."""
    return tuple(part for part in re.split("[: \t\n]", re.sub("#[^\n]*", "", text)) if part)


def _new(data: bytes, start: int) -> Cache | None:
    if len(data) < start + _NEW_HEADER:
        return None
    for order in _ORDERS.get(data[start + 28] & 3, ()):
        count = _number(data, start + 20, order)
        if start + _NEW_HEADER + _NEW_ENTRY * count <= len(data):
            rows = _Rows(data, struct.Struct(f"{order}IIIIQ"), start + _NEW_HEADER, count, start)
            return Cache(_BYTE_ORDERS[order], _Entries(rows, _hwcaps(data, start, order)))
    return None


def _old(data: bytes, order: str, count: int) -> Cache:
    rows = _Rows(
        data, struct.Struct(f"{order}III"), _OLD_HEADER, count, _OLD_HEADER + _OLD_ENTRY * count
    )
    return Cache(_BYTE_ORDERS[order], _Entries(rows, ()))


@dataclass(frozen=True, slots=True)
class _Rows:
    """A table of entries.

    Its rows' form, place and count, and the place that strings are counted from.
    """

    data: bytes
    form: struct.Struct
    start: int
    count: int
    strings: int

    def row(self, number: int) -> tuple[int, ...]:
        return self.form.unpack_from(self.data, self.start + number * self.form.size)

    def string(self, place: int) -> str:
        return _string(self.data, self.strings + place)


class _Entries(Mapping[str, Sequence[CacheEntry]]):
    """A cache's entries, made when they are asked for.

    Strings may overlap, so all together may be vast.
    """

    def __init__(self, rows: _Rows, hwcaps: Sequence[str]) -> None:
        self._rows = rows
        self._hwcaps = hwcaps
        self._numbers: dict[str, list[int]] = {}
        for number in range(rows.count):
            name = rows.string(rows.row(number)[1])
            if 0 < len(name) <= _NAME_LIMIT:
                self._numbers.setdefault(name, []).append(number)

    def __getitem__(self, name: str) -> Sequence[CacheEntry]:
        made = (self._entry(*self._rows.row(number)) for number in self._numbers[name])
        return tuple(entry for entry in made if entry is not None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def _entry(
        self, flags: int, _key: int, value: int, osversion: int = 0, hwcap: int = 0
    ) -> CacheEntry | None:
        """The entry of a row; None for one that the loader passes over."""
        path = self._rows.string(value)
        needs = hex(hwcap) if hwcap else None
        if (hwcap >> 32) & ~_ISA_LEVEL == _HWCAPS_BIT:
            number = hwcap & 0xFFFFFFFF
            needs = self._hwcaps[number] if number < len(self._hwcaps) else ""
        return CacheEntry(flags, path, needs, osversion) if path and needs != "" else None


def _hwcaps(data: bytes, start: int, order: str) -> Sequence[str]:
    """The sub-directories that the extension names.

    Its own place is from the file's start, that of strings is not.
    """
    at = _number(data, start + 32, order)
    if not at or at % 4 or _number(data, at, order) != _EXTENSION_MAGIC:
        return ()
    for section in range(min(_number(data, at + 4, order), 16)):
        tag, _, offset, size = (
            _number(data, at + 8 + 16 * section + 4 * field, order) for field in range(4)
        )
        if tag == _HWCAPS_TAG:
            places = range(offset, offset + min(size, 4 * _HWCAPS_LIMIT), 4)
            return tuple(_string(data, start + _number(data, place, order)) for place in places)
    return ()


def _number(data: bytes, at: int, order: str) -> int:
    return int.from_bytes(data[at : at + 4], _BYTE_ORDERS[order])


def _string(data: bytes, at: int) -> str:
    """The string at a place; empty if there is none, or it is longer than any path."""
    end = data.find(b"\0", at, at + _PATH_LIMIT)
    return data[at:end].decode("utf-8", "surrogateescape") if end > at else ""
