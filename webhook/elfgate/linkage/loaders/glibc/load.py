"""glibc's dynamic loader, from its own demands on the CPU to the binding of symbols.

Sources: glibc ``elf/rtld.c`` (``dl_main``), ``elf/dl-deps.c``, ``elf/dl-load.c``,
``elf/dl-version.c``, ``elf/dl-reloc.c``; ld.so(8).
"""

from collections.abc import Sequence
from dataclasses import replace

from elfgate.elf.facts import LoaderFacts
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.environment import doubt_of, guess_of
from elfgate.linkage.kernel.privilege import secured
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.loaders import cpu
from elfgate.linkage.loaders.glibc.binding import bind, initialised
from elfgate.linkage.loaders.glibc.found import Opened
from elfgate.linkage.loaders.glibc.levels import part
from elfgate.linkage.loaders.glibc.needed import (
    load_needed,
    load_optional,
    preloads,
    unread_preload,
)
from elfgate.linkage.loaders.glibc.order import check_order
from elfgate.linkage.loaders.glibc.releases import LIBC, release
from elfgate.linkage.loaders.glibc.search import Search
from elfgate.linkage.loaders.glibc.variables import (
    only_helps,
    report_memory,
    tuned_by,
    undecided,
)
from elfgate.linkage.loaders.glibc.versions import (
    check_relr,
    check_unversioned,
    check_versions,
    needs_glibc,
)
from elfgate.linkage.loaders.objects import (
    Object,
    Objects,
    judge_relr,
    report_incomplete,
)
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import Doubt
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import World

_ISA_CHECKED_SINCE = (2, 33)
_KERNEL_CHECKED_UNTIL = (2, 35)
_RELR_SINCE = (2, 36)
_AUDITED = Doubt(UnknownReason.SHAPE_UNKNOWN, "an auditing library may have it look elsewhere")


def load(
    world: World,
    record: Record,
    program: Program,
    loader: Mapped,
    about: LoaderFacts,
) -> None:
    """Load and link a program; report what fails.

    Args:
        world: The world.
        record: Takes what is found.
        program: What the kernel has mapped.
        loader: glibc's loader.
        about: What the loader's file says of itself.
    """
    tuned = tuned_by(program.process, release(about.version))
    if tuned.fewer_features:  # of what its CPU still counts for, nothing is known
        world = replace(world, node=replace(world.node, cpu_level=None))
    _load_for_any_cpu(world, record, program, loader, about)


def _load_for_any_cpu(
    world: World,
    record: Record,
    program: Program,
    loader: Mapped,
    about: LoaderFacts,
) -> None:
    """Load and link; where levels of CPUs lead elsewhere, compare what comes of it."""
    plain = record.trial()
    for level in _load(world, plain, program, loader, about):
        trial = record.trial(aloud=False)
        node = replace(world.node, cpu_level=level)
        _load(replace(world, node=node), trial, program, loader, about)
        if parting := part(plain, trial, level):
            record.absorb(plain, findings=plain.notes)
            record.unknown(*parting, UnknownReason.NODE_FACT_UNKNOWN)
            return
    record.absorb(plain)


def _load(
    world: World,
    record: Record,
    program: Program,
    loader: Mapped,
    about: LoaderFacts,
) -> Sequence[str]:
    """Load and link.

    Tell the levels that would lead a CPU elsewhere, if the node's is not known.
    """
    if not cpu.floor_met(
        world, record, loader.path, about.cpu_floor, program.process.doubt
    ) or only_helps(program.process):
        return ()
    version = release(about.version)
    tuned = tuned_by(program.process, version)
    process = secured(program.process, "glibc") if tuned.secure else program.process
    program = replace(
        program,
        process=process.doubted(undecided(process) or unread_preload(world)),
    )
    facts = program.image.facts
    executable = Object(program.name, program.image.path, facts, doubt=program.process.doubt)
    executable.names.add("")  # rtld.c names the program so
    executable.soname = facts.soname or ""
    itself = Object(
        loader.name,
        loader.path,
        loader.facts,
        names={loader.name, loader.facts.soname or loader.name},
    )
    search = Search(world, record, program.process, loader, executable)
    if _is_audited(world, search, executable):
        executable.doubt = executable.doubt or _AUDITED
        program = replace(program, process=program.process.doubted(_AUDITED))
    if not _kernel_new_enough(world, record, loader, search, program.process.doubt):
        return ()
    objects = Objects()
    objects.add(executable)
    objects.know(itself)
    for name in preloads(world, program):
        load_optional(objects, search, executable, name)
    if isinstance(program.process.env.get("LD_TRACE_LOADED_OBJECTS"), str):
        _list(world, record, objects, search)
    else:
        _link(world, record, program, objects, search, itself=itself)
        report_memory(record, program, objects, tuned)
    return tuple(search.levels)


def _is_audited(world: World, search: Search, executable: Object) -> bool:
    """Tell whether LD_AUDIT names a library that takes part; the loader passes over any other."""
    text = search.audit
    world.work.spend(len(text) // CHARACTERS)
    for name in filter(None, dict.fromkeys(text.split(":"))):
        outcome = search.find(name, executable)
        doubt = not isinstance(outcome, Opened) and outcome.doubt
        if doubt or (isinstance(outcome, Opened) and _may_audit(outcome)):
            return True
    return False


def _may_audit(opened: Opened) -> bool:
    further = set(opened.facts.needed) - {LIBC}
    return bool(further) or opened.facts.exports("la_version")


def _list(world: World, record: Record, objects: Objects, search: Search) -> None:
    """Judge what lists libraries only, as ldd(1) has it do: one that is missing is listed too.

    A bad one ends it.
    """
    trial = record.trial()
    load_needed(world, trial, objects, search)
    bad = [finding for finding in trial.findings if finding.code is Code.LIBRARY_MISMATCH]
    record.absorb(trial, findings=bad)


def _link(
    world: World,
    record: Record,
    program: Program,
    objects: Objects,
    search: Search,
    *,
    itself: Object,
) -> None:
    """Load what is needed, then check versions and bind."""
    before = len(objects.items)
    complete = load_needed(world, record, objects, search)
    record.need_glibc(needs_glibc(objects))
    if not complete or not check_order(record, objects, search, itself, before=before):
        return
    if search.version >= _ISA_CHECKED_SINCE and not cpu.isa_met(world, record, (*objects, itself)):
        return
    doubt = objects.doubt or search.doubt
    if not check_versions(world, record, objects, itself, doubt):
        return
    binds_now = program.process.env.get("LD_BIND_NOW")
    now = bool(guess_of(binds_now))
    doubt = doubt or (doubt_of(binds_now) if now else None)
    if search.version >= _RELR_SINCE and not check_relr(record, objects):
        return
    unversioned = check_unversioned(world, record, objects, search.version, now=now)
    bound = unversioned and bind(world, record, objects, itself, doubt, now=now)
    if bound and search.version < _RELR_SINCE:
        bound = judge_relr(record, objects, "a glibc before 2.36")
    if bound and initialised(record, objects, search.version, doubt):
        report_incomplete(record, objects)


def _kernel_new_enough(
    world: World,
    record: Record,
    loader: Mapped,
    search: Search,
    doubt: Doubt | None,
) -> bool:
    """Judge what glibc up to 2.35 ends with "FATAL: kernel too old" (``dl_discover_osversion``)."""
    floor, kernel = loader.facts.kernel_floor, world.node.kernel
    if floor is None or kernel is None or kernel >= floor or search.version > _KERNEL_CHECKED_UNTIL:
        return True
    message = messages.kernel_too_old(loader.path, floor, kernel)
    record.failed(Code.KERNEL_TOO_OLD, loader.path, message, messages.FIX_KERNEL, doubt)
    return False
