"""Segments of a file, once the kernel has taken its headers, and its entry point.

Sources: Linux ``fs/binfmt_elf.c`` (``load_elf_binary``, ``load_elf_interp``: all this is past the
point of no return, so that what fails ends in SIGSEGV without a message), ``TASK_SIZE`` and
``elf_read_implies_exec`` of ``arch/*/include/asm``; how loaders find the program that they are to
load: glibc ``elf/rtld.c`` (``rtld_setup_main_map``), musl ``ldso/dynlink.c`` (``__dls3``).
"""

from elfgate.elf.facts import ElfFacts, Load, Type

_EXECUTE = 1  # PF_X
_WRITE = 2  # PF_W
_MUCH_MEMORY = (
    4 << 30
)  # bytes: more than a small node has (vm.overcommit_memory, __vm_enough_memory)
_LOWEST = 65536  # the usual vm.mmap_min_addr: only what has CAP_SYS_RAWIO maps below it

# Where user addresses of a 64-bit machine end at the latest, by e_machine: with page tables as deep
# as they come.
_ADDRESSES = {21: 1 << 52, 62: 1 << 56, 183: 1 << 52, 243: 1 << 56}

# Machines whose pages are not executable unless they are said to be, where PT_GNU_STACK asks for no
# executable stack.
_NO_EXECUTE = frozenset({3, 21, 62, 183, 243})


def unmappable(facts: ElfFacts, *, is_loader: bool = False) -> str:
    """Say why the kernel gives up mapping a file, whatever its pages; empty if it does not.

    Args:
        facts: The file's.
        is_loader: It is mapped as the loader of a program, to wherever there is room.
    """
    end = _ADDRESSES.get(facts.machine, 1 << facts.elf_class)
    if not facts.loads:
        return "has no segment to load"
    for load in facts.loads:
        if load.filesz > load.memsz:
            return "says of a segment that more of it is in the file than in memory"
        if load.vaddr + load.memsz > end and not is_loader:
            return "has a segment that reaches beyond the last address of a process"
    return ""


def doubtful(facts: ElfFacts) -> str:
    """Say why some kernels would start a program and others not; empty if they agree."""
    if facts.type == Type.EXEC and any(load.vaddr < _LOWEST for load in facts.loads):
        return "is linked to addresses so low that only privileged programs may use them"
    if sum(load.memsz - load.filesz for load in facts.loads) >= _MUCH_MEMORY:
        return "asks for so much memory that only some nodes grant it"
    if not any(load.offset <= facts.headers_at < load.offset + load.filesz for load in facts.loads):
        return "has its program headers in no segment, where its start code may look for them"
    return ""


def not_entered(facts: ElfFacts, page: int) -> str:
    """Say why the entry point is no place to begin at; empty if it may be one.

    Args:
        facts: The file's.
        page: The node's page size in bytes. Segments are mapped in whole pages, one after the
            other: of two that share a page, the later one has it. One without room is not mapped,
            and of one without bytes in the file, kernels before 6.6 map whole pages only.
    """
    entry = facts.entry
    around = [
        load
        for load in facts.loads
        if load.memsz
        and load.vaddr // page * page <= entry < -(-(load.vaddr + load.memsz) // page) * page
    ]
    if not around:
        return f"begins at {entry:#x}, where nothing is mapped"
    in_file = [load for load in around if load.filesz]
    guarded = facts.machine in _NO_EXECUTE and facts.stack_executable is False
    if all(_is_barred(load, guarded=guarded) for load in (*in_file[-1:], around[-1])):
        return f"begins at {entry:#x}, where nothing can be executed"
    if all(_zeros_from(load, page) <= entry < load.vaddr + load.memsz for load in around):
        return f"begins at {entry:#x}, where there are only zeros"
    return ""


def _zeros_from(load: Load, page: int) -> int:
    """The address from which on a segment holds zeros.

    The kernel cannot clear the rest of a page that is not to be written (``padzero``, whose failure
    it passes over), so that the file's bytes stay there.
    """
    end = load.vaddr + load.filesz
    if load.flags & _WRITE or not load.filesz:
        return end
    return -(-end // page) * page


def _is_barred(load: Load, *, guarded: bool) -> bool:
    """Tell whether nothing in a segment can be executed."""
    return not load.flags or (guarded and not load.flags & _EXECUTE)


def unloadable(facts: ElfFacts) -> str:
    """Say why no loader finds its way in a program that names one; empty if it does."""
    if not facts.dynamic:
        return "has no dynamic section, although it names a loader"
    if facts.type == Type.DYN and not facts.names_headers:
        return "does not say where its program headers are, by which a loader finds where it lies"
    return ""


def is_moved(facts: ElfFacts) -> bool:
    """Tell whether a file is mapped elsewhere than it was linked to.

    It has nothing, either, that would adapt it to that.
    """
    return (
        facts.type == Type.DYN
        and not facts.dynamic
        and facts.loads[0].vaddr != facts.loads[0].offset
    )


def is_bound_by_a_loader(facts: ElfFacts) -> bool:
    """Tell whether a file is a program whose first step only a loader could have resolved."""
    return any(symbol.name == "__libc_start_main" and not symbol.weak for symbol in facts.undefined)
