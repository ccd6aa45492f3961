"""One start: a command's file is found, executed as whoever starts it does, and loaded.

Sources: execve(2), execvp(3); POSIX.1-2017, "Command Search and Execution".
"""

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.environment import guess_of
from elfgate.linkage.kernel.execve import execve, passed_on
from elfgate.linkage.kernel.mapping import entered
from elfgate.linkage.kernel.program import Program
from elfgate.linkage.linking import load
from elfgate.linkage.loaders import cpu
from elfgate.linkage.path_search import Resolved, find_command, goes_on, passed_over
from elfgate.linkage.programs.wrappers import is_elf, is_text
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Finding
from elfgate.linkage.shell.utilities.table import may_be_applet
from elfgate.linkage.starts import OnNoExec, Start
from elfgate.linkage.values import Doubt, Unknown
from elfgate.linkage.world import Process, World

_SH = "/bin/sh"  # _PATH_BSHELL
_REFUSED = [Code.EXEC_FORMAT]


def started(world: World, record: Record, start: Start) -> Program | None:
    """Find the command, execute it and load it."""
    process = start.process
    name = process.file or process.name
    if not passed_on(world, record, process, name):
        return None
    command = find_command(world, record, process, name, actor=start.by or "runtime")
    if command.path is None:
        _report_not_found(world, record, start, command, looks_only=not goes_on(start.file))
        return None
    if command.relative and not start.file:
        message = (
            f"{name} is found as {command.path}: some runtimes refuse what a relative element of "
            "PATH leads to"
        )
        record.unknown(command.path, message, UnknownReason.NODE_FACT_UNKNOWN)
        return None
    if "/" not in name and _is_path_from_elsewhere(process):
        record.unknown(
            name,
            f"{name} is searched along a PATH that comes from elsewhere",
            UnknownReason.VALUE_UNKNOWN,
        )
        return None
    further = command.further if goes_on(start.file) else ()
    process = replace(process, file="").doubted(command.doubt)
    program = _execute(world, record, replace(start, process=process), (command.path, *further))
    if program is not None and program.loader is not None:
        load(world, record, program, program.loader)
    if program is not None and not record.is_decided():
        entered(world, record, program.process, program.image)
        cpu.runtime_met(
            world,
            record,
            program.image.path,
            program.image.facts,
            program.process.doubt,
        )
    return program


def _is_path_from_elsewhere(process: Process) -> bool:
    """Tell whether somebody names PATH, and its value comes from elsewhere.

    Of one that a script makes of its own, the guess is good enough for a start.
    """
    return process.doubt is None and isinstance(process.env.stated("PATH"), Unknown)


def _execute(world: World, record: Record, start: Start, paths: Sequence[str]) -> Program | None:
    """Execute the first of some files that can be.

    The others are tried by those only who go on along PATH.
    """
    refused: Sequence[Finding] = ()
    for path in paths:
        trial = record.trial()
        if start.on_noexec is not OnNoExec.REFUSED and _is_taken_for_text(
            world, trial, start.process, path
        ):
            program = _execute_text(world, trial, start, path)
        else:
            program = execve(world, trial, start.process, path)
        stands = program is not None or not passed_over(
            trial.findings, by_shell=start.on_noexec is OnNoExec.RUN_BY_ITSELF
        )
        record.absorb(trial, findings=trial.findings if stands else ())
        if stands:
            return program
        refused = refused or trial.findings
    record.absorb(record.trial(), findings=refused)
    return None


def _is_taken_for_text(world: World, record: Record, process: Process, path: str) -> bool:
    """Tell whether ``execve`` refuses with ENOEXEC what is no ELF file.

    Itself, or the interpreter that it names.
    """
    alone = record.trial(aloud=False)
    return (
        not is_elf(world, process, path)
        and not execve(world, alone, process, path)
        and alone.codes == _REFUSED
    )


def _execute_text(world: World, record: Record, start: Start, path: str) -> Program | None:
    """Execute a file that the kernel refuses with ENOEXEC.

    Those who start it then take it for a shell's script.

    bash and dash call it a binary file if there is a NUL in its first line (bash,
    ``check_binary_file``); other shells, and whoever is not the one to execute it, run it
    nevertheless.
    """
    process = start.process
    by, file = (_SH, _SH) if start.on_noexec is OnNoExec.RUN_BY_SH else (start.by, start.file)
    if start.on_noexec is not OnNoExec.UNKNOWN and is_text(world, process, path):
        return execve(
            world,
            record,
            replace(process, name=by, args=process.args.behind(path)),
            file,
        )
    if start.on_noexec is not OnNoExec.RUN_BY_ITSELF or posixpath.basename(file) not in {
        "bash",
        "dash",
    }:
        process = process.doubted(
            Doubt(UnknownReason.SHAPE_UNKNOWN, f"{by} may run it as a shell script")
        )
    return execve(world, record, process, path)


def _report_not_found(
    world: World,
    record: Record,
    start: Start,
    command: Resolved,
    *,
    looks_only: bool,
) -> None:
    doubt = command.doubt
    if posixpath.basename(start.file).startswith("busybox") and may_be_applet(start.process.name):
        doubt = doubt or Doubt(UnknownReason.SHAPE_UNKNOWN, "busybox may have it within itself")
    name, path = (
        start.process.file or start.process.name,
        guess_of(start.process.env.get("PATH")),
    )
    who = f"{start.by} starts {name}, which" if start.by else name
    found = f" ({command.refused} is there, but has no execute bit)" if command.refused else ""
    if command.dangling is not None and not command.refused:
        link, target = command.dangling
        found = f" ({link} is a link to {target}, which is missing)"
    message = f"{who} is not on PATH ({path}) in {messages.image(world.distro)}{found}"
    if looks_only or not command.refused:
        record.failed(Code.COMMAND_MISSING, name, message, messages.FIX_COMMAND, doubt)
    else:
        record.failed(
            Code.COMMAND_NOT_EXECUTABLE,
            command.refused,
            message,
            messages.FIX_MODE,
            doubt,
        )
