"""The symbols that a file takes from elsewhere: found in its relocations, kept as a short list."""

from collections.abc import Mapping

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

_WEAK, _LAZY = 1, 2


def cut(image: Image, machine: int, tags: Mapping[int, int]) -> bytes:
    """List the undefined symbols that relocations refer to.

    A loader looks up what a relocation names, and nothing else: an undefined symbol that none names needs no definition
    (glibc ``elf_dynamic_do_Rela``, musl ``do_relocs``). The GOT of MIPS, which needs no relocations, is not followed.

    Args:
        image: The file.
        machine: ``e_machine``.
        tags: Its dynamic section.

    Returns:
        Their number, a byte of marks for each, and their names, for ``decode``; empty if there are none.
    """
    at_start, lazily = _referred(image, machine, tags)
    referred = at_start | lazily
    symbols, strings = image.offset(tags.get(_SYMTAB)), image.offset(tags.get(_STRTAB))
    if symbols is None or strings is None or not referred:
        return b""
    symbol = image.layout.symbol
    table = image.window.look(symbols, min((max(referred) + 1) * symbol.size, _TABLE_LIMIT))
    names = image.window.look(strings, min(tags.get(_STRSZ, 0), _TABLE_LIMIT))
    marks, found, room = bytearray(), [], _LIMIT
    for index, (name, info, section) in enumerate(symbol.iter_unpack(table[: len(table) - len(table) % symbol.size])):
        if section != _SHN_UNDEF or index not in referred or info >> 4 not in {_STB_GLOBAL, _STB_WEAK}:
            continue
        end = names.find(b"\0", name, name + _NAME_LIMIT)
        if end <= name:
            continue
        room -= end - name + 2
        if room < 0:
            image.window.complete = False
            break
        marks.append(_WEAK * (info >> 4 == _STB_WEAK) | _LAZY * (index not in at_start))
        found.append(names[name:end])
    return len(marks).to_bytes(4, "little") + bytes(marks) + b"\0".join(found) if found else b""


def decode(blob: bytes) -> tuple[UndefinedSymbol, ...]:
    """Read what ``cut`` returned."""
    if not blob:
        return ()
    end = 4 + int.from_bytes(blob[:4], "little")
    names = blob[end:].decode("utf-8", "surrogateescape").split("\0")
    return tuple(
        UndefinedSymbol(name, bool(mark & _WEAK), bool(mark & _LAZY))
        for name, mark in zip(names, blob[4:end], strict=True)
    )


def _referred(image: Image, machine: int, tags: Mapping[int, int]) -> tuple[set[int], set[int]]:
    """Symbols that DT_RELA and DT_REL refer to, and those that DT_JMPREL does."""
    word = image.layout.word
    at_start: set[int] = set()
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
        at_start |= _symbols(image, machine, table + relative, size - relative, entry)
    lazily = _symbols(image, machine, jump, jump_size, (3 if tags.get(_PLTREL) == _RELA else 2) * word)
    return at_start - {0}, lazily - {0}


def _symbols(image: Image, machine: int, table: int | None, size: int, entry: int) -> set[int]:
    """The symbol indices in ``r_info`` of a table of relocations."""
    offset = image.offset(table)
    if offset is None:
        return set()
    if size > _RELOCATIONS_LIMIT:
        image.window.complete = False
        return set()
    found: set[int] = set()
    chunk = _CHUNK - _CHUNK % entry
    for start in range(offset, offset + size, chunk):
        words = image.layout.words(image.window.look(start, min(chunk, offset + size - start)))
        found.update(words[_symbol_word(image.layout, machine) :: entry // 4])
        if len(found) > _REFERRED_LIMIT:
            image.window.complete = False
            break
    return found if image.layout.word == 8 else {info >> 8 for info in found}


def _symbol_word(layout: Layout, machine: int) -> int:
    """Which 32-bit word of a relocation has the symbol (64-bit) or the ``r_info`` (32-bit).

    64-bit ``r_info`` has the symbol in its upper half, but MIPS writes the symbol first in either byte order.
    """
    if layout.word == 4:
        return 1
    return 3 if layout.byte_order == "little" and machine != _MIPS else 2
