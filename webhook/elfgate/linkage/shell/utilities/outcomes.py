"""Whether a tool succeeds: known only where image, user and mounts leave no other outcome.

Source: POSIX.1-2017, "Utilities"; the manuals of coreutils and busybox.
"""

import posixpath
import re
from collections.abc import Callable

from elfgate.linkage.shell import files
from elfgate.linkage.shell.launches import find
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import Truth, both, either
from elfgate.linkage.shell.world import Absent, Kind, Thing, World
from elfgate.linkage.values import Unknown

Arguments = tuple[str, ...]
Outcome = Callable[[Arguments, State, World], Truth]
_MODE = re.compile(r"[0-7]{1,4}|[ugoa]*[-+=][rwxXst]+(,[ugoa]*[-+=][rwxXst]+)*")
_OWNER = re.compile(r"([a-zA-Z0-9_-]*)([:.]([a-zA-Z0-9_-]*))?")
_SIMPLE = re.compile(r"[A-Za-z0-9 _=:./@-]+")


def always(args: Arguments, state: State, world: World) -> Truth:
    """It succeeds, whatever it is given."""
    del args, state, world
    return True


def never(args: Arguments, state: State, world: World) -> Truth:
    """It fails, whatever it is given."""
    del args, state, world
    return False


def perhaps(args: Arguments, state: State, world: World) -> Truth:
    """Nothing is known."""
    del args, state, world
    return None


def without_arguments(args: Arguments, state: State, world: World) -> Truth:
    """It succeeds without arguments; of others nothing is known."""
    del state, world
    if args:
        return None
    return True


def matching(pattern: str, least: int = 1) -> Outcome:
    """It succeeds with arguments that all match a regular expression."""
    compiled = re.compile(pattern)

    def outcome(args: Arguments, state: State, world: World) -> Truth:
        del state, world
        if len(args) >= least and all(map(compiled.fullmatch, args)):
            return True
        return None

    return outcome


def _split(args: Arguments, letters: str) -> tuple[str, list[str]] | None:
    """Part options from operands; None for an option that is not one of these letters."""
    options, operands = "", list[str]()
    for number, arg in enumerate(args):
        if arg == "--":
            return options, operands + list(args[number + 1 :])
        if arg.startswith("-") and arg != "-":
            if not set(arg[1:]) <= set(letters):
                return None
            options += arg[1:]
        else:
            operands.append(arg)
    return options, operands


def _all(truths: list[Truth]) -> Truth:
    whole: Truth = True
    for truth in truths:
        whole = both(whole, truth)
    return whole


def mkdir(args: Arguments, state: State, world: World) -> Truth:
    """``mkdir``: with ``-p``, a directory that is there is no error."""
    given = _split(args, "pv")
    if given is None or not given[1]:
        return None
    if "p" in given[0]:
        return _all([files.directory_made(path, state, world) for path in given[1]])
    return _all([_new_directory(path, state, world) for path in given[1]])


def _new_directory(path: str, state: State, world: World) -> Truth:
    thing = files.look(path, state, world)
    if isinstance(thing, Absent):
        return files.may_create(path, state, world)
    if isinstance(thing, Unknown):
        return None
    return False


def touch(args: Arguments, state: State, world: World) -> Truth:
    """``touch``."""
    given = _split(args, "acm")
    if given is None or not given[1]:
        return None
    return _all([_touched(path, state, world) for path in given[1]])


def _touched(path: str, state: State, world: World) -> Truth:
    thing = files.look(path, state, world)
    if isinstance(thing, Thing) and thing.kind is Kind.DIRECTORY:
        if thing.writable and world.uid == 0:
            return True
        return None
    created = files.may_create(path, state, world)
    if created or isinstance(thing, Absent):
        return created
    return None


def rm(args: Arguments, state: State, world: World) -> Truth:
    """``rm``: with ``-f``, what is not there is no error."""
    given = _split(args, "frRv")
    if given is None or not given[1]:
        return None
    return _all([_removed(path, given[0], state, world) for path in given[1]])


def _removed(path: str, options: str, state: State, world: World) -> Truth:
    thing = files.look(path, state, world)
    if isinstance(thing, Absent):
        if thing.link or thing.barred:
            return None
        return "f" in options
    if isinstance(thing, Unknown) or thing.kind is Kind.OTHER:
        return None
    recursive = bool({"r", "R"} & set(options))
    if thing.kind is Kind.DIRECTORY and not (recursive and world.uid == 0):
        return None if recursive else False
    parent = files.look(posixpath.dirname(path.rstrip("/")) or ".", state, world)
    if isinstance(parent, Thing) and parent.writable and thing.path not in {"/", ""}:
        return True
    return None


def chown(args: Arguments, state: State, world: World) -> Truth:
    """``chown`` and ``chgrp``, by root, of what is there, to a user that is there."""
    given = _split(args, "Rhv")
    if given is None or len(given[1]) < 2 or not world.may_be_root("CHOWN"):
        return None
    match = _OWNER.fullmatch(given[1][0])
    if match is None or not _is_there("/etc/passwd", match[1], state, world):
        return None
    if not _is_there("/etc/group", match[3] or "", state, world):
        return None
    if _exist(given[1][1:], state, world):
        return True
    return None


def chgrp(args: Arguments, state: State, world: World) -> Truth:
    """``chgrp``."""
    given = _split(args, "Rhv")
    if given is None or len(given[1]) < 2 or not world.may_be_root("CHOWN"):
        return None
    there = _is_there("/etc/group", given[1][0], state, world)
    if there and _exist(given[1][1:], state, world):
        return True
    return None


def _is_there(table: str, name: str, state: State, world: World) -> bool:
    """Tell whether a user or a group is known."""
    if not name or name.isdecimal():
        return True
    if files.may_have_changed(table, state):
        return False
    text = world.text(table, "/")
    return isinstance(text, str) and f"\n{name}:" in f"\n{text}"


def _exist(paths: list[str], state: State, world: World) -> bool:
    """Tell whether files are there, on a file system that can be written."""
    for path in paths:
        thing = files.look(path, state, world)
        if not isinstance(thing, Thing) or thing.kind is Kind.OTHER or not thing.writable:
            return False
    return True


def chmod(args: Arguments, state: State, world: World) -> Truth:
    """``chmod``, by root, of what is there."""
    given = [arg for arg in args if arg not in {"-R", "-v", "-f"}]
    if len(given) < 2 or not _MODE.fullmatch(given[0]) or not world.may_be_root("FOWNER"):
        return None
    if _exist(given[1:], state, world):
        return True
    return None


def which(args: Arguments, state: State, world: World) -> Truth:
    """``which``: it fails where one of its names is not found."""
    if not args or any(arg.startswith("-") for arg in args):
        return None
    return _all([_found(name, state, world) for name in args])


def _found(name: str, state: State, world: World) -> Truth:
    if "/" in name:
        return files.is_executable(name, state, world)
    found = find(name, state, world)
    if isinstance(found, Unknown):
        return None
    return found is not None


def reads(args: Arguments, state: State, world: World) -> Truth:
    """A tool that reads its operands: it fails where one is missing."""
    given = _split(args, "")
    if given is None:
        return None
    return _all([_read(path, state, world) for path in given[1] if path != "-"])


def _read(path: str, state: State, world: World) -> Truth:
    thing = files.look(path, state, world)
    if isinstance(thing, Thing):
        if thing.kind in {Kind.FILE, Kind.NULL}:
            return thing.readable
        return None
    if isinstance(thing, Unknown):
        return None
    return False


def lists(args: Arguments, state: State, world: World) -> Truth:
    """``ls``: it fails where an operand is missing."""
    given = _split(args, "laAd1hFRtrS")
    if given is None:
        return None
    return _all([_listed(path, state, world) for path in given[1]])


def _listed(path: str, state: State, world: World) -> Truth:
    link = files.test("h", path, state, world)
    thing = files.look(path, state, world)
    if isinstance(thing, Thing):
        if thing.kind is Kind.DIRECTORY:
            return thing.readable
        return True
    if isinstance(thing, Unknown) or link is not False:
        return None
    return False


def readlink(args: Arguments, state: State, world: World) -> Truth:
    """``readlink``: without options, it fails for all but symlinks."""
    given = _split(args, "fe")
    if given is not None and not given[0] and len(given[1]) == 1:
        return files.test("h", given[1][0], state, world)
    return real(args, state, world)


def real(args: Arguments, state: State, world: World) -> Truth:
    """``readlink -f`` and ``realpath``, of what is there."""
    given = _split(args, "fe")
    if given is None or len(given[1]) != 1:
        return None
    thing = files.look(given[1][0], state, world)
    if isinstance(thing, Thing):
        return True
    return None


def grep(args: Arguments, state: State, world: World) -> Truth:
    """``grep -q TEXT FILE``, where the text stands for itself and the file's text is known."""
    given = _split(args, "qFs")
    if given is None or len(given[1]) < 2:
        return None
    text, paths = given[1][0], given[1][1:]
    if not _SIMPLE.fullmatch(text) or ("." in text and "F" not in given[0]):
        return None
    found: Truth = False
    for path in paths:
        found = either(found, _holds(path, text, state, world))
    return found


def _holds(path: str, text: str, state: State, world: World) -> Truth:
    thing = files.look(path, state, world)
    if isinstance(thing, Absent):
        return False
    if isinstance(thing, Unknown):
        return None
    if thing.kind is Kind.NULL or (thing.kind is Kind.FILE and thing.size == 0):
        return False
    whole = world.text(path, state.files.cwd) if thing.readable else None
    if not isinstance(whole, str):
        return None
    world.spend(len(whole) // 64)
    return text in whole
