"""Whether a program would start in an image on a kind of node, found out as kernel and loader would find out.

Start reading here: ``predict`` puts together what would be executed; ``follow`` is one ``execve``
with all that the loader then does, and goes on to the program behind a wrapper.
"""

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.capabilities import bounding
from elfgate.linkage.credentials import Credentials, credentials
from elfgate.linkage.environment import doubt_of, guess_of
from elfgate.linkage.injected import INJECTED
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.kernel.execve import execve, passed_on
from elfgate.linkage.kernel.mapping import entered
from elfgate.linkage.kernel.privilege import Gain, secured
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.kernel.segments import is_bound_by_a_loader, unloadable
from elfgate.linkage.loaders import cpu
from elfgate.linkage.loaders.ld_so import given_to_loader
from elfgate.linkage.loaders.libcs import LOADERS
from elfgate.linkage.mounts import resolved
from elfgate.linkage.path_search import Resolved, find_command, goes_on, passed_over
from elfgate.linkage.programs.first import FirstExec, first_exec
from elfgate.linkage.programs.wrappers import is_elf, is_text, unwrap
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Effect, Finding, Outcome, Prediction
from elfgate.linkage.shell.utilities.table import may_be_applet
from elfgate.linkage.starts import OnNoExec, Start, Starts
from elfgate.linkage.users import check_user
from elfgate.linkage.values import Doubt, Fields, Unknown
from elfgate.linkage.work import Work, WorkExhaustedError
from elfgate.linkage.world import Process, World
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Tree
from elfgate.rootfs.unread import UnreadError

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
        platform: The node's; ``platform.architecture`` must be one of
            ``elfgate.platforms.ARCHITECTURES``.
        node: What else is known of the node.
        injected: Patterns of libraries that nodes add to containers.
        explain: Record the walk.
        work: The work that it may cost, where that is not the usual; what is left of it can be read
            afterwards.

    Returns:
        The prediction: what fails, what cannot be told, what is worth saying.

    Raises:
        UnreadError: if it turns on layers that are not read.
    """
    first = first_exec(defaults, overrides)
    architecture = ARCHITECTURES[platform.architecture]
    held = bounding(overrides, node)
    mounts, are_known = resolved(tree, first.mounts)
    world = World(
        tree=tree,
        architecture=architecture,
        node=_with_level(node, platform),
        who=credentials(first.user, tree, overrides, root_passes=held.passes_modes),
        mounts=mounts,
        injected=tuple(injected),
        bounding=held,
        no_new_privileges=overrides.no_new_privileges,
        read_only_root=overrides.read_only_root,
        work=work or Work(),
    )
    record = Record(explain=explain)
    trial = record.trial()
    try:
        _begin(world, trial, first)
        check_user(world, trial, first.user, overrides)
        record.absorb(trial)
    except WorkExhaustedError:
        record.absorb(trial, findings=())  # what was found is not yet weighed against the rest
        name = guess_of(first.argv[0])
        record.unknown(name, messages.too_costly(name), UnknownReason.LIMIT_EXCEEDED)
    prediction = Prediction(
        tuple(map(guess_of, first.argv)), record.findings, record.walk, record.needs_glibc
    )
    if prediction.outcome is Outcome.CANNOT_START and not are_known:
        raise UnreadError("layers that are not read may lead a volume to what fails")
    return prediction


def _begin(world: World, record: Record, first: FirstExec) -> None:
    """Start what the image and the pod name; a name that is not known is taken as it is written."""
    name, *args = first.argv or ("",)
    if not guess_of(name):
        record.failed(
            Code.COMMAND_MISSING,
            "",
            "neither the image nor the pod names a program",
            messages.FIX_NO_COMMAND,
        )
    elif not _has_no_directory(world, record, first.cwd):
        process = Process(guess_of(name), Fields(tuple(args)), first.env, first.cwd)
        follow(world, record, process.doubted(doubt_of(name)))


def _with_level(node: NodeFacts, platform: Platform) -> NodeFacts:
    """A variant of ARM is the level of its CPUs: ``arm/v6``."""
    if platform.architecture != "arm" or not platform.variant or node.cpu_level:
        return node
    return replace(node, cpu_level=f"arm{platform.variant}")


def _has_no_directory(world: World, record: Record, cwd: str) -> bool:
    """Tell, and record, whether the working directory is a file.

    Runtimes make a missing one, but then give up.
    """
    found = world.lookup(cwd)
    if not isinstance(found, Found) or found.entry.kind in (Kind.DIRECTORY, Kind.UNREADABLE):
        return False
    message = f"it is to be started in {cwd}, which is a file"
    record.failed(Code.COMMAND_MISSING, cwd, message, messages.FIX_DIRECTORY)
    return True


def follow(world: World, record: Record, process: Process) -> None:
    """Start a process, and then what it starts in its place."""
    _follow(world, record, Start(process), _WRAPPERS)


def _follow(world: World, record: Record, start: Start, deeper: int) -> None:
    if start.who is not None:
        world = replace(world, who=start.who)
    program = _start(world, record, start)
    if program is None or record.is_decided():
        return
    world = replace(world, who=_left_as(world, program))
    given = given_to_loader(world, record, program)
    if given is not None and given.loader is not None:
        _load(world, record, given, given.loader)
        # What the loader was told does not become the environment of what the program starts.
        named = replace(program.process, name=given.process.name, args=given.process.args)
        program = replace(given, process=named)
    if record.is_decided() or not deeper:
        return

    def outcome(tried: Start) -> Outcome:
        return _outcome(world, record, tried, deeper - 1)

    starts = unwrap(world, record, program, outcome)
    if starts is not None and len(starts.each) == 1 and not starts.ends:
        _follow(world, record, starts.each[0], deeper - 1)
    elif starts is not None:
        _follow_all(world, record, starts, deeper - 1)


def _left_as(world: World, program: Program) -> Credentials:
    """Tell as whom a program starts another."""
    gained = _gained_by(world, program)
    if program.gain is Gain.NO or gained == world.who:
        return world.who
    if program.gain is Gain.YES:
        return gained
    return replace(world.who, uid=None, others=True, passes=None)


def _gained_by(world: World, program: Program) -> Credentials:
    return world.who if program.becomes is None else program.becomes


def _outcome(world: World, record: Record, tried: Start, deeper: int) -> Outcome:
    """Tell what would come of a start, as if nothing else had been found."""
    if deeper < 1 or not world.work.may_try():
        return Outcome.STARTS  # it is not known to fail
    alone = record.trial(aloud=False)
    _follow(world, alone, tried, deeper)
    return Prediction((), alone.findings).outcome


def _follow_all(world: World, record: Record, starts: Starts, deeper: int) -> None:
    """Follow each way that a script may take.

    It fails where all fail, and is unknown where some do.
    """
    tried = [record.trial() for _ in starts.each]
    for alone, start in zip(tried, starts.each, strict=True):
        _follow(world, alone, start, deeper)
    failing = [alone for alone in tried if alone.codes]
    if len(failing) < len(tried) or starts.ends:  # else whatever way it takes, it fails
        aimed = [
            alone
            for alone, way in zip(tried, starts.each, strict=True)
            if alone.codes and not way.aside
        ]
        failing = aimed if len(failing) < len(tried) else aimed or failing
    shown = (failing or [alone for alone in tried if not alone.codes] or tried)[0]
    certain = [alone for alone in failing if Code.LINKAGE_UNKNOWN not in alone.codes]
    if not certain or (len(certain) == len(tried) and not starts.ends):
        record.absorb(shown)
        return
    record.absorb(shown, findings=())
    finding = next(finding for finding in certain[0].findings if finding.effect is Effect.FAILS)
    message = f"{finding.message}; but the script may go another way"
    record.unknown(finding.path, message, UnknownReason.SHAPE_UNKNOWN)


def _start(world: World, record: Record, start: Start) -> Program | None:
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
        message = f"{name} is found as {command.path}: some runtimes refuse what a relative element of PATH leads to"
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
        _load(world, record, program, program.loader)
    if program is not None and not record.is_decided():
        entered(world, record, program.process, program.image)
        cpu.runtime_met(
            world, record, program.image.path, program.image.facts, program.process.doubt
        )
    return program


def _is_path_from_elsewhere(process: Process) -> bool:
    """Tell whether somebody names PATH, and its value comes from elsewhere.

    Of one that a script makes of its own, the guess is good enough for a start.
    """
    return process.doubt is None and isinstance(process.env.values.get("PATH"), Unknown)


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
    """Execute a file that the kernel refuses with ENOEXEC as those do who then take it for a shell's script.

    bash and dash call it a binary file if there is a NUL in its first line (bash,
    ``check_binary_file``); other shells, and whoever is not the one to execute it, run it
    nevertheless.
    """
    process = start.process
    by, file = (_SH, _SH) if start.on_noexec is OnNoExec.RUN_BY_SH else (start.by, start.file)
    if start.on_noexec is not OnNoExec.UNKNOWN and is_text(world, process, path):
        return execve(
            world, record, replace(process, name=by, args=process.args.behind(path)), file
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
    world: World, record: Record, start: Start, command: Resolved, *, looks_only: bool
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
            Code.COMMAND_NOT_EXECUTABLE, command.refused, message, messages.FIX_MODE, doubt
        )


def _load(world: World, record: Record, program: Program, loader: Mapped) -> None:
    """Load a program; one that may gain a privilege as if it did and as if it did not."""
    if program.gain is Gain.NO:
        _link(world, record, program, loader)
        return
    about = loader.facts.loader
    libc = "glibc" if about is not None and about.libc == "glibc" else "musl"
    secure = replace(program, process=secured(program.process, libc))
    who = _gained_by(world, program)
    if program.gain is Gain.YES:
        _link(replace(world, who=who), record, secure, loader)
        return
    with_gain, without = record.trial(), record.trial()
    _link(replace(world, who=who), with_gain, secure, loader)
    _link(world, without, program, loader)
    agree = with_gain.codes == without.codes
    record.absorb(without, findings=without.findings if agree else ())
    if not agree:
        record.unknown(
            program.image.path,
            messages.may_be_secure(program.image.path),
            UnknownReason.VALUE_UNKNOWN,
        )


def _link(world: World, record: Record, program: Program, loader: Mapped) -> None:
    about, path = loader.facts.loader, program.image.path
    if about is None and (
        is_bound_by_a_loader(loader.facts) or (loader.facts.interp and loader.facts.needed)
    ):
        message = f"{path} is loaded by {loader.path}, which is no loader, but needs one itself"
        record.failed(
            Code.LOADER_MISMATCH,
            path,
            message,
            messages.fix_loader(program.image.facts, world.distro),
            program.process.doubt,
        )
    elif about is None:
        message = f"{path} is loaded by {loader.path}, which is neither glibc's loader nor musl's"
        record.unknown(loader.path, message, UnknownReason.SHAPE_UNKNOWN)
    elif wrong := unloadable(program.image.facts):
        record.failed(
            Code.EXEC_FORMAT, path, f"{path} {wrong}", messages.FIX_BUILD, program.process.doubt
        )
    else:
        LOADERS[about.libc](world, record, program, loader, about)
