"""The symbols that a file defines for others: found by its hash tables, kept as a short list."""

import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from operator import or_
from typing import NamedTuple

from elfgate.elf.exports import BEYOND, INDIRECT
from elfgate.elf.hashing import hash_of
from elfgate.elf.layout import LAYOUTS
from elfgate.elf.window import Image

_LITTLE = LAYOUTS[64, "little"]  # as lists are written
_GNU_HASH, _HASH, _STRTAB, _STRSZ, _SYMTAB, _VERSYM = 0x6FFFFEF5, 4, 5, 10, 6, 0x6FFFFFF0
_S390 = 22
_SHN_UNDEF = 0
_HASHES_LIMIT = 96 << 10  # symbols, or buckets: 576 KiB
_CHAIN_LIMIT = 1024  # symbols in one chain
_NAMES_LIMIT = 384 << 10  # bytes of names
_TABLE_LIMIT = 8 << 20  # bytes of .dynstr looked at
_NAME_LIMIT = 4096
_PLAIN = 1  # VER_NDX_GLOBAL
_STT_GNU_IFUNC = 10
_UPPER = int(sys.byteorder == "little")  # which half of 64 bits is the upper one
_IS_INDIRECT = bytes(info & 0xF == _STT_GNU_IFUNC for info in range(256))


class _TooManyError(Exception):
    """A file has more symbols than are kept, or tables that lead in a circle."""


class _Table(NamedTuple):
    """A GNU hash table: where each bucket's chain begins, and the chains.

    A chain has a word for each symbol, the last one odd.
    """

    first: int
    starts: "array[int]"
    words: "array[int]"


def cut(image: Image, machine: int, tags: Mapping[int, int]) -> bytes:
    """Collect the exports.

    Args:
        image: The file.
        machine: ``e_machine``.
        tags: Its dynamic section.

    Returns:
        A list that ``elfgate.elf.exports.decode`` reads; empty if there are none.
    """
    try:
        found = _found(image, machine, tags)
    except _TooManyError:
        return BEYOND
    return _written(found, _traits(image, tags, found)) if found else b""


def _written(hashes: Mapping[int, int], traits: Sequence[int]) -> bytes:
    """Write hashes by symbol, ascending, and their traits, if there are any."""
    if not traits:
        words, halves = array("I", sorted(hashes.values())), array("H")
    else:
        pairs = sorted(map(or_, map((1 << 32).__mul__, hashes.values()), traits))
        numbers = array("I", array("Q", pairs).tobytes())
        words, halves = numbers[_UPPER::2], array("H", numbers[1 - _UPPER :: 2])
    return (
        len(words).to_bytes(4, "little")
        + _LITTLE.words(words.tobytes()).tobytes()
        + _LITTLE.halves(halves.tobytes()).tobytes()
    )


def _found(image: Image, machine: int, tags: Mapping[int, int]) -> dict[int, int]:
    """The index and hash of each symbol that is defined.

    Raises:
        _TooManyError: if there are more than are kept.
    """
    symbols, strings = image.offset(tags.get(_SYMTAB)), image.offset(tags.get(_STRTAB))
    gnu, plain = image.offset(tags.get(_GNU_HASH)), image.offset(tags.get(_HASH))
    if symbols is None:
        return {}
    if gnu is not None:
        table = _table(image, gnu)
        if len(table.starts) != 1:
            return _by_chains(image, symbols, table)
        count = table.first + len(table.words)  # one bucket does not tell a hash's lowest bit
    else:
        count = 0 if plain is None else _count(image, machine, plain)
    if strings is None:
        return {}
    names = image.window.look(strings, min(tags.get(_STRSZ, 0), _TABLE_LIMIT))
    return dict(_by_names(image, symbols, count, names))


def _table(image: Image, place: int) -> _Table:
    """Read a GNU hash table.

    Raises:
        _TooManyError: if there are more symbols than are kept.
    """
    words, look = image.layout.words, image.window.look
    head = words(look(place, 16))
    if len(head) < 4:
        return _Table(0, array("I"), array("I"))
    count, first, filter_words, _ = head
    buckets = place + 16 + filter_words * image.layout.word
    starts = words(look(buckets, min(count, _HASHES_LIMIT) * 4))
    if not 0 < count <= len(starts):  # a loader would divide by zero, or leave the file
        raise _TooManyError
    last = max(starts, default=0) - first  # where the last chain begins
    if last < 0:
        return _Table(first, starts, array("I"))
    chains = buckets + count * 4
    tail = words(look(chains + last * 4, _CHAIN_LIMIT * 4))
    end = next((last + index for index, value in enumerate(tail, 1) if value & 1), None)
    if end is None or count + end > _HASHES_LIMIT:
        raise _TooManyError
    return _Table(first, starts, words(look(chains, end * 4)))


def _by_chains(image: Image, symbols: int, table: _Table) -> dict[int, int]:
    """The symbols of all chains, but those that linkers list without defining them.

    They do so for functions whose address a program takes. A chain's words lack the hash's lowest
    bit, which marks the chain's end. The bucket that a chain belongs to, the hash modulo their
    number, gives it back, so that a name such as ``open_2`` is not taken for ``open_3``.

    Raises:
        _TooManyError: if chains have symbols in common.
    """
    first, starts, words = table
    size = image.layout.symbol.size
    count, left = len(starts), len(words)
    found: dict[int, int] = {}
    for bucket, start in enumerate(starts):  # a large image has some 300,000 symbols
        if start < first:
            continue
        for index in range(start - first, len(words)):
            word = words[index]
            even = word & ~1
            found[index] = even if even % count == bucket else even | 1
            left -= 1
            if word & 1:
                break
        if left < 0:
            raise _TooManyError
    sections = image.layout.sections(image.window.look(symbols + first * size, len(words) * size))
    if _SHN_UNDEF in sections:
        for index in compress(range(len(words)), map(_SHN_UNDEF.__eq__, sections)):
            found.pop(index, None)
    return dict(zip(map(first.__add__, found), found.values(), strict=True))


def _by_names(image: Image, symbols: int, count: int, names: bytes) -> Iterator[tuple[int, int]]:
    """All global symbols with a definition.

    Raises:
        _TooManyError: if there are more than are kept.
    """
    symbol = image.layout.symbol
    if count > _HASHES_LIMIT:
        raise _TooManyError
    table = image.window.look(symbols, count * symbol.size)
    whole = table[: len(table) - len(table) % symbol.size]
    room = _NAMES_LIMIT
    for index, (name, info, section) in enumerate(symbol.iter_unpack(whole)):
        end = names.find(b"\0", name, name + _NAME_LIMIT)
        if section == _SHN_UNDEF or info >> 4 == 0 or end <= name:  # undefined, local, nameless
            continue
        room -= end - name + 1
        if room < 0:
            raise _TooManyError
        yield index, hash_of(names[name:end])


def _traits(image: Image, tags: Mapping[int, int], found: Mapping[int, int]) -> Sequence[int]:
    """A trait a symbol, given each one's ``st_info`` and DT_VERSYM's part.

    None at all where there are neither versions nor indirect functions.

    Symbols beyond the end of DT_VERSYM, or of their table, count as without a version.
    """
    symbols, versions = image.offset(tags.get(_SYMTAB)), image.offset(tags.get(_VERSYM))
    end, size, look = max(found) + 1, image.layout.symbol.size, image.window.look
    table = b"" if symbols is None else look(symbols, end * size)
    indirect = image.layout.infos(table).translate(_IS_INDIRECT).ljust(end, b"\0")
    if versions is None and 1 not in indirect:
        return ()
    numbers = image.layout.halves(b"" if versions is None else look(versions, end * 2))
    numbers.extend([_PLAIN] * (end - len(numbers)))
    for index in compress(range(end), indirect):
        numbers[index] |= INDIRECT
    return list(map(numbers.__getitem__, found))


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
    try:
        table = _table(image, gnu)
    except _TooManyError:
        return 0
    return table.first + len(table.words)


def _count(image: Image, machine: int, table: int) -> int:
    """``nchain`` of a DT_HASH, which is the number of symbols."""
    if machine == _S390 and image.layout.word == 8:  # 64-bit entries on this processor
        words = image.layout.words(image.window.look(table + 8, 8))
        return words[image.layout.byte_order == "big"] if len(words) == 2 else 0
    words = image.layout.words(image.window.look(table + 4, 4))
    return words[0] if words else 0
