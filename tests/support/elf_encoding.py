"""Encodes the parts of an ELF file: headers, symbols, relocations, hash tables and versions.

Sources: gABI chapters 4 and 5; the GNU extensions as ``elf.h`` and the LSB name them; relocation numbers from the
processor supplements.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from elfgate.elf.facts import Load

Symbol: TypeAlias = str | tuple[str, ...]
"""A name, or a name with marks: ``("name", "weak")``, ``("name", "lazy")``, ``("name", "unreferenced")``,
``("name", "copied")``."""

Version: TypeAlias = str | tuple[str, str]
"""A version's name, or ``("name", "weak")``."""

# R_*_COPY by machine.
COPIES = {3: 5, 8: 126, 20: 19, 21: 19, 22: 9, 40: 20, 62: 5, 183: 1024, 243: 4, 258: 4}

# e_machine: (GLOB_DAT or its like, JUMP_SLOT, whether relocations carry addends)
RELOCATIONS = {
    3: (6, 7, False),
    8: (3, 127, False),
    20: (20, 21, True),
    21: (20, 21, True),
    22: (10, 11, True),
    40: (21, 22, False),
    62: (6, 7, True),
    183: (1025, 1026, True),
    243: (2, 5, True),
    258: (2, 5, True),
}
_MIPS, _S390 = 8, 22


@dataclass(frozen=True)
class Encoding:
    """How numbers are written in files of one machine, class and byte order."""

    machine: int
    wide: bool
    little: bool

    @property
    def word(self) -> str:
        return "Q" if self.wide else "I"

    @property
    def header_size(self) -> int:
        return 64 if self.wide else 52

    @property
    def segment_size(self) -> int:
        return 56 if self.wide else 32

    def pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(("<" if self.little else ">") + layout.replace("W", self.word), *values)

    def program_header(self, kind: int, flags: int, load: Load) -> bytes:
        where = (load.offset, load.vaddr, load.vaddr, load.filesz, load.memsz)
        if self.wide:
            return self.pack("IIWWWWWW", kind, flags, *where, load.align)
        return self.pack("IWWWWWIW", kind, *where, flags, load.align)

    def symbol(self, name: int, info: int, section: int, value: int) -> bytes:
        if self.wide:
            return self.pack("IBBHQQ", name, info, 0, section, value, 0)
        return self.pack("IIIBBH", name, value, 0, info, 0, section)

    def relocation(self, place: int, symbol: int, kind: int, *, addend: bool) -> bytes:
        if not self.wide:
            info = symbol << 8 | kind & 0xFF
        elif (
            self.machine == _MIPS and self.little
        ):  # MIPS N64 writes the symbol first, whatever the byte order
            info = symbol | kind << 56
        else:
            info = symbol << 32 | kind
        return self.pack("WW", place, info) + (self.pack("W", 0) if addend else b"")

    def note(self, kind: int, content: bytes, align: int) -> bytes:
        padded = content + bytes(-len(content) % align)
        return self.pack("III", 4, len(content), kind) + b"GNU\0" + padded


@dataclass
class Strings:
    """A string table that gives each string one place."""

    content: bytearray = field(default_factory=lambda: bytearray(1))

    def add(self, text: str) -> int:
        encoded = text.encode("utf-8", "surrogateescape") + b"\0"
        found = self.content.find(b"\0" + encoded)
        if found >= 0:
            return found + 1
        self.content += encoded
        return len(self.content) - len(encoded)


def sysv_hash(name: str) -> int:
    """The gABI's hash of a symbol's name."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    return value


def gnu_hash(name: str) -> int:
    """DT_GNU_HASH's hash of a symbol's name."""
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def marks_of(symbol: Symbol) -> tuple[str, frozenset[str]]:
    return (symbol, frozenset()) if isinstance(symbol, str) else (symbol[0], frozenset(symbol[1:]))


def version_needs_table(
    code: Encoding, strings: Strings, needs: Mapping[str, Sequence[Version]]
) -> bytes:
    blob, index = b"", 32
    for position, (file, versions) in enumerate(needs.items()):
        size = 16 + 16 * len(versions)
        last = position == len(needs) - 1
        blob += code.pack("HHIII", 1, len(versions), strings.add(file), 16, 0 if last else size)
        for number, version in enumerate(versions):
            name, marks = marks_of(version)
            following = 0 if number == len(versions) - 1 else 16
            blob += code.pack(
                "IHHII",
                sysv_hash(name),
                2 if "weak" in marks else 0,
                index,
                strings.add(name),
                following,
            )
            index += 1
    return blob


def version_definitions_table(
    code: Encoding, strings: Strings, base: str, names: Sequence[str]
) -> bytes:
    blob = b""
    for index, name in enumerate((base, *names), 1):
        following = 0 if index == len(names) + 1 else 28
        blob += code.pack("HHHHIII", 1, int(index == 1), index, 1, sysv_hash(name), 20, following)
        blob += code.pack("II", strings.add(name), 0)
    return blob


def gnu_hash_table(code: Encoding, first: int, names: Sequence[str], buckets: int) -> bytes:
    """The table of ``names``, which are sorted by bucket and stand in the symbol table from ``first`` on."""
    starts = [0] * buckets
    chain = []
    for index, name in enumerate(names):
        value = gnu_hash(name)
        bucket = value % buckets
        starts[bucket] = starts[bucket] or first + index
        last = index + 1 == len(names) or gnu_hash(names[index + 1]) % buckets != bucket
        chain.append(value & ~1 | last)
    everything_passes = (1 << (64 if code.wide else 32)) - 1
    return code.pack(
        f"IIIIW{buckets + len(chain)}I", buckets, first, 1, 6, everything_passes, *starts, *chain
    )


def sysv_hash_table(code: Encoding, count: int) -> bytes:
    cell = (
        "Q" if code.machine == _S390 and code.wide else "I"
    )  # the one processor here with 64-bit hash entries
    return code.pack(f"{2 + 1 + count}{cell}", 1, count, count - 1, 0, *range(count - 1))
