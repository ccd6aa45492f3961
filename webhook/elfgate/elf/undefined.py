"""The symbols that a file takes from elsewhere: found in its relocations, kept as a short list."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from elfgate.elf.facts import UndefinedSymbol
from elfgate.elf.layout import Layout
from elfgate.elf.window import Image

_RELOCATIONS_LIMIT = 8 << 20  # bytes; most files have less than 1 MiB of those that name symbols
_CHUNK = 256 << 10  # bytes of relocations in memory at a time
_REFERRED_LIMIT = 1 << 16  # symbols
_TABLE_LIMIT = 8 << 20  # bytes of .dynsym and of .dynstr looked at
_LIMIT = 256 << 10  # bytes of names kept
_NAME_LIMIT = 4096

_JMPREL, _PLTRELSZ, _PLTREL = 23, 2, 20
_RELA, _RELASZ, _RELACOUNT = 7, 8, 0x6FFFFFF9
_REL, _RELSZ, _RELCOUNT = 17, 18, 0x6FFFFFFA
_STRTAB, _STRSZ, _SYMTAB = 5, 10, 6
_MIPS = 8
_SHN_UNDEF, _STB_GLOBAL, _STB_WEAK = 0, 1, 2

_WEAK, _LAZY, _COPIED = 1, 2, 4

# R_*_COPY by machine: the program reserves room for another object's variable, and defines it itself from then on.
_COPY = {3: 5, 8: 126, 21: 19, 22: 9, 40: 20, 62: 5, 183: 1024, 243: 4, 258: 4}


def cut(image: Image, machine: int, tags: Mapping[int, int]) -> bytes:
    """List the undefined symbols that relocations refer to, and the defined ones that are copies of others.

    A loader looks up what a relocation names, and nothing else: an undefined symbol that none names needs no definition
    (glibc ``elf_dynamic_do_Rela``, musl ``do_relocs``). The GOT of MIPS, which needs no relocations, is not followed.

    Args:
        image: The file.
        machine: ``e_machine``.
        tags: Its dynamic section.

    Returns:
        Their number, a byte of marks for each, and their names, for ``decode``; empty if there are none.
    """
    told = _referred(image, machine, tags)
    referred = told.at_start | told.lazily
    symbols, strings = image.offset(tags.get(_SYMTAB)), image.offset(tags.get(_STRTAB))
    if symbols is None or strings is None or not referred:
        return b""
    table = image.window.look(symbols, min((max(referred) + 1) * image.layout.symbol.size, _TABLE_LIMIT))
    names = image.window.look(strings, min(tags.get(_STRSZ, 0), _TABLE_LIMIT))
    sections, starts, infos = image.layout.sections(table), image.layout.names(table), image.layout.infos(table)
    at_start, copied = told.at_start, told.copied
    marks, found, room = bytearray(), [], _LIMIT
    for index in sorted(referred):  # a large image has some 100,000 of them
        if index >= len(sections):
            break
        if sections[index] != _SHN_UNDEF and index not in copied:
            continue
        start, info = starts[index], infos[index]
        if not _STB_GLOBAL << 4 <= info < (_STB_WEAK + 1) << 4:
            continue
        end = names.find(b"\0", start, start + _NAME_LIMIT)
        if end <= start:
            continue
        room -= end - start + 2
        if room < 0:
            image.window.complete = False
            break
        mark = _WEAK if info >= _STB_WEAK << 4 else 0
        if index not in at_start:
            mark |= _LAZY
        if index in copied:
            mark |= _COPIED
        marks.append(mark)
        found.append(names[start:end])
    return len(marks).to_bytes(4, "little") + bytes(marks) + b"\0".join(found) if found else b""


def decode(blob: bytes) -> tuple[UndefinedSymbol, ...]:
    """Read what ``cut`` returned.

    Raises:
        ValueError: if it is something else.
    """
    if not blob:
        return ()
    end = 4 + int.from_bytes(blob[:4], "little")
    names = blob[end:].decode("utf-8", "surrogateescape").split("\0")
    return tuple(
        UndefinedSymbol(name, bool(mark & _WEAK), bool(mark & _LAZY), bool(mark & _COPIED))
        for name, mark in zip(names, blob[4:end], strict=True)
    )


@dataclass(slots=True)
class _Referred:
    """Indices of symbols: those that DT_RELA and DT_REL refer to, those that DT_JMPREL does, those that are copied."""

    at_start: set[int] = field(default_factory=set)
    lazily: set[int] = field(default_factory=set)
    copied: set[int] = field(default_factory=set)


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
            size -= jump_size  # some linkers count the jump slots in; glibc takes them out again too
        relative = min(tags.get(count_tag, 0) * entry, size)  # these come first and name no symbol
        at_start, copied = _symbols(image, machine, table + relative, size - relative, entry)
        referred.at_start |= at_start - {0}
        referred.copied |= copied
    lazily, _ = _symbols(image, machine, jump, jump_size, (3 if tags.get(_PLTREL) == _RELA else 2) * word)
    referred.lazily = lazily - {0}
    return referred


def _symbols(image: Image, machine: int, table: int | None, size: int, entry: int) -> tuple[set[int], set[int]]:
    """The symbol indices in ``r_info`` of a table of relocations, and among them those to be copied."""
    offset = image.offset(table)
    if offset is None:
        return set(), set()
    if size > _RELOCATIONS_LIMIT:
        image.window.complete = False
        return set(), set()
    found: set[int] = set()
    copied: set[int] = set()
    chunk = _CHUNK - _CHUNK % entry
    symbol_at, type_at = _words_of_info(image.layout, machine)
    copy = _COPY.get(machine, -1)
    if machine == _MIPS and image.layout.word == 8 and image.layout.byte_order == "little":
        copy <<= 24  # the type is the last of the four bytes
    for start in range(offset, offset + size, chunk):
        words = image.layout.words(image.window.look(start, min(chunk, offset + size - start)))
        symbols, types = words[symbol_at :: entry // 4], words[type_at :: entry // 4]
        found.update(symbols)
        if symbol_at != type_at and copy in types:
            copied.update(symbol for symbol, kind in zip(symbols, types, strict=False) if kind == copy)
        if len(found) > _REFERRED_LIMIT:
            image.window.complete = False
            break
    if image.layout.word == 8:
        return found, copied
    return {info >> 8 for info in found}, {info >> 8 for info in found if info & 0xFF == copy}


def _words_of_info(layout: Layout, machine: int) -> tuple[int, int]:
    """Which 32-bit words of a relocation have the symbol and the type; for 32-bit files both are in one, ``r_info``.

    64-bit ``r_info`` has the symbol in its upper half, but MIPS writes the symbol first in either byte order.
    """
    if layout.word == 4:
        return 1, 1
    return (3, 2) if layout.byte_order == "little" and machine != _MIPS else (2, 3)
