"""The loading of libraries by glibc: preloads, and what each object needs, breadth first.

Sources: glibc ``elf/dl-deps.c`` (``_dl_map_object_deps``), ``elf/dl-load.c``; ld.so(8).
"""

import posixpath
import re

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.environment import guess_of
from elfgate.linkage.kernel.pages import taken_by_glibc, taken_by_old_glibc
from elfgate.linkage.kernel.program import Program
from elfgate.linkage.loaders.glibc.found import NotFound, Opened, Refused
from elfgate.linkage.loaders.glibc.releases import LIBC
from elfgate.linkage.loaders.glibc.search import ALIGNMENT_CHECKED_BEFORE, Search
from elfgate.linkage.loaders.objects import (
    MOST_OBJECTS,
    Object,
    Objects,
    mapped,
    report_mismatch,
    report_missing,
)
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Role
from elfgate.linkage.values import Doubt
from elfgate.linkage.work import CHARACTERS
from elfgate.linkage.world import Hidden, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.ldconf import preload
from elfgate.rootfs.tree import Found

PRELOAD = "/etc/ld.so.preload"


def preloads(world: World, program: Program) -> list[str]:
    """LD_PRELOAD (blanks and colons), then /etc/ld.so.preload ."""
    listed = guess_of(program.process.env.get("LD_PRELOAD"))
    world.work.spend(len(listed) // CHARACTERS)
    named = re.split("[ :]+", listed)
    found = world.lookup(PRELOAD)
    text = world.text(PRELOAD) if isinstance(found, Found) and world.opens(found) else None
    return list(dict.fromkeys([*named, *preload(text or "")]))


def unread_preload(world: World) -> Doubt | None:
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


def load_optional(objects: Objects, search: Search, needed_by: Object, name: str) -> None:
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


def load_needed(world: World, record: Record, objects: Objects, search: Search) -> bool:
    """Load breadth first (``_dl_map_object_deps``).

    The loader stops at the first library that is missing; the search goes on here, so that one look
    shows all.
    """
    complete, by_alignment = True, search.version < ALIGNMENT_CHECKED_BEFORE
    for item in objects:
        world.work.spend(len(item.facts.needed) + len(item.facts.filters))
        for name in item.facts.auxiliaries:
            load_optional(objects, search, item, search.expanded(name, item))
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
        message = (
            f"{opened.path} is a second dynamic loader in the process: what comes of that is not "
            "followed"
        )
        record.unknown(opened.path, message, UnknownReason.SHAPE_UNKNOWN)
        return False
    objects.add(item)
    record.take(Role.LIBRARY, item.path, posixpath.basename(opened.name))
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
        message = (
            f"{needed_by.path} needs {name}, but {missing.too_new} wants a newer kernel than the "
            "node has"
        )
        doubt = needed_by.doubt or missing.doubt
        # The loader has the floor of the libc that it comes with, and says so; any other file is
        # not there to it.
        code = Code.KERNEL_TOO_OLD if name == LIBC and not is_assumed else Code.LIBRARY_MISSING
        record.failed(code, missing.too_new, message, messages.FIX_KERNEL, doubt)
        return
    passed = missing.passed
    if missing.other_class and passed is not None:
        wrong = f"is only there in the wrong ELF class: {passed.what}"
        report_mismatch(record, needed_by, name, wrong, missing.doubt)
    elif passed is not None:
        detail = f"is not there: {passed.what}"
        report_missing(
            world, record, needed_by, name, missing.doubt, detail=detail, remedy=passed.remedy
        )
    else:
        report_missing(world, record, needed_by, name, missing.doubt)
