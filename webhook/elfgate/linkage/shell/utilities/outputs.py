"""The output of tools, where it can be told.

Source: POSIX.1-2017, "Utilities"; the manuals of coreutils and busybox.
"""

import posixpath
import re
from collections.abc import Callable

from elfgate.linkage.shell import files
from elfgate.linkage.shell.launches import find
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.world import Kind, Thing, World
from elfgate.linkage.values import Scalar, Unknown

Arguments = tuple[str, ...]
Output = Callable[[Arguments, State, World], Scalar]
_UNKNOWN = Unknown("the output of a command is not known")
_NUMBER = Unknown("the output of a command is not known", number=True)
_SLASHES = re.compile(r"/+[^/]*$")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,17}")  # a zero before others makes a number octal
_CONVERSION = re.compile(r"%(%|s|d)|\\([nt\\])|([%\\])")


def unknown(args: Arguments, state: State, world: World) -> Scalar:
    """Nothing is known of it."""
    del args, state, world
    return _UNKNOWN


def silent(args: Arguments, state: State, world: World) -> Scalar:
    """It prints nothing."""
    del args, state, world
    return ""


def echo(args: Arguments, state: State, world: World) -> Scalar:
    """``echo``: shells differ in what they make of options and of backslashes."""
    del state
    ending = "\n"
    if args[:1] == ("-n",):
        args, ending = args[1:], ""
    if args[:1] and re.fullmatch(r"-[neE]+", args[0]):
        return _UNKNOWN
    text = " ".join(args)
    if "\\" in text and not world.dialect.is_bash:
        return _UNKNOWN
    return text + ending


def printf(args: Arguments, state: State, world: World) -> Scalar:
    """``printf`` with ``%s``, ``%d`` and plain escapes."""
    del state, world
    if args[:1] == ("--",):
        args = args[1:]
    if not args:
        return _UNKNOWN
    pieces, rest = list[str](), list(args[1:])
    while True:
        count = len(rest)
        piece = _formatted(args[0], rest)
        if piece is None:
            return _UNKNOWN
        pieces.append(piece)
        if not rest or len(rest) == count:
            return "".join(pieces)


def _formatted(form: str, rest: list[str]) -> str | None:
    """Format once, taking the arguments that it needs; None if it is not understood."""
    pieces: list[str] = []
    at = 0
    for match in _CONVERSION.finditer(form):
        pieces.append(form[at : match.start()])
        at = match.end()
        if match[3] or (match[1] == "d" and not (rest[:1] and _DECIMAL.fullmatch(rest[0]))):
            return None
        if match[2]:
            pieces.append({"n": "\n", "t": "\t", "\\": "\\"}[match[2]])
        elif match[1] == "%":
            pieces.append("%")
        elif rest:
            value = rest.pop(0)
            pieces.append(str(int(value)) if match[1] == "d" else value)
    return "".join([*pieces, form[at:]])


def identity(args: Arguments, state: State, world: World) -> Scalar:
    """``id -u``."""
    del state
    if args != ("-u",):
        if args[:1] != ("-g",):
            return _UNKNOWN
        return _NUMBER
    if world.uid is None:
        return _NUMBER
    return f"{world.uid}\n"


def uname(args: Arguments, state: State, world: World) -> Scalar:
    """``uname``."""
    del state
    if args in {(), ("-s",)}:
        return "Linux\n"
    if args != ("-m",) or isinstance(world.machine, Unknown):
        return _UNKNOWN
    return world.machine + "\n"


def basename(args: Arguments, state: State, world: World) -> Scalar:
    """``basename PATH [SUFFIX]``."""
    del state, world
    if not 1 <= len(args) <= 2 or args[0].startswith("-") or not args[0].strip("/"):
        return _UNKNOWN
    name = posixpath.basename(args[0].rstrip("/"))
    if len(args) == 2 and name != args[1]:
        name = name.removesuffix(args[1])
    return name + "\n"


def dirname(args: Arguments, state: State, world: World) -> Scalar:
    """``dirname PATH``."""
    del state, world
    if args[:1] == ("--",):
        args = args[1:]
    if len(args) != 1 or args[0].startswith("-") or not args[0].strip("/"):
        return _UNKNOWN
    path = args[0].rstrip("/")
    if "//" in path:
        return _UNKNOWN  # tools differ in which of the slashes stay
    if "/" not in path:
        return ".\n"
    return (_SLASHES.sub("", path) or "/") + "\n"


def which(args: Arguments, state: State, world: World) -> Scalar:
    """``which NAME``."""
    if len(args) != 1 or args[0].startswith("-"):
        return _UNKNOWN
    if "/" in args[0]:
        there = files.is_executable(args[0], state, world)
        if there is None:
            return _UNKNOWN
        if there:
            return args[0] + "\n"
        return ""
    return found_as(args[0], state, world)


def found_as(name: str, state: State, world: World) -> Scalar:
    """The line that tells where a command is; empty if it is nowhere."""
    found = find(name, state, world)
    if isinstance(found, Unknown):
        return found
    if found is None:
        return ""
    return found + "\n"


def real(args: Arguments, state: State, world: World) -> Scalar:
    """``readlink -f PATH`` and ``realpath PATH``, of what is there."""
    if len(args) == 2 and args[0] in {"-f", "-e"}:
        args = args[1:]
    if len(args) != 1 or args[0].startswith("-"):
        return _UNKNOWN
    thing = files.look(args[0], state, world)
    known = isinstance(thing, Thing) and thing.kind is not Kind.OTHER
    if known and isinstance(thing, Thing):
        return f"{thing.path}\n"
    return _UNKNOWN


def readlink(args: Arguments, state: State, world: World) -> Scalar:
    """``readlink -f PATH``."""
    if args[:1] == ("-f",):
        return real(args, state, world)
    return _UNKNOWN


def contents(args: Arguments, state: State, world: World) -> Scalar:
    """``cat FILE…``, and of its input without operands."""
    if not args:
        if state.flow.input is None:
            return _UNKNOWN
        return state.flow.input
    texts: list[str] = []
    for path in args:
        thing = None if path.startswith("-") else files.look(path, state, world)
        if not isinstance(thing, Thing) or not thing.readable:
            return _UNKNOWN
        text = _text(path, thing, state, world)
        if isinstance(text, Unknown):
            return text
        texts.append(text)
    return "".join(texts)


def _text(path: str, thing: Thing, state: State, world: World) -> Scalar:
    if thing.kind is Kind.NULL or (thing.kind is Kind.FILE and thing.size == 0):
        return ""
    if thing.kind is not Kind.FILE:
        return _UNKNOWN
    text = world.text(path, state.files.cwd)
    if isinstance(text, str):
        world.spend(len(text) // 64)
    return text


def listing(args: Arguments, state: State, world: World) -> Scalar:
    """``ls DIRECTORY``, ``ls -A DIRECTORY``."""
    options = {letter for arg in args if arg.startswith("-") for letter in arg[1:]}
    paths = [arg for arg in args if not arg.startswith("-")]
    if not options <= set("A1") or len(paths) != 1:
        return _UNKNOWN
    thing = files.look(paths[0], state, world)
    if not isinstance(thing, Thing) or not thing.readable or thing.kind is not Kind.DIRECTORY:
        return _UNKNOWN
    names = world.listing(paths[0], state.files.cwd)
    if isinstance(names, Unknown):
        return names
    shown = [name for name in names if "A" in options or not name.startswith(".")]
    return "".join(f"{name}\n" for name in shown)
