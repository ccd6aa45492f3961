"""Reads the notes that a loader heeds.

Sources: gABI, "Note Section"; x86-64 psABI, "Program Property"; LSB, "ABI note tag"; glibc ``dl-load.c``.
"""

from collections.abc import Iterator
from typing import Any

from elfgate.elf.decode import Decoder


def read_notes(
    decoder: Decoder, offset: int, size: int, align: int
) -> Iterator[tuple[str | int, int, int]]:
    """The GNU notes of a segment, as type, and offset and size of the content.

    Args:
        decoder: Reads the file.
        offset: The segment's, in the file.
        size: Its bytes.
        align: Its ``p_align``: name and content are padded to 8 bytes if it is 8, else to 4.
    """
    step = 8 if align == 8 else 4
    end = offset + size
    header, header_size = decoder.structs.Elf_Nhdr, 12
    while offset + header_size <= end:
        note = decoder.at(header, offset)
        if note is None:
            return
        content = offset + _padded(header_size + note.n_namesz, step)
        if note.n_namesz == 4 and decoder.bytes(offset + header_size, 4) == b"GNU\0":
            yield note.n_type, content, min(note.n_descsz, max(0, end - content))
        offset = content + _padded(note.n_descsz, step)


def kernel_of(decoder: Decoder, offset: int) -> tuple[int, int, int] | None:
    """The Linux version in an NT_GNU_ABI_TAG, or None if it is of another system."""
    tag = decoder.at(decoder.structs.Elf_abi, offset)
    if tag is None or tag.abi_os != "ELF_NOTE_OS_LINUX":
        return None
    return tag.abi_major, tag.abi_minor, tag.abi_tiny


def isa_of(decoder: Decoder, offset: int, size: int) -> int:
    """GNU_PROPERTY_X86_ISA_1_NEEDED in an NT_GNU_PROPERTY_TYPE_0, or 0."""
    word = decoder.structs.elfclass // 8
    end = offset + size
    needed = 0
    while offset + 8 <= end:
        item: Any = decoder.at(decoder.structs.Elf_Prop, offset)
        if item is None:
            break
        if item.pr_type == "GNU_PROPERTY_X86_ISA_1_NEEDED" and item.pr_datasz == 4:
            needed |= item.pr_data
        offset += _padded(8 + item.pr_datasz, word)
    return needed


def _padded(size: int, step: int) -> int:
    return (size + step - 1) // step * step
