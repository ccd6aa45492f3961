"""Packed relative relocations (DT_RELR).

musl before 1.2.4 and glibc before 2.36 pass over them in silence.

Source: gABI, "Relative Relocations": an even entry is an address to relocate, an odd one a bitmap
of the words behind.
"""

from collections.abc import Iterator, Mapping
from struct import Struct

from elfgate.elf.window import Image

_INIT_ARRAY, _INIT_ARRAYSZ, _RELRSZ, _RELR = 25, 27, 35, 36
_LIMIT = 1 << 20  # bytes of relocations, and of functions, that are looked at


def relocate_start(image: Image, tags: Mapping[int, int]) -> bool:
    """Tell whether DT_RELR relocates any of the functions in DT_INIT_ARRAY.

    Those are called before ``main``.

    Args:
        image: The file.
        tags: Its dynamic section.
    """
    table, first = image.offset(tags.get(_RELR)), tags.get(_INIT_ARRAY)
    if table is None or first is None:
        return False
    word = image.layout.word
    functions = range(first, first + min(tags.get(_INIT_ARRAYSZ, 0), _LIMIT), word)
    raw = image.window.look(table, min(tags.get(_RELRSZ, 0), _LIMIT))
    entries = Struct(image.layout.prefix + ("Q" if word == 8 else "I"))
    place = 0
    for (entry,) in entries.iter_unpack(raw[: len(raw) - len(raw) % word]):
        if not entry & 1:
            if entry in functions:
                return True
            place = entry + word
            continue
        end = place + (8 * word - 1) * word
        if any(
            entry >> (1 + (function - place) // word) & 1
            for function in _between(functions, place, end)
        ):
            return True
        place = end
    return False


def _between(functions: range, start: int, end: int) -> Iterator[int]:
    return (
        (function for function in functions if start <= function < end)
        if start < functions.stop
        else iter(())
    )
