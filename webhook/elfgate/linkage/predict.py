"""Whether a program would start in an image on a kind of node, found out as kernel and loader would find out.

Start reading here: ``predict`` puts together what would be executed; ``follow`` is one ``execve`` with all that the
loader then does, and goes on to the program behind a wrapper.
"""

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.capabilities import bounding
from elfgate.linkage.credentials import Credentials, credentials
from elfgate.linkage.distro import distro_of
from elfgate.linkage.injected import INJECTED
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.kernel.execve import Mapped, Program, entered, execve, passed_on
from elfgate.linkage.kernel.privilege import Gain, secured
from elfgate.linkage.kernel.segments import is_bound_by_a_loader, unloadable
from elfgate.linkage.loaders import cpu
from elfgate.linkage.loaders.ld_so import given_to_loader
from elfgate.linkage.loaders.libcs import LOADERS
from elfgate.linkage.mounts import resolved
from elfgate.linkage.path_search import Resolved, find_command, goes_on, passed_over
from elfgate.linkage.programs.first import FirstExec, first_exec
from elfgate.linkage.programs.wrappers import is_elf, is_text, unwrap
from elfgate.linkage.report import Code, Effect, Finding, Outcome, Prediction
from elfgate.linkage.shell.utilities.table import may_be_applet
from elfgate.linkage.starts import OnNoExec, Start, Starts
from elfgate.linkage.unsettled import first_unknown, unsettle
from elfgate.linkage.users import check_user
from elfgate.linkage.work import Work, WorkExhaustedError
from elfgate.linkage.world import Attempt, Doubt, Process
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Tree

_WRAPPERS = 8  # nobody nests them deeper in earnest
_SH = "/bin/sh"  # _PATH_BSHELL
_REFUSED = [Code.EXEC_FORMAT]
_ANYWHERE = NodeFacts()


def predict(
    tree: Tree,
    defaults: ImageDefaults,
    overrides: Overrides,
    platform: Platform,
    node: NodeFacts = _ANYWHERE,
    *,
    injected: Sequence[str] = INJECTED,
    explain: bool = False,
    work: Work | None = None,
) -> Prediction:
    """Predict the start of a container's program.

    Args:
        tree: The image's root file system.
        defaults: The image's config.
        overrides: What the pod's container changes.
        platform: The node's; ``platform.architecture`` must be one of ``elfgate.platforms.ARCHITECTURES``.
        node: What else is known of the node.
        injected: Patterns of libraries that nodes add to containers.
        explain: Record the walk.
        work: The work that it may cost, where that is not the usual; what is left of it can be read afterwards.

    Returns:
        The prediction: what fails, what cannot be told, what is worth saying.
    """
    first = first_exec(defaults, overrides)
    architecture = ARCHITECTURES[platform.architecture]
    held = bounding(overrides, node)
    attempt = Attempt(
        tree=tree,
        architecture=architecture,
        node=_with_level(node, platform),
        who=credentials(first.user, tree, overrides, root_passes=held.passes_modes),
        mounts=resolved(tree, first.mounts),
        distro=distro_of(tree, architecture),
        injected=tuple(injected),
        bounding=held,
        no_new_privileges=overrides.no_new_privileges,
        read_only_root=overrides.read_only_root,
        explain=explain,
        work=work or Work(),
    )
    try:
        _begin(attempt, first, first_unknown(overrides, len(defaults.entrypoint)))
        check_user(attempt, first.user, overrides)
    except WorkExhaustedError:
        attempt.findings.clear()  # what was found is not yet weighed against the rest
        name = first.argv[0]
        attempt.unknown(name, messages.too_costly(name), UnknownReason.LIMIT_EXCEEDED)
    return Prediction(first.argv, tuple(attempt.findings), tuple(attempt.walk), attempt.needs_glibc)


def _begin(attempt: Attempt, first: FirstExec, unknown: int | None) -> None:
    """Start what the image and the pod name; from the word at ``unknown`` on, its words are not known."""
    if not first.argv or not first.argv[0]:
        attempt.failed(
            Code.COMMAND_MISSING,
            "",
            "neither the image nor the pod names a program",
            messages.FIX_NO_COMMAND,
        )
    elif not _has_no_directory(attempt, first.cwd):
        env = (first.env, first.unknown_env, first.settled_env)
        process = Process(first.argv, *env, first.cwd)
        fails_anyway = unknown != 0 and unknown is not None and _fails_itself(attempt, process)
        follow(attempt, process)
        if unknown is not None and not fails_anyway:
            unsettle(attempt, first.argv[unknown])


def _fails_itself(attempt: Attempt, process: Process) -> bool:
    """Tell whether the program that is named does not start, whatever it would do then."""
    alone = attempt.trial(aloud=False)
    _start(alone, Start(process))
    return any(finding.effect is Effect.FAILS for finding in alone.findings)


def _with_level(node: NodeFacts, platform: Platform) -> NodeFacts:
    """A variant of ARM is the level of its CPUs: ``arm/v6``."""
    if platform.architecture != "arm" or not platform.variant or node.cpu_level:
        return node
    return replace(node, cpu_level=f"arm{platform.variant}")


def _has_no_directory(attempt: Attempt, cwd: str) -> bool:
    """Tell, and record, whether the working directory is a file: runtimes make a missing one, but then give up."""
    found = attempt.lookup(cwd)
    if not isinstance(found, Found) or found.entry.kind in (Kind.DIRECTORY, Kind.UNREADABLE):
        return False
    message = f"it is to be started in {cwd}, which is a file"
    attempt.failed(Code.COMMAND_MISSING, cwd, message, messages.FIX_DIRECTORY)
    return True


def follow(attempt: Attempt, process: Process) -> None:
    """Start a process, and then what it starts in its place."""
    _follow(attempt, Start(process), _WRAPPERS)


def _follow(attempt: Attempt, start: Start, deeper: int) -> None:
    if start.who is not None:
        attempt.who = start.who
    program = _start(attempt, start)
    if program is None or _decided(attempt):
        return
    attempt.who = _left_as(attempt, program)
    given = given_to_loader(attempt, program)
    if given is not None and given.loader is not None:
        _load(attempt, given, given.loader)
        # What the loader was told does not become the environment of what the program starts.
        program = replace(given, process=replace(program.process, argv=given.process.argv))
    if _decided(attempt) or not deeper:
        return

    def outcome(tried: Start) -> Outcome:
        return _outcome(attempt, tried, deeper - 1)

    starts = unwrap(attempt, program, outcome)
    if starts is not None and len(starts.each) == 1 and not starts.ends:
        _follow(attempt, starts.each[0], deeper - 1)
    elif starts is not None:
        _follow_all(attempt, starts, deeper - 1)


def _left_as(attempt: Attempt, program: Program) -> Credentials:
    """Tell as whom a program starts another."""
    gained = _gained_by(attempt, program)
    if program.gain is Gain.NO or gained == attempt.who:
        return attempt.who
    if program.gain is Gain.YES:
        return gained
    return replace(attempt.who, uid=None, others=True, passes=None)


def _gained_by(attempt: Attempt, program: Program) -> Credentials:
    return attempt.who if program.becomes is None else program.becomes


def _outcome(attempt: Attempt, tried: Start, deeper: int) -> Outcome:
    """Tell what would come of a start, as if nothing else had been found."""
    if not attempt.budget.trials or deeper < 1:
        return Outcome.STARTS  # it is not known to fail
    attempt.budget.trials -= 1
    alone = attempt.trial(aloud=False)
    _follow(alone, tried, deeper)
    return Prediction((), tuple(alone.findings)).outcome


def _follow_all(attempt: Attempt, starts: Starts, deeper: int) -> None:
    """Follow each way that a script may take: it fails where all fail, and is unknown where some do."""
    tried = [attempt.trial() for _ in starts.each]
    for alone, start in zip(tried, starts.each, strict=True):
        _follow(alone, start, deeper)
    failing = [alone for alone in tried if _codes(alone)]
    if len(failing) < len(tried) or starts.ends:  # else whatever way it takes, it fails
        aimed = [
            alone
            for alone, way in zip(tried, starts.each, strict=True)
            if _codes(alone) and not way.aside
        ]
        failing = aimed if len(failing) < len(tried) else aimed or failing
    shown = (failing or [alone for alone in tried if not _codes(alone)] or tried)[0]
    attempt.absorb(shown, findings=False)
    certain = [alone for alone in failing if Code.LINKAGE_UNKNOWN not in _codes(alone)]
    if not certain or (len(certain) == len(tried) and not starts.ends):
        attempt.findings += shown.findings
        return
    finding = next(finding for finding in certain[0].findings if finding.effect is Effect.FAILS)
    message = f"{finding.message}; but the script may go another way"
    attempt.unknown(finding.path, message, UnknownReason.SHAPE_UNKNOWN)


def _decided(attempt: Attempt) -> bool:
    """Tell whether something was found that is more than a note."""
    return any(finding.effect is not Effect.NOTE for finding in attempt.findings)


def _start(attempt: Attempt, start: Start) -> Program | None:
    """Find the command, execute it and load it."""
    process = start.process
    name = process.file or process.argv[0]
    if not passed_on(attempt, process, name):
        return None
    command = find_command(attempt, process, name, actor=start.by or "runtime")
    if command.path is None:
        _report_not_found(attempt, start, command, looks_only=not goes_on(start.file))
        return None
    if command.relative and not start.file:
        message = f"{name} is found as {command.path}: some runtimes refuse what a relative element of PATH leads to"
        attempt.unknown(command.path, message, UnknownReason.NODE_FACT_UNKNOWN)
        return None
    if "PATH" in process.unknown_env and "/" not in name:
        attempt.unknown(
            name,
            f"{name} is searched along a PATH that comes from elsewhere",
            UnknownReason.VALUE_UNKNOWN,
        )
        return None
    further = command.further if goes_on(start.file) else ()
    process = replace(process, file="").doubted(command.doubt)
    program = _execute(attempt, replace(start, process=process), (command.path, *further))
    if program is not None and program.loader is not None:
        _load(attempt, program, program.loader)
    if program is not None and not _decided(attempt):
        entered(attempt, program.process, program.image)
        cpu.runtime_met(attempt, program.image.path, program.image.facts, program.process.doubt)
    return program


def _execute(attempt: Attempt, start: Start, paths: Sequence[str]) -> Program | None:
    """Execute the first of some files that can be: the others are tried by those only who go on along PATH."""
    refused: list[Finding] = []
    for path in paths:
        trial = attempt.trial()
        if start.on_noexec is not OnNoExec.REFUSED and _is_taken_for_text(
            trial, start.process, path
        ):
            program = _execute_text(trial, start, path)
        else:
            program = execve(trial, start.process, path)
        stands = program is not None or not passed_over(
            trial.findings, by_shell=start.on_noexec is OnNoExec.RUN_BY_ITSELF
        )
        attempt.absorb(trial, findings=stands)
        if stands:
            return program
        refused = refused or trial.findings
    attempt.findings += refused
    return None


def _is_taken_for_text(attempt: Attempt, process: Process, path: str) -> bool:
    """Tell whether ``execve`` refuses with ENOEXEC what is no ELF file: itself, or the interpreter that it names."""
    alone = attempt.trial(aloud=False)
    return (
        not is_elf(attempt, process, path)
        and not execve(alone, process, path)
        and _codes(alone) == _REFUSED
    )


def _execute_text(attempt: Attempt, start: Start, path: str) -> Program | None:
    """Execute a file that the kernel refuses with ENOEXEC as those do who then take it for a shell's script.

    bash and dash call it a binary file if there is a NUL in its first line (bash, ``check_binary_file``); other shells,
    and whoever is not the one to execute it, run it nevertheless.
    """
    process = start.process
    by, file = (_SH, _SH) if start.on_noexec is OnNoExec.RUN_BY_SH else (start.by, start.file)
    if start.on_noexec is not OnNoExec.UNKNOWN and is_text(attempt, process, path):
        return execve(attempt, replace(process, argv=(by, path, *process.argv[1:])), file)
    if start.on_noexec is not OnNoExec.RUN_BY_ITSELF or posixpath.basename(file) not in {
        "bash",
        "dash",
    }:
        process = process.doubted(
            Doubt(UnknownReason.SHAPE_UNKNOWN, f"{by} may run it as a shell script")
        )
    return execve(attempt, process, path)


def _report_not_found(
    attempt: Attempt, start: Start, command: Resolved, *, looks_only: bool
) -> None:
    doubt = command.doubt
    if posixpath.basename(start.file).startswith("busybox") and may_be_applet(
        start.process.argv[0]
    ):
        doubt = doubt or Doubt(UnknownReason.SHAPE_UNKNOWN, "busybox may have it within itself")
    name, path = (
        start.process.file or start.process.argv[0],
        start.process.env.get("PATH", ""),
    )
    who = f"{start.by} starts {name}, which" if start.by else name
    found = f" ({command.refused} is there, but has no execute bit)" if command.refused else ""
    if command.dangling is not None and not command.refused:
        link, target = command.dangling
        found = f" ({link} is a link to {target}, which is missing)"
    message = f"{who} is not on PATH ({path}) in {messages.image(attempt.distro)}{found}"
    if looks_only or not command.refused:
        attempt.failed(Code.COMMAND_MISSING, name, message, messages.FIX_COMMAND, doubt)
    else:
        attempt.failed(
            Code.COMMAND_NOT_EXECUTABLE, command.refused, message, messages.FIX_MODE, doubt
        )


def _load(attempt: Attempt, program: Program, loader: Mapped) -> None:
    """Load a program; one that may gain a privilege as if it did and as if it did not."""
    if program.gain is Gain.NO:
        _link(attempt, program, loader)
        return
    about = loader.facts.loader
    libc = "glibc" if about is not None and about.libc == "glibc" else "musl"
    secure = replace(program, process=secured(program.process, libc))
    who = _gained_by(attempt, program)
    if program.gain is Gain.YES:
        gained = attempt.trial(who=who)
        _link(gained, secure, loader)
        attempt.absorb(gained)
        return
    with_gain, without = attempt.trial(who=who), attempt.trial()
    _link(with_gain, secure, loader)
    _link(without, program, loader)
    agree = _codes(with_gain) == _codes(without)
    attempt.absorb(without, findings=agree)
    if not agree:
        attempt.unknown(
            program.image.path,
            messages.may_be_secure(program.image.path),
            UnknownReason.VALUE_UNKNOWN,
        )


def _codes(attempt: Attempt) -> list[Code]:
    return [finding.code for finding in attempt.findings if finding.effect is not Effect.NOTE]


def _link(attempt: Attempt, program: Program, loader: Mapped) -> None:
    about, path = loader.facts.loader, program.image.path
    if about is None and (
        is_bound_by_a_loader(loader.facts) or (loader.facts.interp and loader.facts.needed)
    ):
        message = f"{path} is loaded by {loader.path}, which is no loader, but needs one itself"
        attempt.failed(
            Code.LOADER_MISMATCH,
            path,
            message,
            messages.fix_loader(program.image.facts, attempt.distro),
            program.process.doubt,
        )
    elif about is None:
        message = f"{path} is loaded by {loader.path}, which is neither glibc's loader nor musl's"
        attempt.unknown(loader.path, message, UnknownReason.SHAPE_UNKNOWN)
    elif wrong := unloadable(program.image.facts):
        attempt.failed(
            Code.EXEC_FORMAT, path, f"{path} {wrong}", messages.FIX_BUILD, program.process.doubt
        )
    else:
        LOADERS[about.libc](attempt, program, loader, about)
