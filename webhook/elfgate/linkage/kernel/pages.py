"""Whether a file's segments can be mapped with a page size.

And whether the file holds what they promise.

Sources: Linux ``fs/binfmt_elf.c`` (``elf_map``: a segment whose offset and address differ within a
page gives EINVAL, after the point of no return, hence SIGSEGV without a message; ``padzero``),
glibc ``elf/dl-load.c`` ("ELF load command address/offset not page-aligned"), musl
``ldso/dynlink.c`` (``map_library``). ``p_align`` itself is not looked at by the kernel, nor by
glibc from 2.35 on. Of segments that are congruent, but linked for smaller pages, two may share a
page.
"""

from itertools import pairwise

from elfgate.elf.facts import ElfFacts, Load, Type

SMALLEST = 4096
_WRITE = 2  # PF_W

# Which page sizes kernels of an architecture are built with, beyond 4096; elsewhere it is 4096.
LARGER_PAGES = {
    "arm64": (16384, 65536),
    "ppc64le": (65536,),
    "ppc64": (65536,),
    "loong64": (16384, 65536),
    "mips64le": (16384, 65536),
}


def mappable(facts: ElfFacts, page: int) -> bool:
    """Tell whether every segment's offset and address agree modulo the page size (bytes)."""
    return all((load.vaddr - load.offset) % page == 0 for load in facts.loads if load.filesz)


def taken_by_glibc(facts: ElfFacts, page: int) -> bool:
    """Tell the same as glibc does for libraries.

    Nor do they lie one over the other (``_dl_map_segments``).
    """
    spans = [
        (load.vaddr // page * page, -(-(load.vaddr + load.filesz) // page) * page)
        for load in facts.loads
    ]
    holes = any(before[1] != after[0] for before, after in pairwise(spans))
    return mappable(facts, page) and not (holes and spans[-1][0] < spans[0][1])


def taken_by_old_glibc(facts: ElfFacts, page: int) -> bool:
    """Tell the same as glibc before 2.35 does for libraries.

    It goes by ``p_align``, a multiple of the page size.
    """
    kept = all(
        load.align % page == 0 and not (load.vaddr - load.offset) & (load.align - 1)
        for load in facts.loads
    )
    return kept and taken_by_glibc(facts, page)


def taken_by_musl(facts: ElfFacts, page: int) -> bool:
    """Tell whether musl can do with a library's segments what it does.

    What lies in the lowest page is mapped as the lowest segment is; what then cannot be written is
    written to all the same (``map_library``, ``reclaim_gaps``), and that is the end.
    """
    # What takes no room is not mapped.
    loads = [load for load in facts.loads if load.memsz or load.vaddr % page]
    lowest = min(loads, key=lambda load: load.vaddr, default=None)
    if lowest is None or lowest.flags & _WRITE:
        return mappable(facts, page)
    alike = [load for load in loads if load.vaddr // page == lowest.vaddr // page]
    return mappable(facts, page) and not any(load.flags & _WRITE for load in alike)


def collide(program: ElfFacts, library: ElfFacts) -> bool:
    """Tell whether two files want the same addresses, as both are for fixed ones."""
    if Type.DYN in (program.type, library.type):
        return False
    taken, wanted = (
        (
            min(load.vaddr for load in facts.loads),
            max(load.vaddr + load.memsz for load in facts.loads),
        )
        for facts in (program, library)
    )
    return taken[0] < wanted[1] and wanted[0] < taken[1]


def cut_off(
    facts: ElfFacts, page: int, *, is_entered: bool = True, is_alone: bool = False
) -> bool | None:
    """Tell whether a truncated file lacks pages that starting needs.

    Args:
        facts: The file's.
        page: The largest page size that the node may have, in bytes: the rest of the last page
            reads as zeros.
        is_entered: Its entry point is where it begins, as it is no library.
        is_alone: Nobody but the program itself reads its dynamic section.

    Returns:
        False if no page is missing altogether; True if the missing ones hold the entry point, the
        dynamic section or the page from whose middle the kernel (or the loader) must clear the bss;
        None if whole pages are missing that may not be needed.
    """
    if not facts.truncated:
        return False
    end = -(-facts.file_size // page) * page
    missing = [load for load in facts.loads if load.filesz and load.offset + load.filesz > end]
    if not missing:
        return False
    if facts.dynamic_at >= end and not is_alone:
        return True
    # The kernel passes over what it cannot clear as it cannot be written; a loader makes it so.
    cleared = [load for load in missing if load.flags & _WRITE or not is_entered]
    if any(_is_cleared(load, page, end) for load in cleared):
        return True
    if is_entered and any(_holds(load, facts.entry, end) for load in missing):
        return True
    return None


def _is_cleared(load: Load, page: int, end: int) -> bool:
    """Tell whether the bss begins within a page that lies wholly beyond a file's end."""
    written = load.memsz > load.filesz and (load.vaddr + load.filesz) % page
    return bool(written) and load.offset + load.filesz > end


def _holds(load: Load, address: int, end: int) -> bool:
    """Tell whether an address lies in what a segment would have from beyond a file's end."""
    missing = load.vaddr + max(0, end - load.offset)
    return missing <= address < load.vaddr + load.filesz
