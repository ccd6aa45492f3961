"""Keeps the dynamic section and what it leads to: the strings and versions that it names."""

from collections.abc import Iterator, Mapping, Sequence
from struct import Struct

from elfgate.elf.window import Image

_NULL, _NEEDED, _STRTAB, _SONAME, _RPATH, _RUNPATH = 0, 1, 5, 14, 15, 29
_FILTER, _AUXILIARY = 0x7FFFFFFF, 0x7FFFFFFD
_NAMED = frozenset({_NEEDED, _FILTER, _AUXILIARY})  # of which each entry counts
_VERDEF, _VERNEED = 0x6FFFFFFC, 0x6FFFFFFE
# Of these musl takes the first entry (``search_vec`` in ldso/dynlink.c), and glibc the last.
_DISPUTED = (0x6FFFFEF5, 0x6FFFFFF0)  # DT_GNU_HASH, DT_VERSYM

DYNAMIC_LIMIT = 65536  # bytes of a dynamic section: 4096 entries of the longer kind
VERSIONS_LIMIT = 4096  # entries of a version table


def cut(image: Image, addresses: Sequence[int]) -> tuple[Mapping[int, int], Sequence[int]]:
    """Keep the dynamic section, its strings and its versions.

    Args:
        image: The file.
        addresses: Those of the PT_DYNAMICs; loaders take the last one.

    Returns:
        The values by tag, the last of each as loaders take it, and the values of all DT_NEEDED.
    """
    offset = image.offset(addresses[-1]) if addresses else None
    if offset is None:
        return {}, ()
    entries = _entries(image, offset)
    tags = dict(entries)
    needed = [value for tag, value in entries if tag == _NEEDED]
    if any(len({value for tag, value in entries if tag == each}) > 1 for each in _DISPUTED):
        image.window.complete = False
    strings = [value for tag, value in entries if tag in _NAMED]
    strings += [tags[tag] for tag in (_SONAME, _RPATH, _RUNPATH) if tag in tags]
    strings += _needs(image, image.offset(tags.get(_VERNEED)))
    strings += _definitions(image, image.offset(tags.get(_VERDEF)))
    table = image.offset(tags.get(_STRTAB))
    if table is not None:
        for string in dict.fromkeys(strings):
            image.window.keep_string(table + string)
    return tags, needed


def soname(image: Image, tags: Mapping[int, int]) -> bytes:
    """DT_SONAME, or empty."""
    table = image.offset(tags.get(_STRTAB))
    if table is None or _SONAME not in tags:
        return b""
    return image.window.look(table + tags[_SONAME], 256).partition(b"\0")[0]


def _entries(image: Image, offset: int) -> list[tuple[int, int]]:
    """The tags and values before DT_NULL."""
    layout = image.layout.dynamic
    raw = image.window.look(offset, DYNAMIC_LIMIT)
    entries = []
    for tag, value in layout.iter_unpack(raw[: len(raw) - len(raw) % layout.size]):
        if tag == _NULL:
            break
        entries.append((tag, value))
    else:
        image.window.complete = False
    image.window.keep(offset, (len(entries) + 1) * layout.size)
    return entries


def _needs(image: Image, start: int | None) -> Iterator[int]:
    """The names in an Elf_Verneed table.

    Loaders follow the links, whatever the counts say (glibc ``dl-version.c``).
    """
    need, auxiliary = Struct(image.layout.prefix + "HHIII"), Struct(image.layout.prefix + "IHHII")
    budget = iter(range(VERSIONS_LIMIT))
    for offset, (_, _, file, first, _) in _chain(image, start, need, budget):
        yield file
        for _, (_, _, _, name, _) in _chain(image, offset + first, auxiliary, budget):
            yield name


def _definitions(image: Image, start: int | None) -> Iterator[int]:
    """The names in an Elf_Verdef table.

    The first of each is the version's, the others are its parents'.
    """
    definition, auxiliary = (
        Struct(image.layout.prefix + "HHHHIII"),
        Struct(image.layout.prefix + "II"),
    )
    for offset, (*_, first, _) in _chain(image, start, definition, iter(range(VERSIONS_LIMIT))):
        name = image.window.keep(offset + first, auxiliary.size)
        if len(name) == auxiliary.size:
            yield auxiliary.unpack(name)[0]


def _chain(
    image: Image, offset: int | None, entry: Struct, budget: Iterator[int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Follow entries whose last field says how far on the next one is, 0 for the last.

    ``budget`` bounds them.
    """
    while offset is not None:
        raw = image.window.keep(offset, entry.size)
        if len(raw) < entry.size:
            return
        if next(budget, None) is None:
            image.window.complete = False
            return
        fields = entry.unpack(raw)
        yield offset, fields
        offset = offset + fields[-1] if fields[-1] else None
