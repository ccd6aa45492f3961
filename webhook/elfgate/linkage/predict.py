"""Whether a program would start in an image on a kind of node.

It is found out as kernel and loader would find out.

Start reading here: ``predict`` puts together what would be executed; ``follow`` is one ``execve``
with all that the loader then does, and goes on to the program behind a wrapper.
"""

from collections.abc import Sequence
from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.capabilities import bounding
from elfgate.linkage.credentials import Credentials, credentials
from elfgate.linkage.environment import doubt_of, guess_of
from elfgate.linkage.injected import INJECTED
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.kernel.privilege import Gain
from elfgate.linkage.kernel.program import Program
from elfgate.linkage.linking import gained_by, load
from elfgate.linkage.loaders.ld_so import given_to_loader
from elfgate.linkage.mounts import resolved
from elfgate.linkage.programs.first import FirstExec, first_exec
from elfgate.linkage.programs.wrappers import unwrap
from elfgate.linkage.reads import Reads
from elfgate.linkage.record import Record, doubted
from elfgate.linkage.report import Code, Effect, Outcome, Prediction
from elfgate.linkage.starting import started
from elfgate.linkage.starts import Start, Starts
from elfgate.linkage.users import check_user
from elfgate.linkage.values import Doubt, Fields
from elfgate.linkage.work import Work, WorkExhaustedError
from elfgate.linkage.world import Changed, Process, World
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Tree

_WRAPPERS = 8  # nobody nests them deeper in earnest
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
    mounted_in: Tree | None = None,
    reads: Reads | None = None,
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
        mounted_in: The root file system whose symlinks lead the mount points, where that is another
            one: ``tree`` may stand for upper layers alone.
        reads: Notes the variables that are asked for, if somebody wants to know.

    Returns:
        The prediction: what fails, what cannot be told, what is worth saying.

    Raises:
        UnreadError: if it turns on layers that are not read.
    """
    first = first_exec(defaults, overrides, reads)
    work = work or Work()
    allowed = work.left
    architecture = ARCHITECTURES[platform.architecture]
    held = bounding(overrides, node)
    world = World(
        tree=tree,
        architecture=architecture,
        node=_with_level(node, platform),
        who=credentials(first.user, tree, overrides, root_passes=held.passes_modes),
        mounts=resolved(mounted_in or tree, first.mounts),
        injected=tuple(injected),
        bounding=held,
        no_new_privileges=overrides.no_new_privileges,
        read_only_root=overrides.read_only_root,
        work=work,
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
    if reads and 2 * work.left < allowed:
        reads.note_all()  # each variable costs a little: more of them might cost too much
    return Prediction(
        tuple(map(guess_of, first.argv)),
        record.findings,
        record.walk,
        record.needs_glibc,
        record.taken,
    )


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
    if not isinstance(found, Found) or found.entry.kind in (
        Kind.DIRECTORY,
        Kind.UNREADABLE,
    ):
        return False
    message = f"it is to be started in {cwd}, which is a file"
    record.failed(Code.COMMAND_MISSING, cwd, message, messages.FIX_DIRECTORY)
    return True


def follow(world: World, record: Record, process: Process) -> None:
    """Start a process, and then what it starts in its place."""
    _follow(world, record, Start(process), _WRAPPERS)


def _follow(world: World, record: Record, start: Start, deeper: int) -> None:
    """Follow a start; what fails by what a script may have changed is not known to fail."""
    process = start.process
    # Where all may have changed, the process is in doubt itself.
    touched = process.touched if "/" not in process.touched else frozenset[str]()
    if not touched and not process.removed:
        _follow_in(world, record, start, deeper)
        return
    changed, removed = Changed.by(touched), Changed.by(process.removed)
    trial = record.trial()
    _follow_in(replace(world, changed=changed, removed=removed), trial, start, deeper)
    findings = trial.findings
    if changed.met:
        because = f"the script may change {changed.met} before"
        findings = doubted(findings, Doubt(UnknownReason.SHAPE_UNKNOWN, because))
    record.absorb(trial, findings=findings)
    if removed.met and not record.is_decided():
        message = f"the script may remove {removed.met} before"
        record.unknown(removed.met, message, UnknownReason.SHAPE_UNKNOWN)


def _follow_in(world: World, record: Record, start: Start, deeper: int) -> None:
    if start.who is not None:
        world = replace(world, who=start.who)
    program = started(world, record, start)
    if program is None or record.is_decided():
        return
    world = replace(world, who=_left_as(world, program))
    given = given_to_loader(world, record, program)
    if given is not None and given.loader is not None:
        load(world, record, given, given.loader)
        # What the loader was told does not become the environment of what the program starts.
        named = replace(program.process, name=given.process.name, args=given.process.args)
        program = replace(given, process=named)
    if record.is_decided() or not deeper:
        return

    def outcome(tried: Start) -> Outcome:
        return _outcome(world, record, tried, deeper - 1)

    starts = unwrap(world, record, program, outcome)
    if starts is not None:
        _follow_each(world, record, starts, deeper - 1)
        if starts.lost and not record.is_decided():
            _report_lost(record, program, starts.lost)


def _follow_each(world: World, record: Record, starts: Starts, deeper: int) -> None:
    """Follow the programs that a wrapper may start, if there are any."""
    if len(starts.each) == 1 and not starts.ends:
        _follow(world, record, starts.each[0], deeper)
    elif starts.each:
        _follow_all(world, record, starts, deeper)


def _report_lost(record: Record, program: Program, why: str) -> None:
    """Report that a script may start programs that are not known."""
    message = f"the programs that the script may start are not all known: {why}"
    record.unknown(program.image.path, message, UnknownReason.SHAPE_UNKNOWN)


def _left_as(world: World, program: Program) -> Credentials:
    """Tell as whom a program starts another."""
    gained = gained_by(world, program)
    if program.gain is Gain.NO or gained == world.who:
        return world.who
    if program.gain is Gain.YES:
        return gained
    return replace(world.who, uid=None, others=True, passes=None)


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
        record.absorb_taken(alone)
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
