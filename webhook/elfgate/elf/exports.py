"""The symbols that a file defines for others.

Kept as hashes where the file has a GNU hash table, else as names.
"""

import struct
from abc import ABC, abstractmethod
from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import mul
from typing import Protocol

from elfgate.elf.layout import LAYOUTS
from elfgate.elf.window import Image

_LITTLE = LAYOUTS[64, "little"]  # as lists are written
_GNU_HASH, _HASH, _STRTAB, _STRSZ, _SYMTAB, _VERSYM = 0x6FFFFEF5, 4, 5, 10, 6, 0x6FFFFFF0
_S390 = 22
_SHN_UNDEF = 0
_HASHES_LIMIT = 96 << 10  # symbols, or buckets: 384 KiB
_CHAIN_LIMIT = 1024  # symbols in one chain
_NAMES_LIMIT = 384 << 10  # bytes of names
_TABLE_LIMIT = 8 << 20  # bytes of .dynstr looked at
_NAME_LIMIT = 4096

_HEAD = struct.Struct("<III")
_BY_HASH, _BY_NAME, _EVERYTHING = b"G", b"N", b"*"

# A symbol's trait: the number of its version, as DT_VERSYM has it; and whether it is an indirect
# function.
_NUMBER, _INDIRECT, _HIDDEN = 0x3FFF, 0x4000, 0x8000
_PLAIN = 1  # VER_NDX_GLOBAL
_FIRST_OF_SEVERAL = 3  # glibc takes the first version of all for whoever wants none
_STT_GNU_IFUNC = 10
_IS_INDIRECT = bytes(info & 0xF == _STT_GNU_IFUNC for info in range(256))


class Exports(Protocol):
    """The symbols that a file defines for others."""

    def __call__(self, name: str) -> bool:
        """Tell whether any symbol of that name is defined."""

    def in_version(self, name: str, version: str) -> bool:
        """Tell whether glibc would take a symbol for one of that version; empty.

        For one without.
        """

    def by_default(self, name: str) -> bool:
        """Tell whether there is one that musl sees.

        Of a default version, and no indirect function.
        """


class _Everything:
    """The exports of a file that has more than are kept: nothing may be called missing from it."""

    def __call__(self, name: str) -> bool:  # noqa: ARG002 - a protocol's
        return True

    def in_version(self, name: str, version: str) -> bool:  # noqa: ARG002 - a protocol's
        return True

    def by_default(self, name: str) -> bool:  # noqa: ARG002 - a protocol's
        return True


class _Known(ABC):
    """Exports with their traits.

    A file without versions and indirect functions has none.
    """

    __slots__ = ("_versions",)

    def __init__(self, versions: Mapping[int, str]) -> None:
        self._versions = versions

    @abstractmethod
    def _traits(self, name: str) -> Sequence[int] | None:
        """Traits of its entries, none where the file has none.

        None if no symbol of that name is exported.
        """

    def __call__(self, name: str) -> bool:
        """Tell whether a symbol of that name is exported."""
        return self._traits(name) is not None

    def in_version(self, name: str, version: str) -> bool:
        """Tell whether glibc would take a symbol for one of that version.

        Source: ``check_match`` in ``elf/dl-lookup.c``.
        """
        traits = self._traits(name)
        if not traits:
            return traits is not None
        named = self._versions
        for trait in traits:
            number, hidden = trait & _NUMBER, trait & _HIDDEN
            if not hidden and (not version or number not in named):
                return True
            if named.get(number) == version if version else number < _FIRST_OF_SEVERAL:
                return True
        return False

    def by_default(self, name: str) -> bool:
        """Tell whether there is one that musl sees (``find_sym2`` in ``ldso/dynlink.c``)."""
        traits = self._traits(name)
        if not traits:
            return traits is not None
        return any(not trait & (_HIDDEN | _INDIRECT) for trait in traits)


class Hashes(_Known):
    """Exports known by DT_GNU_HASH's hashes.

    A chain's words lack the hash's lowest bit, which marks the chain's end. The bucket that a chain
    belongs to, the hash modulo their number, gives it back, so that a name such as ``open_2`` is
    not taken for ``open_3``.
    """

    __slots__ = ("_count", "_first", "_table", "_words")

    def __init__(self, table: bytes, versions: Mapping[int, str]) -> None:
        """Take the table as ``cut`` wrote it: numbers of buckets, first symbol and symbols.

        Buckets, chains, traits.
        """
        super().__init__(versions)
        if len(table) < _HEAD.size or not any(table[:4]):
            raise ValueError("not a table of hashes")
        self._count, self._first, symbols = _HEAD.unpack_from(table)
        self._table = memoryview(table)[: _HEAD.size + 4 * (self._count + symbols)]
        self._words: tuple[array[int], array[int]] | None = None

    def _opened(self) -> "tuple[array[int], array[int]]":
        """Buckets and chains as numbers, and traits; most files are never asked."""
        if self._words is None:
            whole = bytes(self._table.obj)
            end = len(self._table)
            self._words = _LITTLE.words(whole[_HEAD.size : end]), _LITTLE.halves(whole[end:])
        return self._words

    def _traits(self, name: str) -> Sequence[int] | None:
        """Walk the name's chain, as a loader does."""
        words, traits = self._opened()
        value = gnu_hash(name)
        index = words[value % self._count] - self._first
        if index < 0:
            return None
        found: list[int] | None = None
        for word in words[self._count + index : self._count + index + _CHAIN_LIMIT]:
            if word >> 1 == value >> 1 and word > 1:  # 0 or 1: listed without being defined
                found = found or []
                found += traits[index : index + 1]
            if word & 1:
                break
            index += 1
        return found


class Names(_Known):
    """Exports known by name."""

    __slots__ = ("_by_name",)

    def __init__(
        self, values: Sequence[str], traits: Sequence[int], versions: Mapping[int, str]
    ) -> None:
        """Take the names, each as often as it is defined, and their traits; or none at all."""
        super().__init__(versions)
        self._by_name: dict[str, list[int]] = {name: [] for name in values}
        for name, trait in zip(values, traits, strict=True) if traits else ():
            self._by_name[name].append(trait)

    def _traits(self, name: str) -> Sequence[int] | None:
        return self._by_name.get(name)


NOTHING: Exports = Names((), (), {})
EVERYTHING: Exports = _Everything()


@lru_cache(maxsize=1 << 13)
def gnu_hash(name: str) -> int:
    """The hash of a name in DT_GNU_HASH (glibc ``dl-new-hash.h``), 32 bits."""
    data = name.encode("utf-8", "surrogateescape")
    size = len(data)
    powers = _POWERS[-size:] if size < len(_POWERS) else _powers(size)
    return (_SEED * 33 * powers[0] + sum(map(mul, data, powers)) if size else _SEED) & 0xFFFFFFFF


def _powers(size: int) -> list[int]:
    """Powers of 33 modulo 2^32, down to 33^0."""
    return [pow(33, power, 1 << 32) for power in range(size - 1, -1, -1)]


_SEED = 5381
_POWERS = _powers(512)  # as long as most names are


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
    table, versions = image.offset(tags.get(_GNU_HASH)), image.offset(tags.get(_VERSYM))
    if table is not None:
        hashes, count = _hashes(image, table, symbols, versions)
        if hashes or not count:
            return hashes
    else:
        table = image.offset(tags.get(_HASH))
        count = 0 if table is None else _count(image, machine, table)
    strings = image.offset(tags.get(_STRTAB))
    if strings is None:
        return b""
    names = image.window.look(strings, min(tags.get(_STRSZ, 0), _TABLE_LIMIT))
    return _names(image, symbols, count, names, versions)


def cut_addresses(image: Image, machine: int, tags: Mapping[int, int]) -> bytes:
    """List the functions of others for which a program has an address of its own.

    Only a program at fixed addresses has such.

    They are undefined, but have a value: the address that other objects' data refers to (glibc
    ``do_lookup_x``, musl ``find_sym``).

    Returns:
        Their names, parted by NULs.
    """
    symbols, strings = image.offset(tags.get(_SYMTAB)), image.offset(tags.get(_STRTAB))
    if symbols is None or strings is None:
        return b""
    size = image.layout.symbol.size
    count = min(_all_symbols(image, machine, tags), _HASHES_LIMIT)
    table = image.window.look(symbols, count * size)
    names = image.window.look(strings, min(tags.get(_STRSZ, 0), _TABLE_LIMIT))
    found, room = [], _NAMES_LIMIT
    for index in compress(range(count), map(_SHN_UNDEF.__eq__, image.layout.sections(table))):
        name, value = image.layout.name_and_value(table[index * size : (index + 1) * size])
        end = names.find(b"\0", name, name + _NAME_LIMIT)
        if value and end > name and (room := room - (end - name) - 1) >= 0:
            found.append(names[name:end])
    return b"\0".join(found)


def _all_symbols(image: Image, machine: int, tags: Mapping[int, int]) -> int:
    """How many symbols there are, as far as a hash table tells."""
    plain, gnu = image.offset(tags.get(_HASH)), image.offset(tags.get(_GNU_HASH))
    if plain is not None:
        return _count(image, machine, plain)
    if gnu is None:
        return 0
    words, look = image.layout.words, image.window.look
    head = words(look(gnu, 16))
    if len(head) < 4:
        return 0
    count, first, filter_words, _ = head
    buckets = gnu + 16 + filter_words * image.layout.word
    last = max(words(look(buckets, min(count, _HASHES_LIMIT) * 4)), default=0)
    if last < first:
        return first
    tail = words(look(buckets + (count + last - first) * 4, _CHAIN_LIMIT * 4))
    return next((last + index for index, value in enumerate(tail, 1) if value & 1), last)


def decode(blob: bytes, versions: Mapping[int, str]) -> Exports:
    """Read what ``cut`` returned.

    Args:
        blob: The list.
        versions: The names of versions by number.

    Raises:
        ValueError: if it is something else.
    """
    if blob == _EVERYTHING:
        return EVERYTHING
    if not blob:
        return NOTHING
    if blob[:1] == _BY_HASH:
        return Hashes(blob[1:], versions)
    end = 5 + int.from_bytes(blob[1:5], "little")
    names = blob[5:end].decode("utf-8", "surrogateescape").split("\0")
    return Names(names, _LITTLE.halves(blob[end:]), versions)


def _hashes(image: Image, table: int, symbols: int, versions: int | None) -> tuple[bytes, int]:
    """A GNU hash table's buckets and chains.

    One word per exported symbol, the last of each chain odd; and traits.

    Returns:
        What ``decode`` reads; or, of a table with one bucket, which would not tell the lowest bit,
        nothing, and the number of symbols.
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
    size = image.layout.symbol.size
    symbol_table = look(symbols + first * size, end * size)
    defined = _defined(image, image.layout.to_little(look(chains, end * 4)), symbol_table)
    numbers = None if versions is None else look(versions + first * 2, end * 2)
    traits = _traits(image, image.layout.infos(symbol_table), numbers, len(defined) // 4)
    sizes = _HEAD.pack(count, first, len(defined) // 4)
    return _BY_HASH + sizes + image.layout.to_little(starts) + defined + _LITTLE.halves(
        traits.tobytes()
    ).tobytes(), 0


def _traits(image: Image, infos: bytes, numbers: bytes | None, count: int) -> "array[int]":
    """A trait a symbol, given each one's ``st_info`` and DT_VERSYM's part.

    None at all where there are neither.

    Symbols beyond the end of DT_VERSYM, or of their table, count as without a version.
    """
    indirect = infos[:count].translate(_IS_INDIRECT)
    if numbers is None and 1 not in indirect:
        return array("H")
    traits = image.layout.halves(numbers or b"")[:count]
    traits.extend([_PLAIN] * (count - len(traits)))
    for index in compress(range(len(indirect)), indirect):
        traits[index] |= _INDIRECT
    return traits


def _defined(image: Image, chains: bytes, table: bytes) -> bytes:
    """The chains, emptied of the undefined symbols that linkers list.

    They list them for functions whose address a program takes.
    """
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


def _names(image: Image, symbols: int, count: int, names: bytes, versions: int | None) -> bytes:
    """The names of all global symbols with a definition, and their traits."""
    symbol = image.layout.symbol
    if count > _HASHES_LIMIT:
        return _EVERYTHING
    table = image.window.look(symbols, count * symbol.size)
    numbers = None if versions is None else image.window.look(versions, count * 2)
    traits = _traits(image, image.layout.infos(table), numbers, len(table) // symbol.size)
    found, kept, room = [], array("H"), _NAMES_LIMIT
    for index, (name, info, section) in enumerate(
        symbol.iter_unpack(table[: len(table) - len(table) % symbol.size])
    ):
        end = names.find(b"\0", name, name + _NAME_LIMIT)
        if section == _SHN_UNDEF or info >> 4 == 0 or end <= name:  # undefined, STB_LOCAL, nameless
            continue
        room -= end - name + 1
        if room < 0:
            return _EVERYTHING
        found.append(names[name:end])
        kept.extend(traits[index : index + 1])
    text = b"\0".join(found)
    return (
        _BY_NAME + len(text).to_bytes(4, "little") + text + _LITTLE.halves(kept.tobytes()).tobytes()
        if found
        else b""
    )
