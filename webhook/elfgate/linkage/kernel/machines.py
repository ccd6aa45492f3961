"""Which ELF files the kernel of a node takes.

Sources: ``elf_check_arch`` in Linux ``arch/*/include/asm/elf.h``. Kernels read the header by their
own layout, so that a file of another byte order or class has a number, or a size of program
headers, that they do not know; ``EI_CLASS`` is looked at by some of them only, and ``EI_DATA`` by
none.
"""

from enum import Enum

from elfgate.elf.facts import ElfFacts
from elfgate.linkage.inputs import NodeFacts
from elfgate.platforms import ARCHITECTURES, Architecture, Machine, machine_name

_ALIASES = {6: 3, 0xA390: 22}  # EM_486; EM_S390_OLD
_CLASS_CHECKED = frozenset({8, 22, 243, 258})  # MIPS, s390, RISC-V, LoongArch
_ARM_EABI_MASK = 0xFF000000
_PPC64, _PPC64_ABI, _SECOND_ABI = 21, 0x3, 2
_CODE, _WRITABLE_CODE = 1, 3  # PF_X, with PF_W
_BY_MACHINE = {row.machine: row for row in ARCHITECTURES.values()}

# What some kernels of an architecture run and others do not: x32, 31-bit s390 and the 32-bit
# PowerPC, MIPS and RISC-V ABIs.
_BY_CONFIGURATION = {
    "amd64": Machine(62, 32, "little"),
    "ppc64le": Machine(20, 32, "little"),
    "s390x": Machine(22, 32, "big"),
    "ppc64": Machine(20, 32, "big"),
    "mips64le": Machine(8, 32, "little"),
    "riscv64": Machine(243, 32, "little"),
}


class Taken(Enum):
    """The kernel's answer to a machine."""

    YES = "yes"
    NOT_EVERYWHERE = "not everywhere"  # taken, where the CPU has that mode
    UNKNOWN = "unknown"  # by kernel configuration
    NO = "no"


def architecture_of(facts: ElfFacts) -> Architecture | None:
    """Find whose ELF file it is, as its own kernel would see it.

    None if none of the platforms' here.
    """
    if facts.machine in _CLASS_CHECKED and facts.ident_class != facts.elf_class:
        return None
    number = _ALIASES.get(facts.machine, facts.machine)
    return _BY_MACHINE.get(Machine(number, facts.elf_class, facts.byte_order))


def taken(facts: ElfFacts, architecture: Architecture, node: NodeFacts) -> Taken:
    """Tell whether a node's kernel would load the file."""
    row = architecture_of(facts)
    if row is architecture or (row is not None and row.name in node.emulates):
        return Taken.YES
    if row is not None and row.machine in architecture.compatible:
        if row.name == "arm" and not facts.flags & _ARM_EABI_MASK:
            return Taken.NO  # compat_elf_check_arch wants an EABI version
        # Every amd64 CPU runs 386 code; AArch32 is missing from a part of the arm64 CPUs.
        if row.name == "arm":
            return Taken.NOT_EVERYWHERE
        return Taken.YES
    if Machine(facts.machine, facts.elf_class, facts.byte_order) == _BY_CONFIGURATION.get(
        architecture.name
    ):
        return Taken.UNKNOWN
    return Taken.NO


def is_of_first_power_abi(facts: ElfFacts) -> bool:
    """Tell whether the kernel enters a ppc64le program by a function descriptor.

    It does so unless the second ABI is marked (``SET_PERSONALITY``, ``start_thread``). What has no
    descriptor is entered at what its first instructions make, taken for an address: no such address
    is mapped.
    """
    return (
        facts.machine == _PPC64
        and facts.byte_order == "little"
        and facts.flags & _PPC64_ABI != _SECOND_ABI
    )


def begins_with_code(facts: ElfFacts) -> bool:
    """Tell whether ``e_entry`` lies where there is nothing but code: descriptors are data."""
    segment = next(
        (load for load in facts.loads if 0 <= facts.entry - load.vaddr < load.filesz), None
    )
    return segment is not None and segment.flags & _WRITABLE_CODE == _CODE


def describe(facts: ElfFacts) -> str:
    """Name the file's machine for people: "an amd64 ELF file"."""
    row = architecture_of(facts)
    name = row.name if row else machine_name(facts.machine, facts.elf_class, facts.byte_order)
    return f"{'an' if name.startswith(('a', 'e', 's390')) else 'a'} {name} ELF file"
