"""Programs that only start another: what they are called, and how they are told which.

A wrapper is followed where its command line leaves no doubt; otherwise it is judged on its own
merit. Sources: env(1) of coreutils and busybox; the sources of tini, dumb-init, catatonit, su-exec
and gosu; setpriv(1), runuser(1), chpst(8), s6-setuidgid; POSIX ``sh -c``.
"""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from elfgate.errors import UnknownReason
from elfgate.linkage.credentials import Credentials, credentials
from elfgate.linkage.kernel.program import Program
from elfgate.linkage.programs.busybox import applet, has_other_options
from elfgate.linkage.programs.env import process_of_env, report_unknown
from elfgate.linkage.programs.interpreters import SHELLS, shell
from elfgate.linkage.record import Record
from elfgate.linkage.report import Outcome
from elfgate.linkage.starts import OnNoExec, Start, Starts
from elfgate.linkage.values import Doubt
from elfgate.linkage.world import Process, World
from elfgate.rootfs.tree import Found


@dataclass(frozen=True, slots=True)
class Usage:
    """The command line of a simple wrapper: ``NAME [OPTION…] [OPERAND…] PROGRAM [ARG…]``.

    Attributes:
        flags: Options that stand alone.
        valued: Options that take a value: as the next argument, joined to a short one, or after a
            long one's ``=``.
        numbers: A number with a dash before it is an option.
        operands: How many words come before the program.
        user: The option whose value is the user that the program runs as; ``1`` for the first
            operand.
        execvp: It is started with execvp(3), not by a system call alone.
        at_root: The operand is the directory that becomes the root.
        doubt: Why it may not be started.
    """

    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    numbers: bool = False
    operands: int = 0
    user: str = ""
    execvp: bool = True
    at_root: bool = False
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class _Given:
    """The command line of a simple wrapper, taken apart.

    Attributes:
        process: The program that it starts.
        user: As whom; empty for the same user.
        operands: The words before the program.
    """

    process: Process
    user: str
    operands: tuple[str, ...]


def _options(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BY_INPUT = Doubt(UnknownReason.SHAPE_UNKNOWN, "its input tells whether it is run")
_FORKS = Doubt(UnknownReason.SHAPE_UNKNOWN, "it may not wait for what it starts")
_CHROOT = "SYS_CHROOT"
_UNALLOWED = Doubt(UnknownReason.NODE_FACT_UNKNOWN, "some runtimes do not let it change its root")
_ABOUT_MACHINES = _options("-B -F -I -L -R -S -T -X -Z -v -3 --3gb --addr-no-randomize --verbose")
_TINI = Usage(_options("-s -g -w -v -vv -vvv -vvvv"), _options("-p -e"))
SIMPLE: Mapping[str, Usage] = {
    "tini": _TINI,
    "tini-static": _TINI,
    "docker-init": _TINI,
    "dumb-init": Usage(_options("-c --single-child -v --verbose"), _options("-r --rewrite")),
    "catatonit": Usage(_options("-g")),
    "su-exec": Usage(operands=1, user="1"),
    "gosu": Usage(operands=1, user="1", execvp=False),
    "nice": Usage(valued=_options("-n --adjustment"), numbers=True),
    "nohup": Usage(),
    "ionice": Usage(_options("-t --ignore"), _options("-c -n --class --classdata")),
    "chrt": Usage(_options("-b -f -i -o -r -R --batch --fifo --idle --other --rr"), operands=1),
    "taskset": Usage(_options("-c --cpu-list"), operands=1),
    "setsid": Usage(_options("-c -w --ctty --wait"), doubt=_FORKS),
    "stdbuf": Usage(valued=_options("-i -o -e --input --output --error")),
    "setpriv": Usage(
        _options("--clear-groups --init-groups --keep-groups --no-new-privs --nnp --reset-env"),
        _options(
            "--reuid --ruid --regid --rgid --euid --egid --groups --inh-caps --bounding-set "
            "--ambient-caps"
        ),
        user="--reuid",
    ),
    "runuser": Usage(valued=_options("-u --user"), user="-u"),
    "chpst": Usage(
        _options("-v -P -0 -1 -2"),
        _options("-u -U -b -e -/ -n -l -L -m -d -o -p -f -c -r -t"),
        user="-u",
        execvp=False,
    ),
    "chroot": Usage(
        _options("--skip-chdir"),
        _options("--userspec --groups"),
        operands=1,
        user="--userspec",
        at_root=True,
    ),
    "setuidgid": Usage(operands=1, user="1"),
    "s6-setuidgid": Usage(operands=1, user="1", execvp=False),
    "s6-setsid": Usage(_options("-s -b -f -g -i -I -q"), execvp=False),
    "s6-softlimit": Usage(
        _options("-h -H"), _options("-a -c -d -f -l -m -o -p -r -s -t"), execvp=False
    ),
    "linux32": Usage(_ABOUT_MACHINES),
    "linux64": Usage(_ABOUT_MACHINES),
    "xargs": Usage(
        _options("-0 -r -t -x --null --no-run-if-empty"),
        _options("-I -L -n -P -s -d -E --max-args --max-procs"),
        doubt=_BY_INPUT,
    ),
    "timeout": Usage(
        _options("--foreground --preserve-status -v --verbose"),
        _options("-k -s --kill-after --signal"),
        operands=1,
    ),
}
_KEEPS_GROUPS = frozenset({"setpriv", "chroot"})  # where they are not told otherwise
_CHANGE_USER = frozenset({"runuser"})  # these want an option that names a user, or start a shell


def unwrap(
    world: World,
    record: Record,
    program: Program,
    outcome: Callable[[Start], Outcome],
) -> Starts | None:
    """Tell which programs a started one may start in its place.

    Args:
        world: The world.
        record: Takes what is found.
        program: What runs.
        outcome: Tells what would come of starting another.

    Returns:
        The programs to follow, or None if there are none, or none for sure.
    """
    program = applet(program)
    name = posixpath.basename(program.process.name)
    if name in SHELLS:
        return shell(world, record, program, outcome)
    start: Start | None = None
    if name == "env":
        start = _started_by_env(world, record, program)
    elif name in SIMPLE:
        start = _started_by(world, record, program, SIMPLE[name])
    if start is None:
        return None
    return Starts.one(start)


def _started_by_env(world: World, record: Record, program: Program) -> Start | None:
    process = process_of_env(world, record, program)
    if process is None:
        return None
    by = program.process.name
    return Start(process, by, _by_execvp(program), file=program.image.path)


def _started_by(world: World, record: Record, program: Program, usage: Usage) -> Start | None:
    """Give the program that a simple wrapper starts.

    None if it ends by itself, or starts another.
    """
    by = program.process.name
    name = posixpath.basename(by)
    given = None if has_other_options(program) else _simple(program.process, usage)
    if given is None:
        report_unknown(record, program)
        return None
    process = given.process
    if usage.at_root:
        if not _stays_at_root(world, given):
            return None
        is_allowed = world.bounding.has(_CHROOT)
        process = replace(process, cwd="/").doubted(None if is_allowed else _UNALLOWED)
    who: Credentials | None = None
    if given.user or name in _CHANGE_USER:
        who = _user(world, given.user, name)
        if who is None:
            return None
    text = _by_execvp(program) if usage.execvp else OnNoExec.REFUSED
    return Start(process.doubted(usage.doubt), by, text, who, program.image.path)


def _stays_at_root(world: World, given: _Given) -> bool:
    """Tell whether ``chroot`` does no more than to go to the root.

    Entrypoints have it change the user so.
    """
    may_be_allowed = world.who.uid == 0 and world.bounding.has(_CHROOT) is not False
    return may_be_allowed and posixpath.normpath(given.operands[0]) == "/"


def _by_execvp(program: Program) -> OnNoExec:
    """Tell how execvp(3) takes a text.

    Glibc runs it by /bin/sh (posix/execvpe.c), musl does not.
    """
    about = program.loader.facts.loader if program.loader is not None else None
    if about is not None:
        if about.libc == "glibc":
            return OnNoExec.RUN_BY_SH
        return OnNoExec.REFUSED
    # A static program of glibc has its note; one without may be of musl, of Go or of anything else.
    if program.image.facts.kernel_floor is not None:
        return OnNoExec.RUN_BY_SH
    return OnNoExec.UNKNOWN


def _user(world: World, user: str, by: str) -> Credentials | None:
    """Whom a program runs as then; None if only root could do that, or there is no such user."""
    if world.who.uid != 0 or not user:
        return None
    who = credentials(user, world.tree, root_passes=world.who.passes)
    if who.uid is None or who.gid is None:
        return None
    if by in _KEEPS_GROUPS:
        return replace(who, gids=frozenset(), others=True)
    return who


def is_elf(world: World, process: Process, path: str) -> bool:
    """Tell whether a file begins as an ELF file does; of those that no shell takes for a script."""
    found = world.lookup(path, process.cwd)
    return isinstance(found, Found) and (
        bool(found.entry.elf) or found.entry.head.startswith(b"\x7fELF")
    )


def is_text(world: World, process: Process, path: str) -> bool:
    """Tell whether a file's first line has no NUL, as shells look at it."""
    found = world.lookup(path, process.cwd)
    return isinstance(found, Found) and b"\0" not in found.entry.head.partition(b"\n")[0]


def _simple(process: Process, usage: Usage) -> _Given | None:
    """Take a simple wrapper's command line apart.

    None if no program is named, or it is not understood.
    """
    known, user = process.args.prefix, ""
    words = list(known)
    while words and words[0].startswith("-") and words[0] != "-":
        option = words.pop(0)
        if option == "--":
            break
        name, equals, value = option.partition("=")
        if option in usage.valued and words:
            value = words.pop(0)
        elif not _stands_alone(option, usage):
            return None
        elif not equals and option[:2] in usage.valued:
            name, value = option[:2], option[2:]
        if name == usage.user:
            user = value
    if usage.user == "1" and words:
        user = words[0]
    operands, words = tuple(words[: usage.operands]), words[usage.operands :]
    if not words:
        return None
    rest = process.args.without_first(len(known) - len(words) + 1)
    return _Given(replace(process, name=words[0], args=rest), user, operands)


def _stands_alone(option: str, usage: Usage) -> bool:
    """Tell whether an option is a known one that takes no further argument."""
    joined = not option.startswith("--") and option[:2] in usage.valued
    number = usage.numbers and option.lstrip("-+").isdecimal()
    return option in usage.flags or joined or number or option.partition("=")[0] in usage.valued
