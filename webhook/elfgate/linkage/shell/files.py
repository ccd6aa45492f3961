"""Questions about files, answered for a script that may have changed some of them.

Source: POSIX.1-2017, test(1).
"""

import posixpath

from elfgate.linkage.shell.state import State, up_from
from elfgate.linkage.shell.values import Truth, both
from elfgate.linkage.shell.world import Absent, Kind, Thing, World
from elfgate.linkage.values import Scalar, Unknown

_CHANGED = Unknown("the script may have changed that file")
_LOOK = 4  # units of work that a question about a path costs, though its answer is known
_UNDECIDED = frozenset("GNOSbcgkptu")


def absolute(path: str, state: State) -> str:
    """Give a path from the root, its dots resolved as text."""
    whole = posixpath.normpath(posixpath.join(state.files.cwd, path))
    return "/" + whole.lstrip("/")


def may_have_changed(path: str, state: State) -> bool:
    """Tell whether the script may have changed what is at a path, above or below it."""
    if not state.files.touched:
        return False
    whole = absolute(path, state).rstrip("/") + "/"
    if whole in state.files.above:
        return True
    return any(above in state.files.touched for above in up_from(whole))


def look(path: str, state: State, world: World) -> Thing | Absent | Unknown:
    """Follow a path."""
    if not path:
        return Absent()
    world.spend(_LOOK)
    whole = absolute(path, state)
    left = _left_at(whole, state)
    if left is not None:
        return left
    if may_have_changed(path, state):
        return _CHANGED
    thing = world.look(path, state.files.cwd)
    if state.files.touched and not isinstance(thing, Unknown) and _leads_by_change(thing, state):
        return _CHANGED
    return thing


def _left_at(whole: str, state: State) -> Thing | Absent | None:
    """Give what a script has left at a path for sure; None if nothing is known."""
    if whole in state.files.made:
        return Thing(Kind.DIRECTORY, whole, readable=True, writable=True, executable=True)
    if whole in state.files.fresh:
        return Thing(Kind.FILE, whole, readable=True, writable=True)
    if whole in state.files.gone:
        return Absent()
    return None


def _leads_by_change(thing: Thing | Absent, state: State) -> bool:
    """Tell whether the way to a file, or to where it is missing, leads by what may have changed."""
    end = (thing.path,) if isinstance(thing, Thing) else ()
    return any(may_have_changed(name, state) for name in (*end, *thing.via))


def test(letter: str, path: Scalar, state: State, world: World) -> Truth:
    """Decide ``test -LETTER PATH``; None where the image alone does not decide."""
    if isinstance(path, Unknown):
        return None
    if letter in "hL":
        return _is_link(path, state, world)
    thing = look(path, state, world)
    if isinstance(thing, Unknown):
        return None
    if isinstance(thing, Absent):
        return False
    return _holds(letter, thing)


def _is_link(path: str, state: State, world: World) -> Truth:
    if not path:
        return False
    if isinstance(look(path, state, world), Unknown):
        return None
    return world.is_link(path, state.files.cwd)


def _holds(letter: str, thing: Thing) -> Truth:
    if letter in "ea":
        return True
    if thing.kind is Kind.NULL:  # an empty file to those who read it, but a device
        return letter in "crw" if letter in "bcdfprsxSw" else None
    if thing.kind is Kind.OTHER:
        return None
    is_directory = thing.kind is Kind.DIRECTORY
    answers: dict[str, Truth] = {
        "f": not is_directory,
        "d": is_directory,
        "s": is_directory or thing.size > 0,
        "r": thing.readable,
        "w": thing.writable,
        "x": thing.executable,
    }
    if letter in answers:
        return answers[letter]
    if letter in "bcpS":
        return False
    return None


def is_executable(path: str, state: State, world: World) -> Truth:
    """Tell whether a path leads to a file that may be executed."""
    return both(test("f", path, state, world), test("x", path, state, world))


def may_create(path: str, state: State, world: World) -> Truth:
    """Tell whether the process can make a name, or write the file that is there already."""
    thing = look(path, state, world)
    if isinstance(thing, Thing):
        writes = thing.kind in {Kind.FILE, Kind.NULL}
        if writes:
            return thing.writable
        return None
    if isinstance(thing, Unknown) or thing.link:
        return None
    parent = look(posixpath.dirname(path.rstrip("/")) or ".", state, world)
    if isinstance(parent, Thing) and parent.kind is Kind.DIRECTORY:
        return both(parent.writable, parent.executable)
    if isinstance(parent, Unknown):
        return None
    return False


def directory_made(path: str, state: State, world: World) -> Truth:
    """Tell whether ``mkdir -p`` succeeds: each part is a directory, or can be made."""
    thing = look(path, state, world)
    if isinstance(thing, Thing):
        if thing.kind is not Kind.OTHER:
            return thing.kind is Kind.DIRECTORY
        return None
    if isinstance(thing, Unknown) or thing.link or ".." in path.split("/"):
        return None
    parent = posixpath.dirname(path.rstrip("/"))
    above = look(parent or ".", state, world)
    if isinstance(above, Thing):
        return may_create(path, state, world)
    if parent in {"", path}:
        return None
    return directory_made(parent, state, world)


def noted(name: str, paths: frozenset[str], before: State, after: State, world: World) -> State:
    """Note what is known for sure of files that a tool has made or removed.

    Args:
        name: The tool, which has succeeded.
        paths: Its operands, absolute.
        before: The state in which it ran.
        after: The state behind it.
        world: The world.
    """
    files = after.files
    if files.doubt:
        return after
    if name == "mkdir":
        return after._replace(files=files._replace(made=files.made | _made(paths, before, world)))
    known = {path.rstrip("/") for path in paths}
    if name == "touch":
        new = {path for path in known if isinstance(look(path, before, world), Absent)}
        return after._replace(files=files._replace(fresh=before.files.fresh | new))
    if name == "rm":
        removed = {path for path in known if _is_plain(path, before, world)}
        return after._replace(files=files._replace(gone=before.files.gone | removed))
    return after


def _is_plain(path: str, state: State, world: World) -> bool:
    """Tell whether a path is known to lead to a file, by no link, or to be missing."""
    thing = look(path, state, world)
    if isinstance(thing, Thing):
        return thing.kind is Kind.FILE and thing.path == path
    return isinstance(thing, Absent) and not thing.link


def _made(paths: frozenset[str], state: State, world: World) -> frozenset[str]:
    """Give the directories that ``mkdir`` makes, with those above them that are missing."""
    found: set[str] = set()
    for path in paths:
        whole = path.rstrip("/")
        while whole and isinstance(look(whole, state, world), Absent):
            found.add(whole)
            whole = posixpath.dirname(whole).rstrip("/")
    return frozenset(found)
