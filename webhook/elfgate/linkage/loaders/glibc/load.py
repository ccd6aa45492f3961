"""glibc's dynamic loader, from its own demands on the CPU to the binding of symbols.

Sources: glibc ``elf/rtld.c`` (``dl_main``), ``elf/dl-deps.c``, ``elf/dl-load.c``,
``elf/dl-version.c``, ``elf/dl-reloc.c``; ld.so(8).
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from elfgate.elf.facts import LoaderFacts
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.environment import doubt_of, guess_of
from elfgate.linkage.kernel.pages import taken_by_glibc, taken_by_old_glibc
from elfgate.linkage.kernel.privilege import secured
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.loaders import cpu
from elfgate.linkage.loaders.glibc.levels import part
from elfgate.linkage.loaders.glibc.search import (
    ALIGNMENT_CHECKED_BEFORE,
    NotFound,
    Opened,
    Refused,
    Search,
    release,
)
from elfgate.linkage.loaders.glibc.tunables import Tunables, tunables
from elfgate.linkage.loaders.glibc.versions import (
    check_relr,
    check_unversioned,
    check_versions,
    needs_glibc,
)
from elfgate.linkage.loaders.objects import (
    MOST_OBJECTS,
    Object,
    Objects,
    judge_relr,
    mapped,
    report_incomplete,
    report_mismatch,
    report_missing,
)
from elfgate.linkage.loaders.symbols import by_version, undefined
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import Doubt, Unset
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.ldconf import preload
from elfgate.rootfs.tree import Found

PRELOAD = "/etc/ld.so.preload"
_ISA_CHECKED_SINCE = (2, 33)
_KERNEL_CHECKED_UNTIL = (2, 35)
_RELR_SINCE = (2, 36)
_SLOTS_CHECKED = frozenset({3, 62})  # x86: elf_machine_lazy_rel knows no R_*_NONE
_TLS_SURPLUS = 512  # bytes that are there in any case (csu/libc-tls.c, elf/dl-tls.c)
_LIBC = "libc.so.6"
_EARLY_INIT, _EARLY_INIT_SINCE = (
    "__libc_early_init",
    (2, 33),
)  # since 2.32, which does not tell its release
_DECIDING = ("LD_TRACE_LOADED_OBJECTS", "LD_DEBUG", "LD_ASSUME_KERNEL")
_AUDITED = Doubt(UnknownReason.SHAPE_UNKNOWN, "an auditing library may have it look elsewhere")


def load(
    world: World, record: Record, program: Program, loader: Mapped, about: LoaderFacts
) -> None:
    """Load and link a program; report what fails.

    Args:
        world: The world.
        record: Takes what is found.
        program: What the kernel has mapped.
        loader: glibc's loader.
        about: What the loader's file says of itself.
    """
    tuned = _tuned(program.process, release(about.version))
    if tuned.fewer_features:  # of what its CPU still counts for, nothing is known
        world = replace(world, node=replace(world.node, cpu_level=None))
    _load_for_any_cpu(world, record, program, loader, about)


def _load_for_any_cpu(
    world: World, record: Record, program: Program, loader: Mapped, about: LoaderFacts
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
    world: World, record: Record, program: Program, loader: Mapped, about: LoaderFacts
) -> Sequence[str]:
    """Load and link.

    Tell the levels that would lead a CPU elsewhere, if the node's is not known.
    """
    if not cpu.floor_met(
        world, record, loader.path, about.cpu_floor, program.process.doubt
    ) or _only_helps(program.process):
        return ()
    version = release(about.version)
    tuned = _tuned(program.process, version)
    process = secured(program.process, "glibc") if tuned.secure else program.process
    program = replace(
        program, process=process.doubted(_undecided(process) or _unread_preload(world))
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
    for name in _preloads(world, program):
        _load_optional(objects, search, executable, name)
    if isinstance(program.process.env.get("LD_TRACE_LOADED_OBJECTS"), str):
        _list(world, record, objects, search)
    else:
        _link(world, record, program, objects, search, itself=itself)
        _report_memory(record, program, objects, tuned)
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
    further = set(opened.facts.needed) - {_LIBC}
    return bool(further) or opened.facts.exports("la_version")


def _report_memory(record: Record, program: Program, objects: Objects, tuned: Tunables) -> None:
    """Say where a variable takes away what a library needs from the start on."""
    audited = not isinstance(program.process.env.get("LD_AUDIT"), Unset)
    for item in objects.items[1:]:
        facts = item.facts
        if tuned.stack_checked and facts.stack_executable is not False:
            message = f"{item.path} wants an executable stack, which GLIBC_TUNABLES may forbid"
        elif (audited or tuned.static_tls) and facts.static_tls > _TLS_SURPLUS:
            message = (
                f"{item.path} needs {facts.static_tls} bytes of static TLS, which may not be left"
            )
        else:
            continue
        record.unknown(item.path, message, UnknownReason.SHAPE_UNKNOWN)
        return


def _only_helps(process: Process) -> bool:
    """Tell whether the loader says what LD_DEBUG is for, and ends."""
    asked = process.env.get("LD_DEBUG")
    return isinstance(asked, str) and "help" in re.split("[ ,:]", asked) and not process.secure


def _undecided(process: Process) -> Doubt | None:
    """A doubt where variables that somebody names have the loader do something else, if they are set so."""
    named = filter(process.env.names, _DECIDING)
    return None if process.secure else doubt_of(*map(process.env.get, named))


def _tuned(process: Process, version: tuple[int, ...]) -> Tunables:
    return tunables(guess_of(process.env.get("GLIBC_TUNABLES")), version)


def _list(world: World, record: Record, objects: Objects, search: Search) -> None:
    """Judge what lists libraries only, as ldd(1) has it do: one that is missing is listed too.

    A bad one ends it.
    """
    trial = record.trial()
    _load_needed(world, trial, objects, search)
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
    complete = _load_needed(world, record, objects, search)
    record.need_glibc(needs_glibc(objects))
    if not complete:
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
    bound = unversioned and _bind(world, record, objects, itself, doubt, now=now)
    if bound and search.version < _RELR_SINCE:
        bound = judge_relr(record, objects, "a glibc before 2.36")
    if bound and _initialised(record, objects, search.version, doubt):
        report_incomplete(record, objects)


def _kernel_new_enough(
    world: World, record: Record, loader: Mapped, search: Search, doubt: Doubt | None
) -> bool:
    """Judge what glibc up to 2.35 ends with "FATAL: kernel too old" (``dl_discover_osversion``)."""
    floor, kernel = loader.facts.kernel_floor, world.node.kernel
    if floor is None or kernel is None or kernel >= floor or search.version > _KERNEL_CHECKED_UNTIL:
        return True
    message = messages.kernel_too_old(loader.path, floor, kernel)
    record.failed(Code.KERNEL_TOO_OLD, loader.path, message, messages.FIX_KERNEL, doubt)
    return False


def _preloads(world: World, program: Program) -> list[str]:
    """LD_PRELOAD (blanks and colons), then /etc/ld.so.preload ."""
    listed = guess_of(program.process.env.get("LD_PRELOAD"))
    world.work.spend(len(listed) // CHARACTERS)
    named = re.split("[ :]+", listed)
    found = world.lookup(PRELOAD)
    text = world.text(PRELOAD) if isinstance(found, Found) and world.opens(found) else None
    return list(dict.fromkeys([*named, *preload(text or "")]))


def _unread_preload(world: World) -> Doubt | None:
    """A doubt where there is a list of preloads whose text is not kept.

    It has another name behind a link, say.
    """
    found = world.lookup(PRELOAD)
    if isinstance(found, Hidden):
        return found.doubt
    if not isinstance(found, Found) or world.text(PRELOAD) is not None:
        return None
    if found.entry.size or found.entry.kind is Kind.UNREADABLE:
        return Doubt(UnknownReason.LIMIT_EXCEEDED, f"{PRELOAD} could not be read")
    return None


def _load_optional(objects: Objects, search: Search, needed_by: Object, name: str) -> None:
    """A preload or DT_AUXILIARY that cannot be loaded is passed over.

    What it needs itself is needed all the same.
    """
    if not name or objects.called(name) is not None:
        return
    outcome = search.find(name, needed_by)
    if not isinstance(outcome, Opened):
        search.doubt = search.doubt or outcome.doubt  # it may bring names and symbols
        return
    known = objects.at(outcome.path)
    if known is not None:
        objects.alias(known, {name, outcome.name})
    elif (opened := search.mapped(outcome)) is not None:
        objects.add(_object(opened, needed_by, name))


def _load_needed(world: World, record: Record, objects: Objects, search: Search) -> bool:
    """Load breadth first (``_dl_map_object_deps``).

    The loader stops at the first library that is missing; the search goes on here, so that one look
    shows all.
    """
    complete, by_alignment = True, search.version < ALIGNMENT_CHECKED_BEFORE
    for item in objects:
        world.work.spend(len(item.facts.needed) + len(item.facts.filters))
        for name in item.facts.auxiliaries:
            _load_optional(objects, search, item, search.expanded(name, item))
        for written in (*item.facts.filters, *item.facts.needed):
            name = search.expanded(written, item)
            if search.forbids(written):
                _report_token(record, item, written)
                return False
            if objects.called(name) is not None or name == search.vdso:
                continue
            outcome = search.find(name, item)
            if isinstance(outcome, Refused):
                report_mismatch(record, item, outcome.path, outcome.wrong, outcome.doubt)
                return False
            if isinstance(outcome, NotFound):
                _report(world, record, item, name, outcome, is_assumed=search.assumes_kernel)
                complete = False
            elif not _add(
                world,
                record,
                objects,
                outcome,
                _object(outcome, item, name),
                by_alignment=by_alignment,
            ):
                return False
        if len(objects.items) > MOST_OBJECTS:
            record.unknown(
                item.path, "the program needs too many libraries", UnknownReason.LIMIT_EXCEEDED
            )
            return False
    return complete


def _add(
    world: World,
    record: Record,
    objects: Objects,
    opened: Opened,
    item: Object,
    *,
    by_alignment: bool,
) -> bool:
    known = objects.at(opened.path)
    if known is not None:
        objects.alias(known, item.names)
        return True
    if opened.facts.loader is not None:
        message = f"{opened.path} is a second dynamic loader in the process: what comes of that is not followed"
        record.unknown(opened.path, message, UnknownReason.SHAPE_UNKNOWN)
        return False
    objects.add(item)
    if opened.level:
        message = f"{opened.path} is only found by CPUs of level {opened.level}"
        record.note(Code.CPU_LEVEL, opened.path, message, messages.FIX_CPU)
    return mapped(world, record, item, taken_by_old_glibc if by_alignment else taken_by_glibc)


def _object(opened: Opened, needed_by: Object, name: str) -> Object:
    names, soname = {name, opened.name}, opened.facts.soname or ""
    return Object(opened.name, opened.path, opened.facts, needed_by, names, opened.doubt, soname)


def _report_token(record: Record, item: Object, name: str) -> None:
    message = (
        f"{item.path} needs {name}: no such token is allowed in a program that gains a privilege"
    )
    record.failed(Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_ORIGIN, item.doubt)


def _report(
    world: World,
    record: Record,
    needed_by: Object,
    name: str,
    missing: NotFound,
    *,
    is_assumed: bool,
) -> None:
    if missing.too_new:
        message = f"{needed_by.path} needs {name}, but {missing.too_new} wants a newer kernel than the node has"
        doubt = needed_by.doubt or missing.doubt
        # The loader has the floor of the libc that it comes with, and says so; any other file is
        # not there to it.
        code = Code.KERNEL_TOO_OLD if name == _LIBC and not is_assumed else Code.LIBRARY_MISSING
        record.failed(code, missing.too_new, message, messages.FIX_KERNEL, doubt)
        return
    if missing.other_class:
        report_mismatch(
            record,
            needed_by,
            name,
            f"is only there in the wrong ELF class: {missing.other}",
            missing.doubt,
        )
        return
    detail = f"is not there: {missing.other}" if missing.other else ""
    report_missing(world, record, needed_by, name, missing.doubt, detail=detail)


def _bind(
    world: World,
    record: Record,
    objects: Objects,
    itself: Object,
    doubt: Doubt | None,
    *,
    now: bool,
) -> bool:
    """Bind data relocations, and functions too where binding is not lazy: "symbol lookup error.

    Undefined symbol".
    """
    bound = True
    scope = [item.facts for item in (*objects, itself)]
    lacking = undefined(scope[:-1], scope, by_version, world.work)
    for item, missing in zip(objects, lacking, strict=True):
        lazy = not (now or item.facts.bind_now)
        names = missing.eager if lazy else missing.eager + missing.lazy
        who = "no loaded library defines"
        if names:
            bound = False
            message = messages.symbols_missing(item.path, names, who)
            record.failed(Code.SYMBOL_MISSING, item.path, message, messages.FIX_SYMBOL, doubt)
        elif lazy and 0 in item.facts.slot_types and item.facts.machine in _SLOTS_CHECKED:
            bound = False
            message = f"{item.path} has a jump slot without a type (unexpected PLT reloc type 0x00)"
            record.failed(Code.LIBRARY_MISMATCH, item.path, message, messages.FIX_BUILD, item.doubt)
        elif _is_mixed(item, missing.lazy):
            bound = False
            message = f"{item.path} is of another release of glibc than its loader {itself.path}"
            record.unknown(item.path, message, UnknownReason.SHAPE_UNKNOWN)
        elif missing.lazy:
            message = f"{messages.symbols_missing(item.path, missing.lazy, who)}: it fails at the first call"
            record.note(Code.SYMBOL_MISSING, item.path, message, messages.FIX_SYMBOL)
    return bound


def _initialised(
    record: Record, objects: Objects, version: tuple[int, ...], doubt: Doubt | None
) -> bool:
    """Judge whether the loader finds in the C library what it calls.

    ``_dl_call_libc_early_init``, an assertion.
    """
    libc = next((item for item in objects if item.facts.soname == _LIBC), None)
    if libc is None or version < _EARLY_INIT_SINCE or libc.facts.exports(_EARLY_INIT):
        return True
    message = f"{libc.path} lacks {_EARLY_INIT}, which its loader calls: it is of another release, or no C library"
    record.failed(Code.SYMBOL_MISSING, libc.path, message, messages.FIX_SYMBOL, doubt)
    return False


def _is_mixed(item: Object, missing: Sequence[str]) -> bool:
    """Tell a C library whose loader lacks what only the two of them share.

    They differ in what no symbol tells, too.
    """
    private = {symbol.name for symbol in item.facts.undefined if symbol.version == "GLIBC_PRIVATE"}
    return not private.isdisjoint(missing)
