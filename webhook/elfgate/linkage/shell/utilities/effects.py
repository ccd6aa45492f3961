"""The files that tools make, change or remove.

Source: POSIX.1-2017, "Utilities"; the manuals of coreutils and busybox.
"""

import posixpath
import re
from collections.abc import Callable, Sequence
from itertools import takewhile

from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.world import Thing, World
from elfgate.linkage.values import Scalar, Unknown

EVERYWHERE = frozenset({"/"})
NOWHERE = frozenset[str]()
_RECURSIVE = re.compile(r"-[a-zA-Z]*[rR]|--recursive")
_MODE = re.compile(r"-[rwxXst]+")  # which begins as an option does: ``chmod -x FILE``
_NOT_EXECUTABLE = re.compile(r"[0-7]*[0246]{3}|[ugoa]*=[rwst]*|([ugoa]*-[rwXst]*x[rwXst]*)")
_THROUGH_LINKS = re.compile(r"-[a-zA-Z]*[HL]")
# Tools whose traces are all at their operands: a start that comes by none of them is as it was.
_PLACED = frozenset({"chgrp", "chmod", "chown", "cp", "ln", "mv", "rm", "rmdir", "unlink"})
_LINKING = frozenset({"cp", "ln", "mv"})
_RUNNING = frozenset({"find", "xargs"})
_TAKING_AWAY = frozenset({"mv", "rm", "rmdir", "unlink"})
_PLACING = re.compile(r"-[adfHiLnPpRrsTuvx]+")  # options of cp, ln and mv without a value
_IN_PLACE = re.compile(r"-[a-zA-Z]*i|--in-place")
_CHANGING = frozenset(
    [
        "-exec",
        "-execdir",
        "-delete",
        "-ok",
        "chgrp",
        "chmod",
        "chown",
        "mkdir",
        "rm",
        "rmdir",
        "tee",
        "touch",
        "truncate",
        "cp",
        "mv",
        "ln",
    ]
)
_WITHOUT_PROGRAMS = (
    "/tmp/",  # noqa: S108 - named, not used
    "/run/",
    "/var/",
    "/data/",
    "/dev/",
    "/proc/",
    "/etc/",
    "/home/",
    "/mnt/",
    "/srv/",
)

Words = Sequence[Scalar]
Effect = Callable[[Words, State], frozenset[str]]


def nothing(values: Words, state: State) -> frozenset[str]:
    """A tool that changes no file."""
    del values, state
    return NOWHERE


def operands(values: Words, state: State) -> frozenset[str]:
    """A tool that changes its operands."""
    return _paths(values, state, skipped=0)


def behind_first(values: Words, state: State) -> frozenset[str]:
    """A tool that changes its operands but the first: ``chmod MODE FILE``.

    With ``--reference`` it has no first one; with ``-H`` and ``-L`` it goes where links lead.
    """
    options = [value for value in values if isinstance(value, str) and value.startswith("-")]
    if any(_THROUGH_LINKS.match(option) for option in options):
        return EVERYWHERE
    has_none = any(
        option.startswith("--reference") or _MODE.fullmatch(option) for option in options
    )
    return _paths(values, state, skipped=0 if has_none else 1)


def takes_execution(name: str, values: Words) -> bool:
    """Tell whether ``chmod``, or what ``find`` and ``xargs`` run of it, may take execute bits."""
    if name in _RUNNING and "chmod" in values:
        at = values.index("chmod")
        return takes_execution("chmod", values[at + 1 :])
    if name != "chmod":
        return False
    known = [value for value in values if isinstance(value, str)]
    modes = (value for value in known if not value.startswith("-") or _MODE.fullmatch(value))
    return any(map(_NOT_EXECUTABLE.fullmatch, next(modes, "").split(",")))


def placed(values: Words, state: State) -> frozenset[str]:
    """``cp``, ``ln`` and ``mv``, which change their operands, and what is below them."""
    known = [value for value in values if isinstance(value, str)]
    options = [value for value in known if value.startswith("-")]
    if len(known) < len(values) or not all(map(_PLACING.fullmatch, options)):
        return EVERYWHERE
    paths = [value for value in known if not value.startswith("-")]
    return frozenset(_absolute(path, state, below=True) for path in paths)


def in_place(values: Words, state: State) -> frozenset[str]:
    """``sed``, which changes files with ``-i`` only."""
    for value in values:
        if isinstance(value, Unknown) or _IN_PLACE.match(value):
            return _paths(values, state, skipped=0)
    return NOWHERE


def found(values: Words, state: State) -> frozenset[str]:
    """``find``, which may change all that is below its paths."""
    if not any(isinstance(value, Unknown) or value in _CHANGING for value in values):
        return NOWHERE
    paths = takewhile(lambda value: isinstance(value, str) and value[:1] not in "-!(", values)
    known = [value for value in paths if isinstance(value, str)] or ["."]
    if any(isinstance(value, Unknown) for value in values[: len(known) + 1]):
        return EVERYWHERE
    return frozenset(_absolute(path, state, below=True) for path in known)


def anywhere(values: Words, state: State) -> frozenset[str]:
    """A tool that runs others, which may change any file if they change files."""
    del state
    changes = any(isinstance(value, Unknown) or value in _CHANGING for value in values)
    if changes:
        return EVERYWHERE
    return NOWHERE


def _paths(values: Words, state: State, *, skipped: int) -> frozenset[str]:
    known = [value for value in values if isinstance(value, str)]
    if len(known) < len(values):
        return EVERYWHERE
    below = any(_RECURSIVE.match(value) for value in known)
    paths = [value for value in known if not value.startswith("-")][skipped:]
    return frozenset(_absolute(path, state, below=below) for path in paths)


def _absolute(path: str, state: State, *, below: bool) -> str:
    whole = posixpath.normpath(posixpath.join(state.files.cwd, path))
    if whole == "/":
        return whole
    return whole.rstrip("/") + ("/" if below else "")


def left_behind(
    name: str,
    paths: frozenset[str],
    state: State,
    world: World,
    *,
    alters: bool,
    bars: bool = False,
) -> State:
    """Note the files that a tool may have changed.

    What it takes away or opens to others leaves a doubt about all others, but in directories that
    hold no programs or libraries; and but where it is known to leave traces at these paths alone.
    """
    real = _behind_links(paths, state, world) if name in _PLACED else None
    for path in sorted(paths):
        outside = not f"{path}/".startswith(_WITHOUT_PROGRAMS)
        if may_be_library(path) or (alters and outside and real is None):
            state = state.doubted(f"the script runs {name} on {path} before")
    traces = paths | (real or frozenset())
    after = state.touching(traces)
    if name in _LINKING:
        return after.linking(traces)
    if bars:
        return after.barring(traces)
    return after


def _behind_links(paths: frozenset[str], state: State, world: World) -> frozenset[str] | None:
    """Give the real paths of files, and of the names that lead to them.

    None if one is not known.
    """
    found: set[str] = set()
    for path in paths:
        whole, below = path.rstrip("/") or "/", "/" if path.endswith("/") else ""
        thing = world.look(whole, state.files.cwd)
        parent = world.look(posixpath.dirname(whole), state.files.cwd)
        if isinstance(thing, Unknown) or isinstance(parent, Unknown):
            return None
        if isinstance(thing, Thing):
            found.add(thing.path.rstrip("/") + below)
        if isinstance(parent, Thing):
            found.add(posixpath.join(parent.path, posixpath.basename(whole)) + below)
    return frozenset(found)


def taken_away(name: str, values: Words, state: State, world: World) -> frozenset[str]:
    """Give the real names, each with a slash behind, that ``rm``, ``rmdir`` and ``mv`` remove."""
    if name not in _TAKING_AWAY:
        return NOWHERE
    named = [value for value in values if isinstance(value, str) and not value.startswith("-")]
    sources = named[:-1] if name == "mv" else named
    paths = [_absolute(path, state, below=False) for path in sources]
    return frozenset(_real_name(path, state, world).rstrip("/") + "/" for path in paths)


def _real_name(path: str, state: State, world: World) -> str:
    """Give the name that a path is of, the symlinks before its last part followed."""
    parent = world.look(posixpath.dirname(path), state.files.cwd)
    if isinstance(parent, Thing):
        return posixpath.join(parent.path, posixpath.basename(path))
    return path


def may_be_library(path: str) -> bool:
    """Tell whether a loader may read a path."""
    return ".so" in path or path.startswith("/etc/ld") or path == "/"
