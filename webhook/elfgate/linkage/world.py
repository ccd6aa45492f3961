"""The world that a start happens in: the image, the node, and the rights of the process."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from elfgate.elf.facts import ElfFacts
from elfgate.errors import UnknownReason
from elfgate.linkage.capabilities import Bounding
from elfgate.linkage.credentials import EXECUTE, READ, Credentials
from elfgate.linkage.distro import distro_of
from elfgate.linkage.environment import Environment
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Distro
from elfgate.linkage.values import Doubt, Fields
from elfgate.linkage.work import CHARACTERS, EXCERPT_BYTES, LOOKUP, NAMES, Work
from elfgate.platforms import Architecture
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Found, Missing, Tree
from elfgate.rootfs.unread import UnreadError

NULL = "/dev/null"


class _AnyGroup:
    """All groups that there are."""

    def __contains__(self, _: object) -> bool:
        return True


_ANY_GROUP = _AnyGroup()


@dataclass(frozen=True, slots=True)
class Hidden:
    """A look-up whose answer lies outside the image.

    Under a volume, or in a part of it that could not be read.

    Attributes:
        path: What was looked up, absolute.
        doubt: What hides it.
    """

    path: str
    doubt: Doubt


Lookup = Found | Missing | Hidden


@dataclass(frozen=True, slots=True)
class Process:
    """The start of a program: its command line, environment and directory.

    Attributes:
        name: What it is called: ``argv[0]``.
        args: Its other arguments.
        env: Its environment.
        cwd: Its working directory, absolute.
        doubt: Why this may not be how it is started, if so.
        secure: Its loader is in secure-execution mode.
        file: The file that is executed, where ``name`` is another one; else empty.
        inhibit_cache: Its loader (glibc's) is told not to look into its cache.
        inhibit_rpath: Names of objects whose DT_RPATH and DT_RUNPATH it passes over; empty for the
            program's.
        touched: Paths that a script may have changed before; with a slash behind, all below.
        barred: Files that it may have taken the execute bits from.
        removed: Names that it may have taken away, each with a slash behind.
    """

    name: str
    args: Fields
    env: Environment
    cwd: str = "/"
    doubt: Doubt | None = None
    secure: bool = False
    file: str = ""
    inhibit_cache: bool = False
    inhibit_rpath: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()

    def doubted(self, doubt: Doubt | None) -> "Process":
        """Return this process with a doubt, unless there is one already."""
        if doubt is None or self.doubt is not None:
            return self
        return replace(self, doubt=doubt)


@dataclass(slots=True)
class Changed:
    """Paths that a script may have changed before a start, and whether the start comes by one.

    Attributes:
        paths: Each with a slash behind.
        met: The first name of a look-up that lies at or below one of them; empty if none does.
    """

    paths: tuple[str, ...] = ()
    met: str = ""

    @staticmethod
    def by(touched: Iterable[str]) -> "Changed":
        """Take the paths that a script has touched."""
        return Changed(tuple(sorted(f"{path.rstrip('/')}/" for path in touched)))

    def note(self, names: Iterable[str]) -> None:
        """Note names that a look-up comes by."""
        if self.paths and not self.met:
            below = (name for name in names if f"{name}/".startswith(self.paths))
            self.met = next(below, "")


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a start meets, and as whom.

    Nobody writes to it; another one is made with ``replace``.

    Attributes:
        tree: The image's root file system.
        architecture: The node's.
        node: The node's other facts.
        who: The process's user and groups.
        mounts: Real paths at which something else hides the image's files, each with a slash
            behind.
        injected: Names of libraries that a node may add (``fnmatch`` patterns).
        bounding: The capabilities that its processes may have.
        no_new_privileges: The process may not gain privileges by what it executes; None if that is
            not known.
        read_only_root: Files can be written in volumes only.
        work: The work that the prediction may yet cost; shared by all trials.
        changed: What a script may have changed of the image.
        removed: What it may have taken away of it.
    """

    tree: Tree
    architecture: Architecture
    node: NodeFacts
    who: Credentials
    mounts: tuple[str, ...]
    injected: tuple[str, ...]
    bounding: Bounding = field(default_factory=Bounding)
    no_new_privileges: bool | None = None
    read_only_root: bool = False
    work: Work = field(default_factory=Work)
    changed: Changed = field(default_factory=Changed)
    removed: Changed = field(default_factory=Changed)

    @property
    def distro(self) -> Distro:
        """The image's nature, for messages."""
        return distro_of(self.tree, self.architecture)

    def lookup(self, path: str, cwd: str = "/") -> Lookup:
        """Walk a path as the kernel would for this process.

        Volumes and unreadable files are told apart.
        """
        found = self._walk(path, cwd)
        self.work.spend(LOOKUP * (1 + len(found.symlinks)) + found.steps)
        crossed = (_plain(cwd, path), found.path, *found.symlinks)
        if isinstance(found, Missing) and found.beyond:
            crossed = (*crossed, _plain(found.path, found.beyond))
        self.changed.note(crossed)
        self.removed.note(crossed)
        hidden = next((name for name in crossed if f"{name}/".startswith(self.mounts)), None)
        if hidden is None and self._is_unlisted(found):
            because = f"{found.path} could not be read"
            return Hidden(crossed[0], Doubt(UnknownReason.LIMIT_EXCEEDED, because))
        if hidden is None:
            return found
        mount = next(mount for mount in self.mounts if f"{hidden}/".startswith(mount))
        if self._is_null(found, crossed[0]):
            return Found(NULL, Entry(Kind.FILE, mode=0o666), found.symlinks)
        because = f"{crossed[0]} lies under the volume at {mount.rstrip('/') or '/'}"
        return Hidden(crossed[0], Doubt(UnknownReason.UNDER_MOUNT, because))

    def facts(self, found: Found) -> ElfFacts | None:
        """Decode an ELF file that was found; None if it is none, or was not kept."""
        facts = self.tree.facts(found)
        if facts is not None:
            self.work.spend_once(found.entry.elf, facts.excerpt_size // EXCERPT_BYTES)
        return facts

    def text(self, path: str) -> str | None:
        """Read a file whose text is kept; None if it is not there, or was not kept."""
        text = self.tree.text(path)
        self.work.spend(LOOKUP + len(text or "") // CHARACTERS)
        return text

    def listdir(self, path: str) -> Mapping[str, Entry]:
        """List a directory by name; empty if there is none."""
        self.changed.note((path,))
        names = self.tree.listdir(path)
        self.work.spend(LOOKUP + len(names) // NAMES)
        return names

    def _is_unlisted(self, found: Found | Missing) -> bool:
        """Tell whether a walk ends before what may be a directory, and could not be listed."""
        if not isinstance(found, Missing) or found.errno != "ENOTDIR":
            return False
        last = self.tree.lookup(found.path, follow_last=False)
        return isinstance(last, Found) and last.entry.kind is Kind.UNREADABLE

    def _is_null(self, found: Found | Missing, asked: str) -> bool:
        """Tell whether a walk ends at /dev/null, which every runtime makes.

        It reads as an empty file.

        Source: OCI runtime spec, "Default Devices".
        """
        if sum(NULL.startswith(mount) for mount in self.mounts) != 1:
            return False  # another volume may hide it, or /dev itself
        last = next(reversed(found.symlinks), "")
        link = self.tree.lookup(last, follow_last=False) if last else None
        target = link.entry.link if isinstance(link, Found) else asked
        return posixpath.normpath(posixpath.join(posixpath.dirname(last), target)) == NULL

    def _walk(self, path: str, cwd: str) -> Found | Missing:
        """Walk with the process's search permission.

        A group that is not known might have it.
        """
        if not path.startswith("/"):
            path, cwd = self._from(cwd, path)
        uid, gids = self.who.searches_as, tuple(self.who.gids)
        found = self.tree.lookup(path, cwd=cwd, uid=uid, gids=gids)
        if self.who.unread and found != self.tree.lookup(path, cwd=cwd, uid=uid, gids=_ANY_GROUP):
            raise UnreadError("a process's groups are in layers that are not read")
        if isinstance(found, Missing) and found.errno == "EACCES":
            directory = self.tree.lookup(found.path)
            if isinstance(directory, Found) and self.who.may(directory.entry, EXECUTE):
                return self.tree.lookup(path, cwd=cwd)
        return found

    def _from(self, cwd: str, path: str) -> tuple[str, str]:
        """Put what is missing of a working directory before the path.

        The runtime makes it (runc, ``MkdirAll``).
        """
        made: list[str] = []
        while cwd and isinstance(self.tree.lookup(cwd), Missing):
            cwd, _, last = cwd.rpartition("/")
            made.insert(0, last)
        return (
            posixpath.normpath(posixpath.join(*made, path)) if made and path else path
        ), cwd or "/"

    def opens(self, found: Found) -> bool:
        """Tell whether the process may read what was found."""
        return self.who.may(found.entry, READ)


def _plain(cwd: str, path: str) -> str:
    """Make a path absolute, without empty components and dots."""
    whole = path if path.startswith("/") else posixpath.join(cwd, path)
    if "/." in whole or "//" in whole:
        return posixpath.normpath(whole)
    return whole.rstrip("/") or "/"
