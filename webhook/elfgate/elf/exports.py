"""The symbols that a file defines for others: kept as hashes where the file has a GNU hash table, else as names."""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING

from elfgate.elf.layout import LAYOUTS
from elfgate.elf.window import Image

if TYPE_CHECKING:
    from array import array

_GNU_HASH, _HASH, _STRTAB, _STRSZ, _SYMTAB = 0x6FFFFEF5, 4, 5, 10, 6
_S390 = 22
_SHN_UNDEF = 0
_HASHES_LIMIT = 96 << 10  # symbols, or buckets: 384 KiB
_CHAIN_LIMIT = 1024  # symbols in one chain
_NAMES_LIMIT = 384 << 10  # bytes of names
_TABLE_LIMIT = 8 << 20  # bytes of .dynstr looked at
_NAME_LIMIT = 4096

_BY_HASH, _BY_NAME, _EVERYTHING = b"G", b"N", b"*"


class Hashes:
    """Exports known by DT_GNU_HASH's hashes.

    A chain's words lack the hash's lowest bit, which marks the chain's end. The bucket that a chain belongs to, the
    hash modulo their number, gives it back, so that a name such as ``open_2`` is not taken for ``open_3``.
    """

    __slots__ = ("_hashes", "_table")

    def __init__(self, table: bytes) -> None:
        """Take the table as ``cut`` wrote it: numbers of buckets and first symbol, buckets, chains."""
        if len(table) < 8 or not any(table[:4]):
            raise ValueError("not a table of hashes")
        self._table = table
        self._hashes: frozenset[int] | None = None

    def __call__(self, name: str) -> bool:
        """Tell whether ``name`` is exported."""
        if self._hashes is None:  # most files are never asked
            self._hashes = frozenset(_exact_hashes(LAYOUTS[64, "little"].words(self._table)))
        return gnu_hash(name) in self._hashes


def _exact_hashes(words: "array[int]") -> Iterator[int]:
    """The hashes of a table's chains, whole. Chains stand one behind the other, each where its bucket says."""
    count, first = words[:2]
    beginnings = {start - first: bucket for bucket, start in enumerate(words[2 : 2 + count])}
    bucket = 0
    for index, value in enumerate(words[2 + count :]):
        bucket = beginnings.get(index, bucket)
        if value > 1:  # 0 or 1 stands for a symbol that is listed without being defined
            yield value if value % count == bucket else value ^ 1


@dataclass(frozen=True, slots=True)
class Names:
    """Exports known by name."""

    values: frozenset[str]

    def __call__(self, name: str) -> bool:
        """Tell whether ``name`` is exported."""
        return name in self.values


def everything(_name: str) -> bool:
    """The exports of a file that has more than are kept: nothing may be called missing from it."""
    return True


@lru_cache(maxsize=1 << 13)
def gnu_hash(name: str) -> int:
    """The hash of a name in DT_GNU_HASH (glibc ``dl-new-hash.h``), 32 bits."""
    value = 5381
    for byte in name.encode("utf-8", "surrogateescape"):
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def cut(image: Image, machine: int, tags: Mapping[int, int]) -> bytes:
    """Collect the exports.

    Args:
        image: The file.
        machine: ``e_machine``.
        tags: Its dynamic section.

    Returns:
        A list that ``decode`` reads; empty if there are none.
    """
    symbols = image.offset(tags.get(_SYMTAB))
    if symbols is None:
        return b""
    table = image.offset(tags.get(_GNU_HASH))
    if table is not None:
        hashes, count = _hashes(image, table, symbols)
        if hashes or not count:
            return hashes
    else:
        table = image.offset(tags.get(_HASH))
        count = 0 if table is None else _count(image, machine, table)
    strings = image.offset(tags.get(_STRTAB))
    if strings is None:
        return b""
    names = image.window.look(strings, min(tags.get(_STRSZ, 0), _TABLE_LIMIT))
    return _names(image, symbols, count, names)


def decode(blob: bytes) -> Callable[[str], bool]:
    """Read what ``cut`` returned.

    Raises:
        ValueError: if it is something else.
    """
    if blob == _EVERYTHING:
        return everything
    if blob[:1] == _BY_HASH:
        return Hashes(blob[1:])
    names = blob[1:].decode("utf-8", "surrogateescape").split("\0") if blob else ()
    return Names(frozenset(names))


def _hashes(image: Image, table: int, symbols: int) -> tuple[bytes, int]:
    """A GNU hash table's buckets and chains: one word per exported symbol, the last of each chain odd.

    Returns:
        What ``decode`` reads; or, of a table with one bucket, which would not tell the lowest bit, nothing, and the
        number of symbols.
    """
    words, look = image.layout.words, image.window.look
    head = words(look(table, 16))
    if len(head) < 4:
        return b"", 0
    count, first, filter_words, _ = head
    buckets = table + 16 + filter_words * image.layout.word
    chains = buckets + count * 4
    starts = look(buckets, min(count, _HASHES_LIMIT) * 4)
    if not 0 < count <= len(starts) // 4:  # a loader would divide by zero, or leave the file
        return _EVERYTHING, 0
    last = max(words(starts), default=0) - first  # where the last chain begins
    if last < 0:
        return b"", 0
    tail = words(look(chains + last * 4, _CHAIN_LIMIT * 4))
    end = next((last + index for index, value in enumerate(tail, 1) if value & 1), None)
    if end is None or count + end > _HASHES_LIMIT:
        return _EVERYTHING, 0
    if count == 1:
        return b"", first + end
    defined = _defined(image, first, image.layout.to_little(look(chains, end * 4)), symbols)
    return _BY_HASH + struct.pack("<II", count, first) + image.layout.to_little(starts) + defined, 0


def _defined(image: Image, first: int, chains: bytes, symbols: int) -> bytes:
    """The chains, emptied of the undefined symbols that linkers list for functions whose address a program takes."""
    size = image.layout.symbol.size
    table = image.window.look(symbols + first * size, len(chains) // 4 * size)
    sections = image.layout.sections(table)
    if _SHN_UNDEF not in sections:
        return chains
    emptied = bytearray(chains)
    for index in compress(range(len(sections)), map(_SHN_UNDEF.__eq__, sections)):
        emptied[index * 4 : index * 4 + 4] = bytes((chains[index * 4] & 1, 0, 0, 0))
    return bytes(emptied)


def _count(image: Image, machine: int, table: int) -> int:
    """``nchain`` of a DT_HASH, which is the number of symbols."""
    if machine == _S390 and image.layout.word == 8:  # 64-bit entries on this processor
        words = image.layout.words(image.window.look(table + 8, 8))
        return words[image.layout.byte_order == "big"] if len(words) == 2 else 0
    words = image.layout.words(image.window.look(table + 4, 4))
    return words[0] if words else 0


def _names(image: Image, symbols: int, count: int, names: bytes) -> bytes:
    """The names of all global symbols with a definition."""
    symbol = image.layout.symbol
    if count > _HASHES_LIMIT:
        return _EVERYTHING
    table = image.window.look(symbols, count * symbol.size)
    found, room = [], _NAMES_LIMIT
    for name, info, section in symbol.iter_unpack(table[: len(table) - len(table) % symbol.size]):
        end = names.find(b"\0", name, name + _NAME_LIMIT)
        if section == _SHN_UNDEF or info >> 4 == 0 or end <= name:  # undefined, STB_LOCAL, nameless
            continue
        room -= end - name + 1
        if room < 0:
            return _EVERYTHING
        found.append(names[name:end])
    return _BY_NAME + b"\0".join(found) if found else b""
