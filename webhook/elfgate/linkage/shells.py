"""Shells: how they are called, the script that they are given, and the programs that it may end in.

Source: POSIX.1-2017, sh(1); bash(1), dash(1) and busybox's ash where they differ.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from elfgate.errors import UnknownReason
from elfgate.linkage import words as words_of
from elfgate.linkage.attempt import Attempt, Doubt, Hidden, Process
from elfgate.linkage.credentials import READ
from elfgate.linkage.kernel import Program
from elfgate.linkage.path_search import find_command
from elfgate.linkage.report import Code, Outcome
from elfgate.linkage.shell.entrypoint import follow_script
from elfgate.linkage.shell.state import Fields, State, Value
from elfgate.linkage.shell.walk import Followed
from elfgate.linkage.shell.world import ScriptWorld, Shell
from elfgate.linkage.ways import ByText, Ways, Wrapped
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing

SHELLS = frozenset({"sh", "ash", "dash", "bash", "ksh", "mksh", "zsh"})
_OPTION = re.compile(r"[-+][abcefhilmnuvxEC]*o?")
_STARTED = Doubt(UnknownReason.SHAPE_UNKNOWN, "the shell has started then, and ends by itself")
_BYTES = Doubt(UnknownReason.SHAPE_UNKNOWN, "what the shell makes of its bytes is not known")
_NOT_FOLLOWED = Doubt(
    UnknownReason.SHAPE_UNKNOWN, "the script that may start it cannot be followed"
)
_NOT_OF_DASH = re.compile(
    r"<<<|^\s*function\s|[<>]\(|&>|[A-Za-z_]\w*\+?=\(|(?<!\$)\(\(", re.MULTILINE
)
_KINDS = {"dash": Shell.DASH, "bash": Shell.BASH}


@dataclass(frozen=True, slots=True)
class _Call:
    """How a shell is called.

    Attributes:
        options: Letters.
        command: The text is given with ``-c``.
        words: What follows the options.
    """

    options: frozenset[str]
    command: bool
    words: tuple[str, ...]


def shell(attempt: Attempt, program: Program, outcome: Callable[[Wrapped], Outcome]) -> Ways | None:
    """Tell which programs a shell may start in its place: ``sh [OPTION…] SCRIPT [ARG…]``, ``sh -c COMMAND [NAME …]``.

    Args:
        attempt: The world; a script that is not there is recorded.
        program: The shell.
        outcome: Tells what would come of starting another.

    Returns:
        The programs, or None if there are none.
    """
    call = _called(program.process)
    if call is None or not call.words:
        return None
    text = call.words[0] if call.command else _script(attempt, program, call.words[0])
    if text is None:
        return None
    name, args = call.words[0], call.words[1:]
    if call.command:
        name, args = (args[0], args[1:]) if args else (program.process.argv[0], ())
    tried: dict[tuple[object, ...], Outcome] = {}

    def come(process: Process) -> Outcome:
        key = (
            process.argv,
            process.file,
            process.cwd,
            tuple(sorted(process.env.items())),
            process.doubt,
        )
        if key not in tried:
            tried[key] = outcome(_wrapped(program, process))
        return tried[key]

    world = ScriptWorld(attempt, program.process, _kind(program), come)
    sources: dict[str, Value] = {} if call.command else {"BASH_SOURCE": (name,)}
    state = State(name, Fields(args), program.process.cwd, sources, options=call.options)
    if {"l", "i"} & call.options:
        state = state.doubted("the shell reads its profile before")
    followed = _followed(text, state, world)
    return _ways(attempt, program, followed, args)


def _called(process: Process) -> _Call | None:
    words, options = list(process.argv[1:]), set[str]()
    while words and words[0].startswith(("-", "+")) and words[0] not in ("-", "--"):
        option = words.pop(0)
        if not _OPTION.fullmatch(option):
            return None
        options = options | set(option[1:]) if option[0] == "-" else options - set(option[1:])
        if option.endswith("o") and words:
            words.pop(0)
    if words and words[0] in ("-", "--"):
        words.pop(0)
    return _Call(frozenset(options - {"c", "o"}), "c" in options, tuple(words))


def _kind(program: Program) -> Shell:
    name = posixpath.basename(program.image.path)
    return Shell.BUSYBOX if name.startswith("busybox") else _KINDS.get(name, Shell.OTHER)


def _followed(text: str, state: State, world: ScriptWorld) -> Followed:
    env = world.process.env
    changed = any(name.startswith("BASH_FUNC_") or name in {"BASH_ENV", "ENV"} for name in env)
    not_of_it = world.shell is Shell.DASH and _NOT_OF_DASH.search(text)
    if (
        changed
        or not_of_it
        or posixpath.basename(world.process.argv[0]) == "zsh"
        or "n" in state.options
    ):
        return Followed((), lost=True)
    return follow_script(text, state, world)


def _ways(
    attempt: Attempt, program: Program, followed: Followed, args: tuple[str, ...]
) -> Ways | None:
    wrapped = [
        replace(_wrapped(program, ending.process), aside=ending.aside)
        for ending in followed.endings
        if ending.process is not None
    ]
    ends = any(
        ending.process is None for ending in followed.endings
    )  # with an error of its own, it has started too
    if followed.lost:
        wrapped += _as_far_as_visible(attempt, program, args)
    return Ways(tuple(wrapped), ends or followed.lost) if wrapped else None


def _as_far_as_visible(attempt: Attempt, program: Program, args: tuple[str, ...]) -> list[Wrapped]:
    """What a script that cannot be followed starts most likely: its arguments, where they name a file."""
    if not args or not args[0]:
        return []
    process = replace(program.process, argv=args).doubted(_NOT_FOLLOWED)
    named = (
        "/" in args[0] or find_command(attempt, process, args[0], actor="shell").path is not None
    )
    return [_wrapped(program, process)] if named else []


def _wrapped(program: Program, process: Process) -> Wrapped:
    return Wrapped(process, program.process.argv[0], ByText.RUN_BY_ITSELF, file=program.image.path)


def _script(attempt: Attempt, program: Program, path: str) -> str | None:
    """Read the script that a shell was given; report it if it is not there."""
    found = attempt.lookup(path, program.process.cwd)
    if isinstance(found, Hidden):
        attempt.unknown(found.path, found.doubt.because, found.doubt.reason)
    elif isinstance(found, Missing) and "/" in path:
        message = f"{program.process.argv[0]} runs {words_of.command_missing(path, found, attempt.variant)}"
        doubt = (
            None if _kind(program) is Shell.BASH else _STARTED
        )  # others end as they would for any error
        attempt.failed(
            Code.COMMAND_MISSING,
            path,
            message,
            words_of.FIX_COMMAND,
            program.process.doubt or doubt,
        )
    elif (
        isinstance(found, Found)
        and found.entry.kind is Kind.FILE
        and not attempt.who.may(found.entry, READ)
    ):
        message = f"{program.process.argv[0]} cannot read {path} as user {attempt.who.uid}"
        attempt.failed(
            Code.COMMAND_NOT_EXECUTABLE, path, message, words_of.FIX_MODE, program.process.doubt
        )
    elif isinstance(found, Found) and found.entry.elf:
        message = f"{program.process.argv[0]} is given {path} as a script, which is an ELF file"
        doubt = (
            None if _kind(program) is Shell.BASH else _BYTES
        )  # bash: "cannot execute binary file"
        attempt.failed(
            Code.EXEC_FORMAT, path, message, words_of.FIX_FORMAT, program.process.doubt or doubt
        )
    elif isinstance(found, Found):
        whole = found.entry.head + found.entry.tail
        if len(whole) == found.entry.size and b"\0" not in whole:
            return whole.decode("utf-8", "surrogateescape")
    return None
