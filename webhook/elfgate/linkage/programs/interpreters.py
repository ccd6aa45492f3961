"""Shells: how they are called, the script that they are given, and the programs that it may end in.

Source: POSIX.1-2017, sh(1); bash(1), dash(1) and busybox's ash where they differ.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.credentials import READ
from elfgate.linkage.kernel.program import Program
from elfgate.linkage.path_search import find_command
from elfgate.linkage.programs.script_texts import inner
from elfgate.linkage.programs.script_world import ScriptWorld
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code, Outcome
from elfgate.linkage.shell.ends import Ending, Followed
from elfgate.linkage.shell.interpreter import follow
from elfgate.linkage.shell.state import Files, Flow, Frame, State, Variables
from elfgate.linkage.shell.syntax.dialect import Dialect, dialect_of
from elfgate.linkage.starts import OnNoExec, Start, Starts
from elfgate.linkage.values import Doubt, Fields, Scalar, Unknown
from elfgate.linkage.world import Hidden, Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing

SHELLS = frozenset({"sh", "ash", "dash", "bash", "ksh", "ksh93", "mksh", "zsh"})
_OPTION = re.compile(r"[-+][abcefhilmnuvxEC]*o?")
_NAMED = {"errexit": "e", "nounset": "u", "noglob": "f", "allexport": "a"}
_PROFILE = "the shell reads its profile before"
_STARTED = Doubt(UnknownReason.SHAPE_UNKNOWN, "the shell has started then, and ends by itself")
_BYTES = Doubt(UnknownReason.SHAPE_UNKNOWN, "what the shell makes of its bytes is not known")
_OF_ANOTHER_KIND = "the shell, or what is told to it, is of another kind"
_NOT_FOLLOWED = Doubt(
    UnknownReason.SHAPE_UNKNOWN, "the script that may start it cannot be followed"
)


@dataclass(frozen=True, slots=True)
class _Call:
    """How a shell is called.

    Attributes:
        options: Letters and names.
        command: The text is given with ``-c``.
        words: What follows the options, some of it not known.
    """

    options: frozenset[str]
    command: bool
    words: Fields


def shell(
    world: World,
    record: Record,
    program: Program,
    outcome: Callable[[Start], Outcome],
) -> Starts | None:
    """Tell which programs a shell may start in its place.

    It is called as ``sh [OPTION…] SCRIPT [ARG…]`` or ``sh -c COMMAND [NAME ARG…]``.

    Args:
        world: The world.
        record: Takes what is found.
        program: The shell, loaded.
        outcome: Tells what would come of starting another program.

    Returns:
        The programs, or None if there are none.
    """
    call = _called(program.process)
    if call is None or not call.words.values:
        return None
    given, args = call.words.values[0], call.words.without_first()
    if isinstance(given, Unknown):
        _report_unknown(record, program, given)
        return None
    text = given if call.command else _script(world, record, program, given)
    if text is None:
        return None
    name: Scalar = given
    if call.command:
        name = args.values[0] if args.values else program.process.name
        args = args.without_first()

    def come(process: Process) -> Outcome:
        return outcome(_start(program, process))

    inside = ScriptWorld(world, record, program.process, _dialect(program), come)
    state = _first_state(program.process, call, name, args)
    followed = _followed(inner(text), state, inside, program)
    if followed.lost and (doubt := args.doubt) is not None:
        _report_unknown(record, program, doubt)
    return _starts(world, record, program, followed, inside, args=args)


def _first_state(process: Process, call: _Call, name: Scalar, args: Fields) -> State:
    sources = {} if call.command else {"BASH_SOURCE": Fields((_inner(name),))}
    frame = Frame(_inner(name), Fields(tuple(map(_inner, args.values)), args.more))
    flow = Flow(options=call.options)
    state = State(frame, Variables(sources), Files(inner(process.cwd)), flow)
    touched = frozenset(map(inner, process.touched))
    state = state.touching(touched).linking(frozenset(filter(_is_below, touched)))
    state = state.barring(frozenset(map(inner, process.barred)))
    state = state.removing(frozenset(map(inner, process.removed)))
    if {"l", "i"} & call.options:
        return state.doubted(_PROFILE)
    return state


def _inner(word: Scalar) -> Scalar:
    if isinstance(word, str):
        return inner(word)
    return word


def _report_unknown(record: Record, program: Program, word: Unknown) -> None:
    """Report that a shell starts what a word of its command line decides."""
    name = program.process.name
    message = f"the program that {name} starts is not known: {word.because}"
    record.unknown(program.image.path, message, UnknownReason.VALUE_UNKNOWN)


def _is_below(path: str) -> bool:
    """Tell whether a path stands for all that is below it, links among them."""
    return path.endswith("/")


def _called(process: Process) -> _Call | None:
    known, options = process.args.prefix, set[str]()
    words = list(known)
    while words and words[0].startswith(("-", "+")) and words[0] not in ("-", "--"):
        option = words.pop(0)
        if not _OPTION.fullmatch(option):
            return None
        letters = set(option[1:])
        if option.endswith("o") and words:
            named = words.pop(0)
            letters |= {_NAMED.get(named, named)}
        options = options | letters if option[0] == "-" else options - letters
    if words and words[0] in ("-", "--"):
        words.pop(0)
    rest = process.args.without_first(len(known) - len(words))
    return _Call(frozenset(options - {"c", "o"}), "c" in options, rest)


def _dialect(program: Program) -> Dialect:
    called = posixpath.basename(program.process.name)
    return dialect_of(posixpath.basename(program.image.path), called)


def _followed(text: str, state: State, inside: ScriptWorld, program: Program) -> Followed:
    process = program.process
    changed = bool(process.env.beginning("BASH_FUNC_"))
    changed |= any(map(process.env.names, ("BASH_ENV", "ENV")))
    zsh = posixpath.basename(process.name) == "zsh"
    if changed or zsh or {"n", "posix", "noexec"} & state.flow.options:
        return Followed((), _OF_ANOTHER_KIND)
    return follow(text, state, inside)


def _starts(
    world: World,
    record: Record,
    program: Program,
    followed: Followed,
    inside: ScriptWorld,
    *,
    args: Fields,
) -> Starts | None:
    starts: list[Start] = []
    for ending in followed.endings:
        process = _process(ending, inside)
        if process is None:
            continue
        one = replace(_start(program, process), aside=ending.aside)
        if one not in starts:
            starts.append(one)
    # A script that ends with an error of its own has started too.
    ends = any(ending.launch is None for ending in followed.endings)
    if followed.lost:
        starts += _as_far_as_visible(world, record, program, args)
    if starts or followed.lost:
        return Starts(tuple(starts), ends or bool(followed.lost), followed.lost)
    return None


def _process(ending: Ending, inside: ScriptWorld) -> Process | None:
    if ending.launch is None:
        return None
    process = inside.process_of(ending.launch)
    if not ending.doubt:
        return process
    return process.doubted(Doubt(UnknownReason.SHAPE_UNKNOWN, ending.doubt))


def _as_far_as_visible(world: World, record: Record, program: Program, args: Fields) -> list[Start]:
    """The likely start of a script that cannot be followed.

    Its arguments, where they name a file.
    """
    name = args.values[0] if args.values else ""
    if not isinstance(name, str) or not name:
        return []
    process = replace(program.process, name=name, args=args.without_first())
    process = process.doubted(_NOT_FOLLOWED)
    named = (
        "/" in name or find_command(world, record, process, name, actor="shell").path is not None
    )
    if named:
        return [_start(program, process)]
    return []


def _start(program: Program, process: Process) -> Start:
    return Start(
        process,
        program.process.name,
        OnNoExec.RUN_BY_ITSELF,
        file=program.image.path,
    )


def _script(world: World, record: Record, program: Program, path: str) -> str | None:
    """Read the script that a shell was given; report it if it is not there."""
    found = world.lookup(path, program.process.cwd)
    if isinstance(found, Hidden):
        record.unknown(found.path, found.doubt.because, found.doubt.reason)
    elif isinstance(found, Missing) and "/" in path:
        _report_missing(world, record, program, path, found)
    elif not isinstance(found, Found):
        return None
    elif found.entry.kind is Kind.FILE and not world.who.may(found.entry, READ):
        message = f"{program.process.name} cannot read {path} as user {world.who.uid}"
        record.failed(
            Code.COMMAND_NOT_EXECUTABLE,
            path,
            message,
            messages.FIX_MODE,
            program.process.doubt,
        )
    elif found.entry.elf:
        _report_elf(record, program, path)
    else:
        whole = found.entry.head + found.entry.tail
        if len(whole) == found.entry.size and b"\0" not in whole:
            return whole.decode("utf-8", "surrogateescape")
    return None


def _report_missing(
    world: World, record: Record, program: Program, path: str, found: Missing
) -> None:
    missing = messages.command_missing(path, found, world.distro)
    message = f"{missing}, and {program.process.name} is given it as a script"
    # Shells other than bash end as they would for any error.
    doubt = program.process.doubt or (None if _dialect(program).is_bash else _STARTED)
    record.failed(Code.COMMAND_MISSING, path, message, messages.FIX_COMMAND, doubt)


def _report_elf(record: Record, program: Program, path: str) -> None:
    message = f"{program.process.name} is given {path} as a script, which is an ELF file"
    # bash says that it cannot execute a binary file
    doubt = program.process.doubt or (None if _dialect(program).is_bash else _BYTES)
    record.failed(Code.EXEC_FORMAT, path, message, messages.FIX_SHELL, doubt)
