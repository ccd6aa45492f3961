"""The opening of a program's loader, which its PT_INTERP names."""

import re

from elfgate.elf.facts import ElfFacts
from elfgate.elf.versions import newest_of_each
from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.credentials import executable
from elfgate.linkage.kernel.machines import (
    architecture_of,
    describe,
)
from elfgate.linkage.kernel.program import Mapped
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Role
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing

_OF_EVERY_BASE = re.compile(
    r"(libc|libm|libpthread|libdl|librt|libutil|ld-linux[^/]*|ld64)\.so\.\d"
)
_ELF_HEADER = 64  # bytes of the larger ELF header: a shorter loader gives EIO


def loader_of(world: World, record: Record, process: Process, image: Mapped) -> Mapped | None:
    """Open the first PT_INTERP: ENOEXEC, ENOENT, EACCES, EIO and ELIBBAD, in the kernel's order."""
    facts = image.facts
    path = facts.interp or ""
    if facts.interp_malformed:
        message = f"{image.path} is not a valid ELF file: {facts.interp_malformed}"
        record.wrong_format(image.path, message, process.doubt)
        return None
    found = world.lookup(path or ".", process.cwd)
    if isinstance(found, Hidden):
        record.step("kernel", f"loader {path}", found.doubt.because)
        record.unknown(
            image.path,
            f"{image.path} needs {path}: {found.doubt.because}",
            found.doubt.reason,
        )
        return None
    record.step(
        "kernel",
        f"loader {path}",
        found.path if isinstance(found, Found) else found.errno,
    )
    if isinstance(found, Missing):
        message = messages.loader_missing(image.path, path, found, world.distro)
        code = Code.LOADER_MISMATCH if found.errno == "EACCES" else Code.LOADER_MISSING
        remedy = _fix_loader(world, facts, found)
        record.failed(
            code,
            image.path,
            message,
            remedy,
            process.doubt,
            versions=_enough(world, facts),
        )
        return None
    return _loader(world, record, process, image, found)


def _enough(world: World, facts: ElfFacts) -> tuple[str, ...]:
    """The symbol versions that make a base one on which a program of glibc's starts.

    None where that is not sure: it needs libraries that not every base with glibc has.
    """
    is_standard = facts.interp in world.architecture.glibc_loaders
    if not is_standard or world.distro.libc == "glibc" or facts.incomplete:
        return ()
    if not all(_OF_EVERY_BASE.match(name) for name in facts.needed):
        return ()
    return newest_of_each(need.version for need in facts.version_needs if not need.weak)


def _fix_loader(world: World, facts: ElfFacts, missing: Missing) -> str:
    if missing.errno == "EACCES":
        return messages.FIX_REACH
    return messages.fix_loader(facts, world.distro)


def _loader(
    world: World, record: Record, process: Process, image: Mapped, found: Found
) -> Mapped | None:
    loader = world.facts(found)
    if found.entry.kind is Kind.UNREADABLE:
        record.unknown(
            found.path,
            f"{found.path} could not be read",
            UnknownReason.LIMIT_EXCEEDED,
        )
        return None
    remedy = messages.fix_loader(image.facts, world.distro)
    if not executable(found.entry, world.who):
        wrong = messages.not_executable(found.entry, world.who)
        if found.entry.kind is Kind.FILE:
            remedy = messages.FIX_LOADER_MODE
    elif loader is None or found.entry.size < _ELF_HEADER:
        wrong = messages.nature(found.entry)
    elif loader.malformed:
        wrong = f"is not a valid ELF file: {loader.malformed}"
    elif architecture_of(loader) is not architecture_of(image.facts):
        wrong = f"is {describe(loader)}, not {describe(image.facts)}"
        machine = architecture_of(image.facts)
        remedy = messages.fix_base(machine.name) if machine else remedy
    else:
        record.take(Role.LOADER, found.path, image.facts.interp or "")
        return Mapped(image.facts.interp or "", found.path, loader)
    message = (
        f"{image.path} needs the loader {messages.named(image.facts.interp or '', found.path)}, "
        f"which {wrong}"
    )
    record.failed(Code.LOADER_MISMATCH, image.path, message, remedy, process.doubt)
    return None
