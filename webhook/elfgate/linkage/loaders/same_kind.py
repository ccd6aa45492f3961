"""Whether a file is of a loader's kind, which both libcs ask of what they open."""

from elfgate.elf.facts import ElfFacts


def is_of_same_kind(facts: ElfFacts, loader: ElfFacts, *, machine: bool = True) -> bool:
    """Tell whether a file is of the loader's class, byte order and, if that is asked for, machine.

    Args:
        facts: The file's.
        loader: The loader's.
        machine: The machine counts too.
    """
    same = (facts.ident_class, facts.ident_byte_order) == (loader.elf_class, loader.byte_order)
    return same and (facts.machine == loader.machine or not machine)
