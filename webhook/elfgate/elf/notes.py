"""Reads the notes that a loader heeds.

Sources: gABI, "Note Section"; x86-64 psABI, "Program Property"; LSB, "ABI note tag"; glibc
``dl-load.c``.
"""

from collections.abc import Iterator

from elfgate.elf.decode import Decoder

ABI_TAG, PROPERTY = 1, 5  # NT_GNU_ABI_TAG, NT_GNU_PROPERTY_TYPE_0
_LINUX = 0  # ELF_NOTE_OS_LINUX
_ISA_NEEDED = 0xC0008002  # GNU_PROPERTY_X86_ISA_1_NEEDED


def read_notes(
    decoder: Decoder, offset: int, size: int, align: int
) -> Iterator[tuple[int, int, int]]:
    """The GNU notes of a segment, as type, and offset and size of the content.

    Args:
        decoder: Reads the file.
        offset: The segment's, in the file.
        size: Its bytes.
        align: Its ``p_align``: name and content are padded to 8 bytes if it is 8, else to 4.
    """
    step = 8 if align == 8 else 4
    end = offset + size
    header_size = 12
    while offset + header_size <= end:
        note = decoder.unpack("III", offset)
        if note is None:
            return
        name_size, size, kind = note
        content = offset + _padded(header_size + name_size, step)
        if name_size == 4 and decoder.bytes(offset + header_size, 4) == b"GNU\0":
            yield kind, content, min(size, max(0, end - content))
        offset = content + _padded(size, step)


def kernel_of(decoder: Decoder, offset: int) -> tuple[int, int, int] | None:
    """The Linux version in an NT_GNU_ABI_TAG, or None if it is of another system."""
    tag = decoder.unpack("IIII", offset)
    if tag is None or tag[0] != _LINUX:
        return None
    return tag[1], tag[2], tag[3]


def isa_of(decoder: Decoder, offset: int, size: int) -> int:
    """GNU_PROPERTY_X86_ISA_1_NEEDED in an NT_GNU_PROPERTY_TYPE_0, or 0."""
    word = decoder.layout.word
    end = offset + size
    needed = 0
    while offset + 8 <= end:
        item = decoder.unpack("II", offset)
        if item is None:
            break
        kind, item_size = item
        value = decoder.unpack("I", offset + 8) if kind == _ISA_NEEDED and item_size == 4 else None
        needed |= value[0] if value else 0
        offset += _padded(8 + item_size, word)
    return needed


def _padded(size: int, step: int) -> int:
    return (size + step - 1) // step * step
