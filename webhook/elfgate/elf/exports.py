"""The symbols that a file defines for others: kept as hashes where the file has a GNU hash table, else as names."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from elfgate.elf.layout import LAYOUTS
from elfgate.elf.window import Image

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

    The table has 31 bits of each hash, as the lowest marks a chain's end: for a library of two thousand symbols, one
    foreign name in a million gets a false yes.
    """

    __slots__ = ("_chains", "_sorted")

    def __init__(self, chains: bytes) -> None:
        """Take the chains' words, little-endian."""
        self._chains = chains
        self._sorted: array[int] | None = None

    def __call__(self, name: str) -> bool:
        """Tell whether ``name`` is exported."""
        if self._sorted is None:  # most files are never asked
            self._sorted = array("I", sorted(value | 1 for value in LAYOUTS[64, "little"].words(self._chains)))
        value = gnu_hash(name) | 1
        index = bisect_left(self._sorted, value)
        return index < len(self._sorted) and self._sorted[index] == value


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
        return _hashes(image, table, symbols)
    table, strings = image.offset(tags.get(_HASH)), image.offset(tags.get(_STRTAB))
    if table is None or strings is None:
        return b""
    names = image.window.look(strings, min(tags.get(_STRSZ, 0), _TABLE_LIMIT))
    return _names(image, symbols, _count(image, machine, table), names)


def decode(blob: bytes) -> Callable[[str], bool]:
    """Read what ``cut`` returned."""
    if blob == _EVERYTHING:
        return everything
    if blob[:1] == _BY_HASH:
        return Hashes(blob[1:])
    names = blob[1:].decode("utf-8", "surrogateescape").split("\0") if blob else ()
    return Names(frozenset(names))


def _hashes(image: Image, table: int, symbols: int) -> bytes:
    """The chains of a GNU hash table: one word per exported symbol, the last of each chain odd."""
    words, look = image.layout.words, image.window.look
    head = words(look(table, 16))
    if len(head) < 4:
        return b""
    count, first, filter_words, _ = head
    buckets = table + 16 + filter_words * image.layout.word
    chains = buckets + count * 4
    last = max(words(look(buckets, min(count, _HASHES_LIMIT) * 4)), default=0) - first  # where the last chain begins
    if last < 0:
        return b""
    tail = words(look(chains + last * 4, _CHAIN_LIMIT * 4))
    end = next((last + index for index, value in enumerate(tail, 1) if value & 1), None)
    if end is None or max(count, end) > _HASHES_LIMIT:
        return _EVERYTHING
    return _BY_HASH + _defined(image, first, image.layout.to_little(look(chains, end * 4)), symbols)


def _defined(image: Image, first: int, chains: bytes, symbols: int) -> bytes:
    """The chains without the undefined symbols that linkers list for functions whose address a program takes."""
    size = image.layout.symbol.size
    table = image.window.look(symbols + first * size, len(chains) // 4 * size)
    halves = array("H", table[: len(table) & ~1])
    sections = halves[3::12] if size == 24 else halves[7::8]  # st_shndx of each; 0 in either byte order
    if _SHN_UNDEF not in sections:
        return chains
    kept = (index for index, section in enumerate(sections) if section != _SHN_UNDEF)
    return b"".join(chains[index * 4 : index * 4 + 4] for index in kept)


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
