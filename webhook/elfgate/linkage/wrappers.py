"""Programs that only start another: what they are called, and how they are told which.

A wrapper is followed where its command line leaves no doubt; otherwise it is judged on its own merit. Sources:
env(1) of coreutils and busybox, tini, dumb-init, catatonit, su-exec, gosu, setpriv and their READMEs; POSIX ``sh -c``.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from elfgate.errors import UnknownReason
from elfgate.linkage import words as words_of
from elfgate.linkage.attempt import Attempt, Doubt, Hidden, Process
from elfgate.linkage.conditions import Arguments
from elfgate.linkage.credentials import READ, executable
from elfgate.linkage.entrypoint import follow_command, follow_script
from elfgate.linkage.kernel import Program
from elfgate.linkage.report import Code
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Found, Missing

_SHELL_OPTION = re.compile(r"[-+][abcefhilmnuvxEC]*o?")
_SPLIT = re.compile(r"-[iv]*S|--split-string(?:=|$)")
_SEARCHED = frozenset({"PATH", "LD_LIBRARY_PATH"})
_BASHISM = re.compile(rb"\bpipefail\b|\[\[|<<<|\bfunction\b|\$\{\w+(?::\d|[/^,@\[])")
_STARTED = Doubt(UnknownReason.SHAPE_UNKNOWN, "the shell has started then, and ends by itself")
SHELLS = frozenset({"sh", "ash", "dash", "bash", "ksh", "mksh", "zsh"})


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The program that a wrapper starts.

    Attributes:
        process: How it is started.
        by: The wrapper's path; empty for the container's own command.
        shell: The wrapper is a shell, which itself runs a text that the kernel does not take (execvp may, by libc).
    """

    process: Process
    by: str = ""
    shell: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """The command line of a simple wrapper: ``NAME [OPTION…] [OPERAND…] PROGRAM [ARG…]``.

    Attributes:
        flags: Options that stand alone.
        valued: Options that take a value: as the next argument, joined to a short one, or after a long one's ``=``.
        numbers: A number with a dash before it is an option.
        operands: How many words come before the program.
    """

    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    numbers: bool = False
    operands: int = 0


def _options(text: str) -> frozenset[str]:
    return frozenset(text.split())


SIMPLE: Mapping[str, Usage] = {
    "tini": Usage(_options("-s -g -v -vv -vvv -w"), _options("-p -e")),
    "tini-static": Usage(_options("-s -g -v -vv -vvv -w"), _options("-p -e")),
    "docker-init": Usage(_options("-s -g -v -vv -vvv -w"), _options("-p -e")),
    "dumb-init": Usage(_options("-c --single-child -v --verbose"), _options("-r --rewrite")),
    "catatonit": Usage(_options("-g")),
    "su-exec": Usage(operands=1),
    "gosu": Usage(operands=1),
    "nice": Usage(valued=_options("-n --adjustment"), numbers=True),
    "nohup": Usage(),
    "s6-setuidgid": Usage(operands=1),
    "timeout": Usage(
        _options("--foreground --preserve-status -v --verbose"),
        _options("-k -s --kill-after --signal"),
        operands=1,
    ),
}


def unwrap(attempt: Attempt, program: Program) -> Wrapped | None:
    """Tell which program a started one starts in its place.

    Args:
        attempt: The world.
        program: What runs.

    Returns:
        The program to follow, or None if there is none, or none for sure.
    """
    program = _applet(program)
    name = posixpath.basename(program.process.argv[0])
    process: Process | None = None
    if name in SHELLS:
        process = _shell(attempt, program)
    elif name == "env":
        process = _env(attempt, program)
    elif name in SIMPLE:
        process = _simple(program.process, SIMPLE[name])
    return Wrapped(process, program.process.argv[0], name in SHELLS) if process is not None else None


def _applet(program: Program) -> Program:
    """Take ``busybox APPLET …`` for the applet: its first argument is the command then."""
    argv = program.process.argv
    if not is_busybox(program) or not posixpath.basename(argv[0]).startswith("busybox") or len(argv) == 1:
        return program
    return replace(program, process=replace(program.process, argv=argv[1:]))


def is_formless(attempt: Attempt, process: Process, path: str) -> bool:
    """Tell whether a file is one that ``execve`` refuses with ENOEXEC, and a shell would run as a script then."""
    found = attempt.lookup(path, process.cwd)
    if not isinstance(found, Found) or not executable(found.entry, attempt.who):
        return False
    return not found.entry.elf and not found.entry.head.startswith((b"#!", b"\x7fELF"))


def is_plain_text(attempt: Attempt, process: Process, path: str) -> bool:
    """Tell whether a file's beginning is text: of bytes that are none, each shell makes something else."""
    found = attempt.lookup(path, process.cwd)
    return isinstance(found, Found) and b"\0" not in found.entry.head


def is_busybox(program: Program) -> bool:
    """Tell whether a program is an applet of busybox."""
    return posixpath.basename(program.image.path).startswith("busybox")


def _simple(process: Process, usage: Usage) -> Process | None:
    """Skip a simple wrapper's options and operands."""
    words = list(process.argv[1:])
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--":
            break
        if option in usage.valued and words:
            words.pop(0)
        elif not _stands_alone(option, usage):
            return None
    words = words[usage.operands :]
    return replace(process, argv=tuple(words)) if words else None


def _stands_alone(option: str, usage: Usage) -> bool:
    """Tell whether an option is a known one that takes no further argument."""
    joined = not option.startswith("--") and option[:2] in usage.valued
    number = usage.numbers and option.lstrip("-+").isdecimal()
    return option in usage.flags or joined or number or option.partition("=")[0] in usage.valued


def _env(attempt: Attempt, program: Program) -> Process | None:
    """``env [-i] [-u NAME] [-S STRING] [NAME=VALUE]… PROGRAM``; busybox's has no -S."""
    process = program.process
    env, words = dict(process.env), list(process.argv[1:])
    unknown = process.unknown_env
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--":
            break
        if option in ("-", "-i", "--ignore-environment"):
            env, unknown = {}, frozenset()
        elif option == "-u" and words:
            name = words.pop(0)
            env.pop(name, None)
            unknown -= {name}
        elif split := _SPLIT.match(option):
            if is_busybox(program):
                _no_split_string(attempt, program)
                return None
            if "i" in option[: split.end()] and option[1] != "-":
                env, unknown = {}, frozenset()
            text = option[split.end() :] or (words.pop(0) if words else "")
            if any(mark in text for mark in "\\'\"$#"):
                return None
            words[:0] = text.split()
        else:
            return None
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        env[name] = value
        unknown -= {name}
    return replace(process, argv=tuple(words), env=env, unknown_env=unknown) if words else None


def _no_split_string(attempt: Attempt, program: Program) -> None:
    path = program.process.argv[0]
    message = f"{path} is busybox's, which has no option -S (env: invalid option)"
    attempt.failed(Code.COMMAND_MISSING, program.image.path, message, words_of.FIX_ENV, program.process.doubt)


def _shell(attempt: Attempt, program: Program) -> Process | None:
    """``sh [OPTION…] SCRIPT [ARG…]`` or ``sh [OPTION…] -c COMMAND [NAME [ARG…]]``."""
    process, words = program.process, list(program.process.argv[1:])
    command = False
    while words and words[0].startswith(("-", "+")) and words[0] not in ("-", "--"):
        option = words.pop(0)
        if not _SHELL_OPTION.fullmatch(option):
            return None
        command |= option[0] == "-" and "c" in option
        if option.endswith("o") and words:
            words.pop(0)
    if words and words[0] in ("-", "--"):
        words.pop(0)
    if not words:
        return None
    if command:
        given = Arguments(words[1] if len(words) > 1 else process.argv[0], tuple(words[2:]), _known(process))
        reached = follow_command(words[0], given)
    else:
        text = _script(attempt, program, words[0])
        given = Arguments(words[0], tuple(words[1:]), _known(process))
        reached = follow_script(text, given) if text is not None else None
    if reached is None or not reached.argv or not reached.argv[0]:
        return None
    cwd = posixpath.join(process.cwd, reached.directory)
    env = {**process.env, **reached.env}
    return replace(process, argv=reached.argv, env=env, cwd=cwd).doubted(reached.doubt)


def _is_bash(program: Program) -> bool:
    """Tell whether it ends with 127, as if a program were missing; others end as they would for any error."""
    return posixpath.basename(program.image.path) == "bash"


def _in_bash(entry: Entry) -> bool:
    """Tell whether a script uses what dash ends at, or takes for something else."""
    return _BASHISM.search(entry.head + entry.tail) is not None


def _known(process: Process) -> Mapping[str, str]:
    """The variables whose values are certain, and those of searches, whose doubts are told elsewhere."""
    anything = "*" in process.unknown_env
    return {
        name: value
        for name, value in process.env.items()
        if name in _SEARCHED or not (anything or name in process.unknown_env)
    }


def _script(attempt: Attempt, program: Program, path: str) -> str | None:
    """Read the script that a shell was given; report it if it is not there."""
    found = attempt.lookup(path, program.process.cwd)
    if isinstance(found, Hidden):
        attempt.unknown(found.path, found.doubt.because, found.doubt.reason)
    elif isinstance(found, Missing) and "/" in path:
        message = f"{program.process.argv[0]} runs {words_of.command_missing(path, found, attempt.variant)}"
        doubt = None if _is_bash(program) else _STARTED
        attempt.failed(Code.COMMAND_MISSING, path, message, words_of.FIX_COMMAND, program.process.doubt or doubt)
    elif isinstance(found, Found) and found.entry.kind is Kind.FILE and not attempt.who.may(found.entry, READ):
        message = f"{program.process.argv[0]} cannot read {path} as user {attempt.who.uid}"
        attempt.failed(Code.COMMAND_NOT_EXECUTABLE, path, message, words_of.FIX_MODE, program.process.doubt)
    elif isinstance(found, Found) and not (posixpath.basename(program.image.path) == "dash" and _in_bash(found.entry)):
        whole = found.entry.head + found.entry.tail
        if len(whole) == found.entry.size:
            return whole.decode("utf-8", "surrogateescape")
    return None
