"""The opening of a program, or of a script's interpreter, for execution.

ENOENT, ENOTDIR and EACCES.
"""

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.credentials import EXECUTE, executable
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing


def opened(world: World, record: Record, process: Process, path: str, script: str) -> Found | None:
    """Open a program, or a script's interpreter, for execution."""
    found = world.lookup(path, process.cwd) if path else Missing("ENOENT", path, ())
    if isinstance(found, Hidden):
        record.step("kernel", path, found.doubt.because)
        record.unknown(found.path, found.doubt.because, found.doubt.reason)
        return None
    record.step("kernel", path, found.path if isinstance(found, Found) else found.errno)
    if isinstance(found, Missing):
        _no_file(world, record, process, path, found, script=script)
        return None
    if (unsure := _unsure(process, found)) is not None:
        record.unknown(found.path, *unsure)
        return None
    if not executable(found.entry, world.who):
        why = messages.not_executable(found.entry, world.who)
        if script:
            message = f"{script} is run by {path}, which {why}"
            record.failed(
                Code.SCRIPT_INTERPRETER_MISSING,
                script,
                message,
                messages.FIX_INTERPRETER,
                process.doubt,
            )
        else:
            message = f"{messages.named(path, found.path)} {why}"
            record.failed(
                Code.COMMAND_NOT_EXECUTABLE,
                found.path,
                message,
                messages.FIX_MODE,
                process.doubt,
            )
        return None
    if not world.who.certainly_may(found.entry, EXECUTE) and world.who.uid is not None:
        message = (
            f"whether {found.path} may be executed depends on whether the process is of group "
            f"{found.entry.gid}"
        )
        record.unknown(found.path, message, UnknownReason.VALUE_UNKNOWN)
        return None
    return found


def _unsure(process: Process, found: Found) -> tuple[str, UnknownReason] | None:
    """Tell why it is not known what a file is, or whether it can be executed."""
    if found.entry.kind is Kind.UNREADABLE:
        return f"{found.path} could not be read", UnknownReason.LIMIT_EXCEEDED
    if _is_at_or_below(found.path, process.barred):
        because = f"the script may take {found.path}'s execute bit away before"
        return because, UnknownReason.SHAPE_UNKNOWN
    return None


def _is_at_or_below(path: str, places: frozenset[str]) -> bool:
    """Tell whether a path is one of these, or below one with a slash behind."""
    if path in places:
        return True
    folders = tuple(place for place in places if place.endswith("/"))
    return path.startswith(folders)


def _no_file(
    world: World,
    record: Record,
    process: Process,
    path: str,
    missing: Missing,
    *,
    script: str,
) -> None:
    if script:
        message = messages.interpreter_missing(script, path, missing, world.distro)
        remedy = messages.fix_interpreter(path, missing)
        record.failed(Code.SCRIPT_INTERPRETER_MISSING, script, message, remedy, process.doubt)
    elif missing.errno == "EACCES":
        message = (
            f"{path} cannot be reached by user {world.who.uid}: {missing.path} has no x bit for it"
        )
        record.failed(
            Code.COMMAND_NOT_EXECUTABLE,
            path,
            message,
            messages.FIX_REACH,
            process.doubt,
        )
    else:
        message = messages.command_missing(path, missing, world.distro, process.cwd)
        remedy = messages.FIX_TARGET if missing.symlinks else messages.FIX_COMMAND
        record.failed(Code.COMMAND_MISSING, path, message, remedy, process.doubt)
