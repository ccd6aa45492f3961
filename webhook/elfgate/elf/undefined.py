"""The symbols that a file takes from elsewhere: found in its relocations, kept as a short list."""

from array import array
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from elfgate.elf.hashing import hash_of
from elfgate.elf.layout import LAYOUTS, Layout
from elfgate.elf.window import Image

_RELOCATIONS_LIMIT = 8 << 20  # bytes; most files have less than 1 MiB of those that name symbols
_CHUNK = 256 << 10  # bytes of relocations in memory at a time
_REFERRED_LIMIT = 1 << 16  # symbols
_TABLE_LIMIT = 8 << 20  # bytes of .dynsym and of .dynstr looked at
_LIMIT = 256 << 10  # bytes of names kept
_NAME_LIMIT = 4096
_TYPES_LIMIT = 64  # types kept of each kind; no machine has as many at run time
_SLOTS = 0xFFFF

_JMPREL, _PLTRELSZ, _PLTREL = 23, 2, 20
_RELA, _RELASZ, _RELACOUNT = 7, 8, 0x6FFFFFF9
_REL, _RELSZ, _RELCOUNT = 17, 18, 0x6FFFFFFA
_STRTAB, _STRSZ, _SYMTAB, _VERSYM = 5, 10, 6, 0x6FFFFFF0
_NUMBER, _HIDDEN = 0x7FFF, 0x8000  # of a version
_STT_GNU_IFUNC = 10
_MIPS = 8
_SHN_UNDEF, _STB_GLOBAL, _STB_WEAK = 0, 1, 2
# st_info has the binding in its upper half.
_FIRST_INFO, _FIRST_WEAK, _LAST_INFO = _STB_GLOBAL << 4, _STB_WEAK << 4, (_STB_WEAK + 1) << 4

_WEAK, _LAZY, _COPIED, _OWN = 1, 2, 4, 8
_LITTLE = LAYOUTS[64, "little"]  # as lists are written

# R_*_COPY by machine: the program reserves room for another object's variable, and defines it
# itself from then on.
_COPY = {3: 5, 8: 126, 21: 19, 22: 9, 40: 20, 62: 5, 183: 1024, 243: 4, 258: 4}
# R_*_IRELATIVE: a function of the file itself tells the value.
_INDIRECT = {3: 42, 21: 248, 22: 61, 40: 160, 62: 37, 183: 1032, 243: 58, 258: 12}
# R_*_TLSDESC: among the jump slots, but bound at start all the same (glibc
# ``elf_machine_lazy_rel``).
_DESCRIPTOR = {3: 41, 40: 13, 62: 36, 183: 1031, 243: 12}

# Programs ask for the same names over and over: malloc, strlen.
_hash = lru_cache(maxsize=1 << 13)(hash_of)


def cut(image: Image, machine: int, tags: Mapping[int, int]) -> tuple[bytes, bool, bytes]:
    """List the undefined symbols that relocations refer to, and some of the defined ones.

    Those are copies of other objects' variables; and what musl does not see of the file's own:
    indirect functions and hidden versions.

    A loader looks up what a relocation names, and nothing else: an undefined symbol that none names
    needs no definition (glibc ``elf_dynamic_do_Rela``, musl ``do_relocs``). The GOT of MIPS, which
    needs no relocations, is not followed.

    Args:
        image: The file.
        machine: ``e_machine``.
        tags: Its dynamic section.

    Returns:
        Their number, and for each a byte of marks, the number of a version and a hash; and their
        names, for ``UndefinedSymbols``; empty if there are none. Whether any relocation is done by a function
        (``R_*_IRELATIVE``). And the types of relocations, for ``decode_types``.
    """
    told = _referred(image, machine, tags)
    referred = told.at_start | told.lazily
    types = _written(told.types, told.slot_types)
    symbols, strings = image.offset(tags.get(_SYMTAB)), image.offset(tags.get(_STRTAB))
    if symbols is None or strings is None or not referred:
        return b"", told.indirect, types
    table = image.window.look(
        symbols, min((max(referred) + 1) * image.layout.symbol.size, _TABLE_LIMIT)
    )
    names = image.window.look(strings, min(tags.get(_STRSZ, 0), _TABLE_LIMIT))
    sections, starts, infos = (
        image.layout.sections(table),
        image.layout.names(table),
        image.layout.infos(table),
    )
    versions = _versions(image, image.offset(tags.get(_VERSYM)), len(sections))
    at_start, copied = told.at_start, told.copied
    marks, wanted, hashes, found, room = bytearray(), array("H"), array("I"), [], _LIMIT
    for index in sorted(referred):  # a large image has some 100,000 of them
        if index >= len(sections):
            break
        info = infos[index]
        if not _FIRST_INFO <= info < _LAST_INFO:
            continue
        mark = 0 if index in at_start else _LAZY
        if index in copied:
            mark |= _COPIED
        elif sections[index] != _SHN_UNDEF:
            if info & 0xF != _STT_GNU_IFUNC and not versions[index] & _HIDDEN:
                continue
            mark |= _OWN
        mark |= _WEAK * (info >= _FIRST_WEAK)
        start = starts[index]
        end = names.find(b"\0", start, start + _NAME_LIMIT)
        if end <= start:
            continue
        room -= end - start + 8
        if room < 0:
            image.window.complete = False
            break
        name = names[start:end]
        marks.append(mark)
        wanted.append(versions[index] & _NUMBER)
        hashes.append(_hash(name))
        found.append(name)
    numbers = _LITTLE.halves(wanted.tobytes()).tobytes()
    numbers += _LITTLE.words(hashes.tobytes()).tobytes()
    head = len(marks).to_bytes(4, "little") + bytes(marks) + numbers
    return head + b"\0".join(found) if found else b"", told.indirect, types


def _written(types: set[int], slot_types: set[int]) -> bytes:
    """Write types of relocations and, behind a mark, those of jump slots."""
    parts = [[min(kind, _SLOTS - 1) for kind in sorted(kinds)] for kinds in (types, slot_types)]
    numbers = array("H", [*parts[0][:_TYPES_LIMIT], _SLOTS, *parts[1][:_TYPES_LIMIT]])
    return _LITTLE.halves(numbers.tobytes()).tobytes() if types or slot_types else b""


def decode_types(blob: bytes) -> tuple[frozenset[int], frozenset[int]]:
    """Read the types that ``cut`` returned: of relocations, and of jump slots."""
    numbers = list(_LITTLE.halves(blob)) or [_SLOTS]
    if _SLOTS not in numbers:
        raise ValueError("not a list of types")
    mark = numbers.index(_SLOTS)
    return frozenset(numbers[:mark]), frozenset(numbers[mark + 1 :])


def _versions(image: Image, table: int | None, count: int) -> "array[int]":
    """The number of each symbol's version; 0, for none, where there is no DT_VERSYM or it ends."""
    numbers = (
        array("H") if table is None else image.layout.halves(image.window.look(table, 2 * count))
    )
    numbers.frombytes(bytes(2 * (count - len(numbers))))
    return numbers


@dataclass(slots=True)
class _Referred:
    """Indices of symbols.

    Those that DT_RELA and DT_REL refer to, those that DT_JMPREL does, those that are copied.

    And whether there is a relocation by a function, and the types of both kinds.
    """

    at_start: set[int] = field(default_factory=set)
    lazily: set[int] = field(default_factory=set)
    copied: set[int] = field(default_factory=set)
    indirect: bool = False
    types: set[int] = field(default_factory=set)
    slot_types: set[int] = field(default_factory=set)


def _referred(image: Image, machine: int, tags: Mapping[int, int]) -> _Referred:
    word = image.layout.word
    referred = _Referred()
    jump, jump_size = tags.get(_JMPREL), tags.get(_PLTRELSZ, 0)
    for table_tag, size_tag, count_tag, entry in (
        (_RELA, _RELASZ, _RELACOUNT, 3 * word),
        (_REL, _RELSZ, _RELCOUNT, 2 * word),
    ):
        table, size = tags.get(table_tag), tags.get(size_tag, 0)
        if table is None:
            continue
        if jump is not None and table <= jump and jump + jump_size == table + size:
            size -= (
                jump_size  # some linkers count the jump slots in; glibc takes them out again too
            )
        relative = min(tags.get(count_tag, 0) * entry, size)  # these come first and name no symbol
        if relative:
            referred.types |= _read(image, machine, table, entry, entry).types
        found = _read(image, machine, table + relative, size - relative, entry)
        referred.types |= found.types
        referred.at_start |= found.symbols - {0}
        referred.copied |= found.special[_COPY.get(machine)]
        referred.indirect |= bool(found.special[_INDIRECT.get(machine)])
    entry = (3 if tags.get(_PLTREL) == _RELA else 2) * word
    found = _read(image, machine, jump, jump_size, entry)
    referred.slot_types = found.types
    referred.lazily = found.symbols - {0}
    referred.at_start |= found.special[_DESCRIPTOR.get(machine)] - {0}
    referred.indirect |= bool(found.special[_INDIRECT.get(machine)])
    return referred


@dataclass(slots=True)
class _Table:
    """A table of relocations.

    Attributes:
        symbols: The indices that they refer to.
        special: Those of the types that are special, by type.
        types: All types; none for MIPS, whose words hold three each.
    """

    symbols: set[int] = field(default_factory=set)
    special: defaultdict[int | None, set[int]] = field(default_factory=lambda: defaultdict(set))
    types: set[int] = field(default_factory=set)


def _read(image: Image, machine: int, address: int | None, size: int, entry: int) -> _Table:
    """Read the ``r_info`` of a table's entries, each of ``entry`` bytes."""
    table = _Table()
    offset = image.offset(address)
    if offset is None:
        return table
    if size > _RELOCATIONS_LIMIT:
        image.window.complete = False
        return table
    chunk = _CHUNK - _CHUNK % entry
    for start in range(offset, offset + size, chunk):
        words = image.layout.words(image.window.look(start, min(chunk, offset + size - start)))
        _add(table, words, entry, image.layout, machine)
        if len(table.symbols) > _REFERRED_LIMIT:
            image.window.complete = False
            break
    return table if image.layout.word == 8 else _narrow(table, machine)


def _add(table: _Table, words: "array[int]", entry: int, layout: Layout, machine: int) -> None:
    """Add some entries; of 32-bit files ``r_info`` as it is, for ``_narrow``."""
    symbol_at, type_at = _words_of_info(layout, machine)
    symbols = words[symbol_at :: entry // 4]
    table.symbols.update(symbols)
    if symbol_at == type_at:
        return
    types = words[type_at :: entry // 4]
    if machine != _MIPS:
        table.types.update(types)
    # Of MIPS's little-endian files, the type is the last of the word's four bytes.
    last = 24 if machine == _MIPS and layout.byte_order == "little" else 0
    for kind in _special(machine):
        if (written := kind << last) in types:
            pairs = zip(symbols, types, strict=False)
            table.special[kind].update(symbol for symbol, this in pairs if this == written)


def _special(machine: int) -> set[int]:
    return {types[machine] for types in (_COPY, _INDIRECT, _DESCRIPTOR) if machine in types}


def _narrow(table: _Table, machine: int) -> _Table:
    """Split the ``r_info`` of a 32-bit file: a symbol, and a byte for the type."""
    kinds = _special(machine)
    for info in table.symbols:
        table.types.add(info & 0xFF)
        if info & 0xFF in kinds:
            table.special[info & 0xFF].add(info >> 8)
    table.symbols = {info >> 8 for info in table.symbols}
    return table


def _words_of_info(layout: Layout, machine: int) -> tuple[int, int]:
    """Which 32-bit words of a relocation have the symbol and the type.

    For 32-bit files both are in one, ``r_info``.

    64-bit ``r_info`` has the symbol in its upper half, but MIPS writes the symbol first in either
    byte order.
    """
    if layout.word == 4:
        return 1, 1
    return (3, 2) if layout.byte_order == "little" and machine != _MIPS else (2, 3)
