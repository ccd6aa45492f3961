"""The files that a script finds.

Source: the Kubernetes and runtime documentation of what a container gets beside its image.
"""

import posixpath

from elfgate.linkage.credentials import EXECUTE, READ, WRITE
from elfgate.linkage.programs.script_texts import inner, outer
from elfgate.linkage.shell.values import Truth
from elfgate.linkage.shell.world import Absent, Kind, Thing
from elfgate.linkage.values import Scalar, Unknown
from elfgate.linkage.world import NULL, Hidden, World
from elfgate.rootfs.entry import Entry
from elfgate.rootfs.entry import Kind as EntryKind
from elfgate.rootfs.tree import Found, Missing

# Mounted or made by the kubelet and the runtime.
_MADE_BY_OTHERS = (
    "/.dockerenv",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/mtab",
    "/etc/resolv.conf",
    "/run",
    "/tmp",  # noqa: S108 - named, not used
    "/var/run",
)
_NOT_KEPT = Unknown("the text of a file is not known")
_KINDS = {EntryKind.FILE: Kind.FILE, EntryKind.DIRECTORY: Kind.DIRECTORY}


class ScriptFiles:
    """The image's files, as a script's shell sees them.

    Args:
        world: The image and the user.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._things: dict[tuple[str, str], Thing | Absent | Unknown] = {}

    def look(self, path: str, cwd: str) -> Thing | Absent | Unknown:
        """Follow a path, and its last symlink."""
        key = (path, cwd)
        if key not in self._things:
            self._things[key] = self._look(outer(path), outer(cwd))
        return self._things[key]

    def _look(self, path: str, cwd: str) -> Thing | Absent | Unknown:
        found = self._world.lookup(path, cwd)
        if isinstance(found, Hidden):
            return Unknown(found.doubt.because)
        if isinstance(found, Missing):
            if _is_made_by_others(path, cwd):
                return Unknown("a file is made by the runtime")
            missing = posixpath.join(found.path, found.beyond)
            return Absent(
                found.errno == "ENOENT" and bool(found.symlinks),
                found.errno != "ENOENT",
                tuple(map(inner, (missing, *found.symlinks))),
            )
        return self._thing(found)

    def _thing(self, found: Found) -> Thing:
        entry = found.entry
        if found.path == NULL:
            return Thing(Kind.NULL, NULL, readable=True, writable=True, executable=False)
        kind = _KINDS.get(entry.kind, Kind.OTHER)
        return Thing(
            kind,
            inner(found.path),
            entry.size,
            self._may(entry, READ),
            self._may(entry, WRITE),
            self._may(entry, EXECUTE),
            bool(entry.elf),
            tuple(map(inner, found.symlinks)),
        )

    def _may(self, entry: Entry, want: int) -> Truth:
        """Tell whether the process may read, write or execute a file by its mode."""
        who = self._world.who
        if entry.kind is EntryKind.UNREADABLE:
            return None
        if want == WRITE and self._world.read_only_root:
            return False
        executes = want == EXECUTE and entry.kind is not EntryKind.DIRECTORY
        if who.passes and not executes:
            return True
        if who.certainly_may(entry, want):
            return True
        unsure = who.uid is None or (who.passes is None and not executes)
        if unsure or who.may(entry, want):
            return None
        return False

    def is_link(self, path: str, cwd: str) -> Truth:
        """Tell whether a path, its last symlink not followed, is a symlink."""
        plain, where = outer(path), outer(cwd)
        if isinstance(self._world.lookup(plain, where), Hidden):
            return None
        found = self._world.tree.lookup(plain, cwd=where, follow_last=False)
        if isinstance(found, Missing):
            if _is_made_by_others(plain, where):
                return None
            return False
        return found.entry.kind is EntryKind.SYMLINK

    def listing(self, path: str, cwd: str) -> tuple[str, ...] | Unknown:
        """The names in a directory, sorted by their bytes, mount points among them."""
        thing = self.look(path, cwd)
        if not isinstance(thing, Thing):
            return Unknown("a directory is not known")
        directory = outer(thing.path).rstrip("/") + "/"
        names = set(self._world.listdir(outer(thing.path)))
        names |= {
            mount[len(directory) :].partition("/")[0]
            for mount in self._world.mounts
            if mount.startswith(directory)
        }
        if _is_made_by_others(directory, "/") or directory == "/etc/":
            return Unknown("the runtime puts files there")
        return tuple(sorted(inner(name) for name in names if name))

    def text(self, path: str, cwd: str) -> Scalar:
        """A file's text, if all of it was kept."""
        found = self._world.lookup(outer(path), outer(cwd))
        if not isinstance(found, Found) or found.entry.kind is not EntryKind.FILE:
            return _NOT_KEPT
        entry = found.entry
        whole = entry.text if entry.text is not None else entry.head + entry.tail
        if len(whole) != entry.size or b"\0" in whole:  # shells differ in what a NUL is to them
            return _NOT_KEPT
        self._world.work.spend(len(whole) // 64)
        return whole.decode("latin-1")


def _is_made_by_others(path: str, cwd: str) -> bool:
    whole = posixpath.normpath(posixpath.join(cwd, path))
    return any(whole == made or whole.startswith(f"{made}/") for made in _MADE_BY_OTHERS)
