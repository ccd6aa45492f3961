"""Files that musl takes as libraries.

It looks at fewer of their fields than it may trip over later.

Source: musl ``ldso/dynlink.c`` (``map_library``, ``do_relocs``), ``arch/*/reloc.h``.
"""

from typing import Literal

from elfgate.elf.facts import ElfFacts, Type
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.kernel.machines import architecture_of, describe
from elfgate.linkage.loaders.same_kind import is_of_same_kind
from elfgate.linkage.values import Doubt
from elfgate.rootfs.entry import Entry, Kind

TAKEN = Doubt(UnknownReason.SHAPE_UNKNOWN, "musl takes it, and it may not come to be used")
_HEADER = {32: 52, 64: 64}  # bytes
# The types of relocations that musl knows (``arch/*/reloc.h``), by architecture; others end the
# start.
_RELOCATIONS = {
    "amd64": frozenset({0, 1, 2, 5, 6, 7, 8, 16, 17, 18, 36}),
    "386": frozenset({0, 1, 2, 5, 6, 7, 8, 14, 35, 36, 37, 41}),
    "arm64": frozenset({0, 257, *range(1024, 1032)}),
    "arm": frozenset({0, 2, 13, *range(17, 24)}),
    "ppc64le": frozenset({0, 19, 20, 21, 22, 38, 43, 68, 73, 78}),
    "s390x": frozenset({0, 9, 10, 11, 12, 22, 54, 55, 56}),
    "riscv64": frozenset({0, 2, 3, 4, 5, 7, 9, 11, 12}),
}


def refusal(entry: Entry, facts: ElfFacts | None, loader: ElfFacts) -> str:
    """Say why ``map_library`` or the relocation of what it mapped fails; empty if neither does.

    Args:
        entry: The file.
        facts: What it says; None if it is no ELF file.
        loader: What musl's own file says.
    """
    if facts is None or entry.size < _HEADER[loader.elf_class]:
        if entry.kind is Kind.DIRECTORY:
            return "is a directory"
        return messages.no_library(entry)
    if architecture_of(facts) is not architecture_of(loader):
        return f"is {describe(facts)}"
    if facts.malformed:
        return f"is not a valid ELF file: {facts.malformed}"
    if facts.type not in (Type.DYN, Type.EXEC) or not facts.dynamic or not facts.loads:
        return "is not a shared library"
    return ""


def maps(facts: ElfFacts | None, loader: ElfFacts) -> bool:
    """Tell whether ``map_library`` takes a file: of a preload, nothing that it refuses is reported.

    Args:
        facts: What the file says; None if it is no ELF file.
        loader: What musl's own file says.
    """
    if facts is None or facts.malformed or not facts.dynamic:
        return False
    is_object = facts.type in (Type.DYN, Type.EXEC)
    return is_object and is_of_same_kind(facts, loader, machine=False)


def is_harmless(entry: Entry, facts: ElfFacts, loader: ElfFacts) -> bool:
    """Tell whether a library of another machine has nothing to relocate.

    Only its code is foreign then.

    Args:
        entry: The file.
        facts: What it says.
        loader: What musl's own file says.
    """
    return tolerance(entry, facts, loader) is not None and not facts.relocated


def tolerance(entry: Entry, facts: ElfFacts | None, loader: ElfFacts) -> Doubt | None:
    """Doubt that what is no library of this machine ends the start.

    Musl looks at neither magic nor ``e_machine``.

    What does not fit are its relocations ("unsupported relocation type"), if there are any, and if
    their numbers mean nothing on this machine; and its code, if it comes to run.

    Args:
        entry: The file.
        facts: What it says; None if it is no ELF file.
        loader: What musl's own file says.
    """
    if facts is None:
        return _without_magic(entry, loader)
    if facts.malformed or not is_of_same_kind(facts, loader, machine=False):
        return None
    ours, theirs = architecture_of(loader), architecture_of(facts)
    if ours is theirs:
        return None
    types = facts.relocation_types | facts.slot_types
    is_known = ours is None or types <= _RELOCATIONS.get(ours.name, types)
    if is_known:
        return TAKEN
    return None


def _without_magic(entry: Entry, loader: ElfFacts) -> Doubt | None:
    if not entry.head and entry.kind is Kind.FILE:
        return TAKEN if entry.size else None  # its first bytes are not kept
    order: Literal["little", "big"] = "big" if loader.byte_order == "big" else "little"
    kind = int.from_bytes(entry.head[16:18], order)
    if kind in (Type.DYN, Type.EXEC):
        return TAKEN
    return None
