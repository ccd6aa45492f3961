"""Levels of CPUs, and what asks for one.

Sources: the x86-64 psABI (micro-architecture levels; ``GNU_PROPERTY_X86_ISA_1_NEEDED``), glibc
``sysdeps/x86/dl-prop.h`` (checked for every object of a dynamic program since 2.33),
``sysdeps/*/dl-hwcap-check.h`` (what a glibc built for a level says before anything else),
``sysdeps/*/dl-hwcaps-subdirs.c``.
"""

from collections.abc import Iterable

from elfgate.elf.facts import ElfFacts
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.loaders.objects import Object
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import Doubt
from elfgate.linkage.world import World

LADDERS = (
    ("x86-64-v1", "x86-64-v2", "x86-64-v3", "x86-64-v4"),
    ("power7", "power8", "power9", "power10", "power11"),
    ("armv5", "armv6", "armv7", "armv8"),
    ("z900", "z990", "z9", "z10", "z196", "zEC12", "z13", "z14", "z15", "z16", "z17"),
)
# Where glibc before 2.37 looked by AT_PLATFORM and AT_HWCAP (``dl-procinfo.h``), each alone or
# within one another.
OLD_SUBDIRECTORIES = frozenset(
    (
        *("tls", "haswell", "xeon_phi", "avx512_1", "x86_64", "i586", "i686", "sse2"),
        *(
            "power7",
            "power8",
            "power9",
            "power10",
            "arch_2_07",
            "arch_3_00",
            "arch_3_1",
            "vsx",
            "altivec",
        ),
        *("z10", "z196", "zEC12", "z13", "z14", "z15", "z16", "vx", "te"),
        *("aarch64", "atomics", "v6l", "v7l", "v8l", "vfp", "vfpv3", "neon"),
    )
)
_ISA_BITS = ((8, "x86-64-v4"), (4, "x86-64-v3"), (2, "x86-64-v2"))


def reaches(level: str | None, wanted: str) -> bool | None:
    """Tell whether a CPU of one level runs code for another; None if that is not known."""
    for ladder in LADDERS:
        if wanted in ladder and level in ladder:
            return ladder.index(level) >= ladder.index(wanted)
    return None


def highest(levels: Iterable[str]) -> str:
    """The highest of some levels of one ladder; empty if there is none."""
    rungs = [level for ladder in LADDERS for level in ladder]
    return max(levels, key=rungs.index, default="")


def floor_met(world: World, record: Record, path: str, floor: str, doubt: Doubt | None) -> bool:
    """Judge the level that a glibc demands before it starts anything.

    Report it unless the node has it.
    """
    met = reaches(world.node.cpu_level, floor) if floor else True
    if met is None:
        message = f"{path} (glibc) demands a CPU of level {floor}: it does not start on older ones"
        record.note(Code.CPU_LEVEL, path, message, messages.FIX_CPU)
    elif not met:
        message = (
            f"{path} (glibc) demands a CPU of level {floor}, but the node's is "
            f"{world.node.cpu_level}"
        )
        record.failed(Code.CPU_LEVEL, path, message, messages.FIX_CPU, doubt)
    return met is not False


def runtime_met(
    world: World, record: Record, path: str, facts: ElfFacts, doubt: Doubt | None
) -> None:
    """Judge the level that a Go program was built for.

    On x86-64 the runtime itself looks, before anything else ("This program can only be run on AMD64
    processors with v3 microarchitecture support.", ``runtime/asm_amd64.s``), and on ARM too
    (``checkgoarm``), if it lives to. On POWER nobody looks: it dies of the first instruction that
    the CPU does not know. For power9 that is an extswsli in ``runtime.sysargs``, with which every
    program begins; for later levels it may not come to one.
    """
    level = facts.runtime_level
    met = reaches(world.node.cpu_level, level) if level else True
    if met is None and level.startswith("arm"):
        return  # nodes of Kubernetes are all of armv7 at least
    if met is None:
        message = (
            f"{path} is built by Go for CPUs of level {level}: it does not start on older ones"
        )
        record.note(Code.CPU_LEVEL, path, message, messages.FIX_CPU)
    elif not met:
        message = (
            f"{path} is built by Go for CPUs of level {level}, but the node's is "
            f"{world.node.cpu_level}"
        )
        if level.startswith("power") and reaches(world.node.cpu_level, "power9"):
            doubt = doubt or Doubt(
                UnknownReason.SHAPE_UNKNOWN, "it may not come to use what that CPU lacks"
            )
        record.failed(Code.CPU_LEVEL, path, message, messages.FIX_CPU, doubt)


def isa_needed(facts: ElfFacts) -> str:
    """The level that a file's ISA-needed note asks for; empty if none."""
    return next((level for bit, level in _ISA_BITS if facts.isa_needed & bit), "")


def isa_met(world: World, record: Record, objects: Iterable[Object]) -> bool:
    """Judge every object's ISA-needed note: "CPU ISA level is lower than required"."""
    noted = False
    for item in objects:
        needed = isa_needed(item.facts)
        if not needed:
            continue
        met = reaches(world.node.cpu_level, needed)
        if met is False:
            message = (
                f"{item.path} needs a CPU of level {needed}, but the node's is "
                f"{world.node.cpu_level}"
            )
            record.failed(Code.CPU_LEVEL, item.path, message, messages.FIX_CPU, item.doubt)
            return False
        if met is None and not noted:
            noted = True
            message = f"{item.path} needs a CPU of level {needed}: it does not start on older ones"
            record.note(Code.CPU_LEVEL, item.path, message, messages.FIX_CPU)
    return True
