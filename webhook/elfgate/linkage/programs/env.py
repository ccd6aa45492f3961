"""The program that ``env`` starts, and the environment that it gives it.

Source: env(1) of coreutils and busybox.
"""

import posixpath
import re
from dataclasses import replace

from elfgate.errors import UnknownReason
from elfgate.linkage import messages
from elfgate.linkage.environment import Environment
from elfgate.linkage.kernel.program import Program
from elfgate.linkage.programs.busybox import is_busybox
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown
from elfgate.linkage.world import Process, World
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found

_QUOTED = re.compile(r"[\\'\"$#]")
_SPLIT = re.compile(r"-[iv]*S|--split-string(?:=|$)")


def process_of_env(world: World, record: Record, program: Program) -> Process | None:
    """``env [-i] [-u NAME] [-C DIR] [-S STRING] [NAME=VALUE]… PROGRAM``.

    Busybox's has neither -C nor -S.
    """
    process = program.process
    env, known = process.env, process.args.prefix
    words = list(known)
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--":
            break
        if option in ("-", "-i", "--ignore-environment"):
            env = Environment()
        elif option == "-u" and words:
            env = env.having({words.pop(0): UNSET})
        elif (directory := _directory(option, words, program)) and _is_directory(
            world, process, directory
        ):
            process = replace(
                process,
                cwd=posixpath.normpath(posixpath.join(process.cwd, directory)),
            )
        elif split := _SPLIT.match(option):
            if is_busybox(program):
                _no_split_string(record, program)
                return None
            if "i" in option[: split.end()] and option[1] != "-":
                env = Environment()
            text = option[split.end() :] or "".join(words[:1])
            words = [
                *text.split(),
                *(words if option[split.end() :] else words[1:]),
            ]
            if _QUOTED.search(text):
                return None
        else:
            return None
    process = replace(process, env=env.having(_assigned(words)))
    rest = Fields((*words, *process.args.values[len(known) :]), process.args.more)
    return _named(record, program, process, rest)


def _named(record: Record, program: Program, process: Process, words: Fields) -> Process | None:
    """Give the process whose command line these words are, if its name is known."""
    name = words.values[0] if words.values else None
    if isinstance(name, str):
        return replace(process, name=name, args=words.without_first())
    report_unknown(record, program)
    return None


def report_unknown(record: Record, program: Program) -> None:
    """Report a wrapper whose program, or what stands before it, is not known."""
    word = next(
        (word for word in program.process.args.values if isinstance(word, Unknown)),
        None,
    )
    if word is not None:
        message = f"the program that {program.process.name} starts is not known: {word.because}"
        record.unknown(program.image.path, message, UnknownReason.VALUE_UNKNOWN)


def _assigned(words: list[str]) -> dict[str, Scalar]:
    """Take off the leading ``NAME=VALUE``."""
    values: dict[str, Scalar] = {}
    while words and "=" in words[0]:
        name, _, values[name] = words.pop(0).partition("=")
    return values


def _is_directory(world: World, process: Process, path: str) -> bool:
    found = world.lookup(path, process.cwd)
    return isinstance(found, Found) and found.entry.kind is Kind.DIRECTORY


def _directory(option: str, words: list[str], program: Program) -> str:
    """The directory of ``-C``, which busybox's env does not have; empty if it is another option."""
    if is_busybox(program):
        return ""
    if option == "-C" and words:
        return words.pop(0)
    if option.startswith(("-C", "--chdir=")):
        return option.removeprefix("-C").removeprefix("--chdir=")
    return ""


def _no_split_string(record: Record, program: Program) -> None:
    path = program.process.name
    message = f"{path} is busybox's, which has no option -S (env: invalid option)"
    record.failed(
        Code.COMMAND_MISSING,
        program.image.path,
        message,
        messages.FIX_ENV,
        program.process.doubt,
    )
