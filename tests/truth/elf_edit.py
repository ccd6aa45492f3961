"""Changes to single fields of ELF files, as damage and odd tools leave them. Layouts: the gABI's chapter 4 and 5."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE = 1, 2, 3, 4
_KINDS = {
    "load": _PT_LOAD,
    "dynamic": _PT_DYNAMIC,
    "interp": _PT_INTERP,
    "note": _PT_NOTE,
    "phdr": 6,
}
_KINDS |= {"stack": 0x6474E551, "property": 0x6474E553}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of one class are: their offsets, and struct's letter for an address."""

    address: str
    header: dict[str, tuple[int, str]]
    program: dict[str, tuple[int, str]]
    dynamic_size: int


_COMMON = {
    "ei_class": (4, "B"),
    "ei_data": (5, "B"),
    "ei_version": (6, "B"),
    "ei_osabi": (7, "B"),
    "ei_abiversion": (8, "B"),
    "ei_pad": (9, "B"),
    "e_type": (16, "H"),
}
_COMMON |= {"e_machine": (18, "H"), "e_version": (20, "I")}
_LAYOUTS = {
    1: Layout(
        "I",
        _COMMON
        | {
            "e_entry": (24, "I"),
            "e_phoff": (28, "I"),
            "e_shoff": (32, "I"),
            "e_flags": (36, "I"),
            "e_ehsize": (40, "H"),
        }
        | {"e_phentsize": (42, "H"), "e_phnum": (44, "H"), "e_shnum": (48, "H")},
        {
            "p_type": (0, "I"),
            "p_offset": (4, "I"),
            "p_vaddr": (8, "I"),
            "p_filesz": (16, "I"),
            "p_memsz": (20, "I"),
        }
        | {"p_flags": (24, "I"), "p_align": (28, "I")},
        8,
    ),
    2: Layout(
        "Q",
        _COMMON
        | {
            "e_entry": (24, "Q"),
            "e_phoff": (32, "Q"),
            "e_shoff": (40, "Q"),
            "e_flags": (48, "I"),
            "e_ehsize": (52, "H"),
        }
        | {"e_phentsize": (54, "H"), "e_phnum": (56, "H"), "e_shnum": (60, "H")},
        {
            "p_type": (0, "I"),
            "p_flags": (4, "I"),
            "p_offset": (8, "Q"),
            "p_vaddr": (16, "Q"),
            "p_filesz": (32, "Q"),
        }
        | {"p_memsz": (40, "Q"), "p_align": (48, "Q")},
        16,
    ),
}


class File:
    """An ELF file in memory, of a class and byte order that were right when it was read."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self._layout = _LAYOUTS[data[4]]
        self._order = "<" if data[5] == 1 else ">"
        self.byte_order: Literal["little", "big"] = "little" if data[5] == 1 else "big"

    def get(self, field: str, base: int = 0) -> int:
        """A field of the ELF header, or of the program header at ``base``."""
        offset, letter = self._field(field)
        return int(struct.unpack_from(self._order + letter, self.data, base + offset)[0])

    def set(self, field: str, value: int, base: int = 0) -> None:
        """Overwrite a field; values of ±2^n wrap."""
        offset, letter = self._field(field)
        size = struct.calcsize(letter)
        struct.pack_into(self._order + letter, self.data, base + offset, value % (1 << 8 * size))

    def segments(self, kind: int) -> list[int]:
        """The offsets of the program headers of that kind."""
        start, size, count = self.get("e_phoff"), self.get("e_phentsize"), self.get("e_phnum")
        return [
            offset
            for offset in range(start, start + size * count, size)
            if self.get("p_type", offset) == kind
        ]

    def segment(self, kind: int) -> int:
        """The offset of the first program header of that kind.

        Raises:
            ValueError: if there is none.
        """
        if found := self.segments(kind):
            return found[0]
        raise ValueError(f"no program header of type {kind}")

    def retag(self, old: int, new: int) -> None:
        """Give the first entry of the dynamic section with one tag another."""
        header = self.segment(_PT_DYNAMIC)
        start = self.get("p_offset", header)
        for offset in range(start, start + self.get("p_filesz", header), self._layout.dynamic_size):
            (tag,) = struct.unpack_from(self._order + self._layout.address, self.data, offset)
            if tag == old:
                struct.pack_into(self._order + self._layout.address, self.data, offset, new)
                return
        raise ValueError(f"no dynamic entry of tag {old}")

    def _field(self, name: str) -> tuple[int, str]:
        return self._layout.header.get(name) or self._layout.program[name]


def edit(data: bytes, edits: list[dict[str, object]]) -> bytes:
    """Apply edits in order, each a mapping of one name to its value: a field of the header, or one of ``_SPECIAL``."""
    file = File(data)
    for change in edits:
        for name, value in change.items():
            if name in _SPECIAL:
                _SPECIAL[name](file, value)
            else:
                file.set(name, int(str(value), 0))
    return bytes(file.data)


def _truncate(file: File, size: object) -> None:
    del file.data[int(str(size)) :]


def _interp(file: File, path: object) -> None:
    """Point PT_INTERP at another path, kept at the file's end; its NUL is part of it, unless it ends in ``\\N``."""
    text = str(path)
    encoded = text.removesuffix("\\N").encode() + (b"" if text.endswith("\\N") else b"\0")
    header = file.segment(_PT_INTERP)
    file.set("p_offset", len(file.data), header)
    file.set("p_filesz", len(encoded), header)
    file.data += encoded


def _interp_size(file: File, size: object) -> None:
    file.set("p_filesz", int(str(size)), file.segment(_PT_INTERP))


def _interp_offset(file: File, offset: object) -> None:
    file.set("p_offset", int(str(offset), 0), file.segment(_PT_INTERP))


def _no_interp(file: File, _value: object) -> None:
    """Turn PT_INTERP into PT_NULL."""
    file.set("p_type", 0, file.segment(_PT_INTERP))


def _drop_segment(file: File, kind: object) -> None:
    """Turn every program header of one type into PT_NULL."""
    wanted = int(str(kind), 0)
    try:
        while True:
            file.set("p_type", 0, file.segment(wanted))
    except ValueError:
        return


def _dynamic_size(file: File, size: object) -> None:
    """Say another size of PT_DYNAMIC in the file: 0 is what ``objcopy --only-keep-debug`` leaves of it."""
    file.set("p_filesz", int(str(size)), file.segment(_PT_DYNAMIC))


def _align_loads(file: File, size: object) -> None:
    """Say another alignment of every PT_LOAD."""
    start, step, count = file.get("e_phoff"), file.get("e_phentsize"), file.get("e_phnum")
    for header in range(start, start + step * count, step):
        if file.get("p_type", header) == _PT_LOAD:
            file.set("p_align", int(str(size)), header)


def _shift_load(file: File, distance: object) -> None:
    """Move the first PT_LOAD's address, so that it no longer agrees with its offset modulo the page size."""
    header = file.segment(_PT_LOAD)
    file.set("p_vaddr", file.get("p_vaddr", header) + int(str(distance), 0), header)


def _change_segment(file: File, change: object) -> None:
    """``KIND NUMBER FIELD VALUE``: a field of one of the program headers of a kind; ``+VALUE`` adds to it."""
    kind, number, field, value = str(change).split()
    header = file.segments(_KINDS[kind])[int(number)]
    before = file.get(field, header) if value[0] in "+-" else 0
    file.set(field, before + int(value, 0), header)


def _swap_loads(file: File, _value: object) -> None:
    """Let the first and the last PT_LOAD change places in the table."""
    size = file.get("e_phentsize")
    first, *_, last = file.segments(_PT_LOAD)
    rows = [bytes(file.data[place : place + size]) for place in (last, first)]
    file.data[first : first + size], file.data[last : last + size] = rows


def _move_program_headers(file: File, _value: object) -> None:
    """Keep the program headers at the file's end, in no segment."""
    start, size = file.get("e_phoff"), file.get("e_phentsize") * file.get("e_phnum")
    file.data += bytes(-len(file.data) % 8)
    file.set("e_phoff", len(file.data))
    file.data += file.data[start : start + size]


def _dynamic_behind(file: File, _value: object) -> None:
    """Shrink the PT_LOAD with the dynamic section to 8 bytes shortly before it; the page is mapped all the same."""
    dynamic = file.get("p_vaddr", file.segment(_PT_DYNAMIC))
    start, entry, count = file.get("e_phoff"), file.get("e_phentsize"), file.get("e_phnum")
    loads = [
        at
        for at in range(start, start + entry * count, entry)
        if file.get("p_type", at) == _PT_LOAD
    ]
    header = max(
        (at for at in loads if file.get("p_vaddr", at) <= dynamic),
        key=lambda at: file.get("p_vaddr", at),
    )
    moved = dynamic - 16 - file.get("p_vaddr", header)
    for name in ("p_vaddr", "p_offset"):
        file.set(name, file.get(name, header) + moved, header)
    for name in ("p_filesz", "p_memsz"):
        file.set(name, 8, header)


def _retag(file: File, tags: object) -> None:
    old, new = (int(part, 0) for part in str(tags).split())
    file.retag(old, new)


def _magic(file: File, text: object) -> None:
    file.data[:4] = str(text).encode()


def _append(file: File, text: object) -> None:
    file.data += str(text).encode()


def _second_interp(file: File, _value: object) -> None:
    """A second PT_INTERP, after the first: the kernel heeds the first only."""
    first = file.segment(_PT_INTERP)
    size = file.get("e_phentsize")
    last = file.get("e_phoff") + size * (file.get("e_phnum") - 1)
    file.data[last : last + size] = file.data[first : first + size]
    file.set("p_filesz", 1, last)


def _abi_tag(file: File, version: object) -> None:
    """Point PT_NOTE at an NT_GNU_ABI_TAG for a Linux version, kept at the file's end (LSB, "ABI note tag")."""
    numbers = (
        4,
        16,
        1,
        int.from_bytes(b"GNU\0", file.byte_order),
        0,
        *map(int, str(version).split()),
    )
    note = b"".join(number.to_bytes(4, file.byte_order) for number in numbers)
    file.data += bytes(-len(file.data) % 4)
    header = file.segment(_PT_NOTE)
    file.set("p_offset", len(file.data), header)
    file.set("p_filesz", len(note), header)
    file.set("p_align", 4, header)
    file.data += note


_SPECIAL: dict[str, Callable[[File, object], None]] = {
    "abi_tag": _abi_tag,
    "align_loads": _align_loads,
    "append": _append,
    "drop_segment": _drop_segment,
    "dynamic_size": _dynamic_size,
    "dynamic_behind": _dynamic_behind,
    "interp": _interp,
    "magic": _magic,
    "interp_offset": _interp_offset,
    "interp_size": _interp_size,
    "move_program_headers": _move_program_headers,
    "no_interp": _no_interp,
    "retag": _retag,
    "second_interp": _second_interp,
    "segment": _change_segment,
    "shift_load": _shift_load,
    "swap_loads": _swap_loads,
    "truncate": _truncate,
}
