"""The check of a file that glibc's loader has opened as a library: it takes, skips or stops at it.

Source: glibc ``elf/dl-load.c`` (``open_verify``, ``_dl_map_object_from_fd``),
``sysdeps/*/dl-machine.h`` (``elf_machine_matches_host``). Debian and Ubuntu also skip files of the
other byte order (``any/unsubmitted-ldso-machine-mismatch.diff``) and, on ARM, of the other float
ABI; upstream stops at the former.
"""

from dataclasses import dataclass

from elfgate.elf.facts import ElfFacts, Type
from elfgate.linkage import messages
from elfgate.linkage.kernel.machines import describe
from elfgate.rootfs.entry import Entry, Kind

_HEADER = {32: 52, 64: 64}  # bytes
_ABI_VERSIONS = 8  # more than any release and architecture has (libc-abis)
_OS_ABIS = {40: (0, 3, 97)}  # ELFOSABI_NONE, ELFOSABI_GNU; ARM adds ELFOSABI_ARM
_ARM, _PPC64, _RISCV = 40, 21, 243
_ARM_FLOAT_ABI = 0x600
_PPC64_ABI = 0x3
_RISCV_FLOAT_ABI = 0x6


@dataclass(frozen=True, slots=True)
class Skip:
    """The search goes on with the next directory.

    Attributes:
        why: What is wrong with the file.
        other_class: It is a 32-bit file for a 64-bit loader, or the reverse, which the loader says
            if nothing follows.
    """

    why: str
    other_class: bool = False


def verify(
    entry: Entry, facts: ElfFacts | None, loader: ElfFacts, *, debian: bool
) -> Skip | str | None:
    """Judge a file.

    Args:
        entry: What was opened.
        facts: What it says; None if it is not an ELF file.
        loader: The loader, which takes files of its own kind.
        debian: The loader is Debian's or Ubuntu's.

    Returns:
        None if it is taken; ``Skip``; or, where the start ends here, what is wrong with it.
    """
    if facts is None or entry.size < _HEADER[loader.elf_class]:
        return "is a directory" if entry.kind is Kind.DIRECTORY else messages.no_library(entry)
    what = f"is {describe(facts)}"
    if facts.ident_class != loader.elf_class:
        return Skip(what, other_class=True)
    if facts.ident_byte_order not in ("", loader.byte_order):
        return Skip(what) if debian else what
    if wrong := _identification(entry.head, facts):
        return wrong
    if facts.machine != loader.machine or not _same_abi(facts, loader, debian=debian):
        return Skip(
            what if facts.machine != loader.machine else "is built for another ABI of this machine"
        )
    return _mappable(facts)


def _identification(head: bytes, facts: ElfFacts) -> str:
    """Say what the loader does not like in the rest of ``e_ident`` and in ``e_version``.

    Empty if nothing.
    """
    if not facts.ident_byte_order:
        return "is in no byte order"
    version = int.from_bytes(head[20:24], "big" if facts.byte_order == "big" else "little")
    if head[6] != 1 or version != 1:
        return f"is of ELF version {version if head[6] == 1 else head[6]}, not 1"
    if facts.os_abi not in _OS_ABIS.get(facts.machine, (0, 3)):
        return f"has the OS ABI {facts.os_abi}, which is not Linux's"
    if head[8] and (facts.os_abi == 0 or head[8] >= _ABI_VERSIONS):
        return f"has the ABI version {head[8]}, which is not Linux's"
    if any(head[9:16]):
        return "has padding in its ELF identification that is not zero"
    return ""


def _same_abi(facts: ElfFacts, loader: ElfFacts, *, debian: bool) -> bool:
    """Compare the ``e_flags`` that tell ABIs of one machine apart.

    Those of older files may be unset.
    """
    if facts.machine == _ARM and debian:
        ours, theirs = loader.flags & _ARM_FLOAT_ABI, facts.flags & _ARM_FLOAT_ABI
        return not ours or not theirs or ours == theirs
    if facts.machine == _PPC64:
        return facts.flags & _PPC64_ABI in (0, loader.flags & _PPC64_ABI or 2)
    if facts.machine == _RISCV:
        return facts.flags & _RISCV_FLOAT_ABI == loader.flags & _RISCV_FLOAT_ABI
    return True


def _mappable(facts: ElfFacts) -> str | None:
    if facts.malformed:
        return f"is not a valid ELF file: {facts.malformed}"
    if facts.type not in (Type.DYN, Type.EXEC):
        return "is neither a shared library nor a program"
    if not facts.loads or not facts.dynamic_in_file:
        return "is not a shared library: it has no dynamic section"
    if facts.type == Type.EXEC or facts.pie:
        return "is a program, not a shared library"
    first, last = facts.loads[0], facts.loads[-1]
    if (
        last.vaddr + last.memsz <= first.vaddr
    ):  # _dl_map_segments: "failed to map segment from shared object"
        return "has its segments in another order than their addresses"
    return None
