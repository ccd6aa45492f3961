"""The directory that a node would unpack a layer into, as far as names go.

A node's runtime (containerd's overlay snapshotter, Docker's overlay2, CRI-O's overlay) unpacks
every layer into a directory of its own, overlayfs's upper one. So a symlink on the way to an entry
counts if this layer has it, and only then; one of a lower layer is replaced by the directory that
the entry needs. And a directory that follows a whiteout of its own name merges with what is below:
overlayfs hides by whiteouts and opaque directories, not by their history.
"""

from dataclasses import dataclass, field

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.rootfs.entry import DISPUTED, IMPLIED, LATE, RENEWED, Entry, Kind

MAX_PATH_BYTES = 4096  # PATH_MAX
MAX_NAME_BYTES = 255  # NAME_MAX
MAX_DEPTH = 256
MAX_SYMLINKS = 40  # MAXSYMLINKS, linux/namei.h
_MAX_STEPS = 4096  # of one walk through symlinks
_MAX_MARKED = 1_000_000  # names looked at below opaque marks of one layer


@dataclass(slots=True)
class Name:
    """The entry of a name: an inode, which hard links share.

    Attributes:
        entry: All of it but its bytes.
        head: The number of the head's piece among the texts, or of a link's target among the links.
        capability: The number of the capability's piece among the texts.
        body: The number of the excerpt's piece among the excerpts, or of the tail's or text's among
            the texts.
        form: What ``body`` is: ``ELF`` or ``TEXT`` of ``rootfs.form``, or 0 for a tail.
    """

    entry: Entry
    head: int = 0
    capability: int = 0
    body: int = 0
    form: int = 0

    @property
    def is_implied(self) -> bool:
        """Whether it is a directory without an entry of its own."""
        return bool(self.entry.traits & IMPLIED)

    def mark(self, traits: int) -> None:
        """Add traits."""
        self.entry = self.entry._replace(traits=self.entry.traits | traits)


_IMPLIED_DIRECTORY = Entry(Kind.DIRECTORY, 0o755, traits=IMPLIED)


@dataclass(slots=True)
class Directory(Name):
    """A directory; implied, until its own entry comes.

    Attributes:
        depth: How many directories are above it.
        path_length: Characters of its real path.
        children: By name.
    """

    entry: Entry = _IMPLIED_DIRECTORY
    depth: int = 0
    path_length: int = 0
    children: dict[str, Name] = field(default_factory=dict)

    def own(self, entry: Entry) -> None:
        """Take mode and owner from the directory's own entry."""
        has_acted = bool(self.children) or self.entry.opaque
        late = LATE if self.is_implied and has_acted else 0
        self.entry = entry._replace(traits=self.entry.traits & ~IMPLIED | late)


class Upper:
    """The names of one layer.

    Args:
        max_entries: How many names, implied directories included.
        max_characters: How many characters of paths and links' targets.

    Attributes:
        root: The root directory.
    """

    def __init__(self, *, max_entries: int, max_characters: int) -> None:
        self.root = Directory()
        self._entries_left = max_entries
        self._characters_left = max_characters
        self._marked_left = _MAX_MARKED
        self._led: dict[str, Directory] = {
            "": self.root
        }  # by path as written: where it leads as things stand

    def put(self, path: str, name: Name) -> None:
        """Set what a path stands for; directories on the way are made.

        A whiteout does not hide what is there, a directory merges with a directory, anything else
        replaces.

        Args:
            path: Absolute and normalised.
            name: Its kind, mode and so on.

        Raises:
            ValueError: if no node could do this: a path through a file, a loop of symlinks, a name
                too long.
            UnreadableError: if there are more names than allowed.
        """
        parent_path, _, last = path.rpartition("/")
        entry = name.entry
        self._count(path, last, entry.link)
        parent = self.directory(parent_path)
        there = parent.children.get(last)
        if there is not None:
            if isinstance(there, Directory) and entry.kind is Kind.DIRECTORY:
                there.own(entry)
                return
            if _is_disputed(there, entry):
                self.root.mark(DISPUTED)
            if entry.kind is Kind.WHITEOUT:
                return
            if there.entry.kind in (Kind.DIRECTORY, Kind.SYMLINK):
                self._led = {"": self.root}
        if entry.kind is Kind.DIRECTORY:
            self._make(parent, last, path).own(entry)
        else:
            parent.children[last] = name

    def find(self, path: str) -> Name | None:
        """The entry of an absolute path, its last component not followed.

        None if this layer does not have it.

        Raises:
            ValueError: as ``put`` does.
        """
        parent_path, _, last = path.rpartition("/")
        parent = self._walk(parent_path, make=False)
        found = parent.children.get(last) if parent else None
        return None if found is None or found.entry.kind is Kind.WHITEOUT else found

    def directory(self, path: str) -> Directory:
        """The directory that an absolute, normalised path leads to, made if it is not there.

        The root for ``""``.

        Raises:
            ValueError: as ``put`` does.
            UnreadableError: as ``put`` does.
        """
        led = self._led.get(path)
        if led is None:
            if path.count("/") > MAX_DEPTH:
                raise ValueError(f"{short(path)} is deeper than {MAX_DEPTH} directories")
            above, _, last = path.rpartition("/")
            parent = self.directory(above)
            child = parent.children.get(last)
            is_symlink = child is not None and child.entry.kind is Kind.SYMLINK
            led = (
                self._walk(path, make=True)
                if is_symlink
                else self._enter(parent, last, path, make=True)
            )
            assert led is not None  # noqa: S101 - with make, it ends somewhere or raises
            self._spend(len(path))
            self._led[path] = led
        return led

    def may_imply(self, directory: Directory) -> bool:
        """Whether directories without an entry of their own are below one.

        It may also be that too much is to tell.
        """
        waiting: list[Name] = [directory]
        while waiting and self._marked_left > 0:
            name = waiting.pop()
            if name.is_implied and name is not directory:
                return True
            if isinstance(name, Directory):
                self._marked_left -= 1 + len(name.children)
                waiting += name.children.values()
        return bool(waiting)

    def _walk(self, path: str, *, make: bool) -> Directory | None:
        """The end of a path within this layer, as containerd's ``fs.RootPath`` walks.

        Confined to the layer's root.
        """
        trail = [self.root]
        rest = path.split("/")[::-1]
        symlinks = steps = 0
        while rest:
            part = rest.pop()
            steps += 1
            child = trail[-1].children.get(part)
            if child is not None and child.entry.kind is Kind.SYMLINK:
                symlinks += 1
                if symlinks > MAX_SYMLINKS or steps > _MAX_STEPS:
                    raise ValueError(f"{short(path)} leads through too many symlinks")
                if child.entry.link.startswith("/"):
                    del trail[1:]
                rest += child.entry.link.split("/")[::-1]
            elif part == "..":
                del trail[max(len(trail) - 1, 1) :]
            elif part not in ("", "."):
                entered = self._enter(trail[-1], part, path, make=make)
                if entered is None:
                    return None
                trail.append(entered)
        return trail[-1]

    def _enter(self, parent: Directory, part: str, path: str, *, make: bool) -> Directory | None:
        child = parent.children.get(part)
        if isinstance(child, Directory):
            return child
        if child is not None and child.entry.kind is not Kind.WHITEOUT:
            raise ValueError(f"{short(path)} leads through {part!r}, which is not a directory")
        if not make:
            return None
        self._count(path, part, "")
        return self._make(parent, part, path)

    def _make(self, parent: Directory, last: str, path: str) -> Directory:
        if parent.depth == MAX_DEPTH:
            raise ValueError(f"{short(path)} is deeper than {MAX_DEPTH} directories")
        made = Directory(depth=parent.depth + 1, path_length=parent.path_length + 1 + len(last))
        self._spend(made.path_length)  # symlinks may have made it longer than any path written
        if last in parent.children:
            made.mark(RENEWED)
        parent.children[last] = made
        return made

    def _count(self, path: str, last: str, link: str) -> None:
        if (
            not last
            or len(last.encode("utf-8", "surrogateescape")) > MAX_NAME_BYTES
            or "\0" in last
        ):
            raise ValueError(f"{short(path)} has a name that no file system takes")
        if len(path) > MAX_PATH_BYTES or len(link) > MAX_PATH_BYTES:
            raise ValueError(f"{short(path)} is longer than {MAX_PATH_BYTES} bytes, or its link is")
        self._entries_left -= 1
        self._spend(len(path) + len(link))

    def _spend(self, characters: int) -> None:
        self._characters_left -= characters
        if self._entries_left < 0 or self._characters_left < 0:
            raise UnreadableError(
                "the layer has more names than allowed", reason=UnknownReason.LIMIT_EXCEEDED
            )


def _is_disputed(there: Name, entry: Entry) -> bool:
    """Whether an entry comes too late to undo what one before it did.

    That matters where all layers are unpacked into one folder.

    A whiteout takes the layer's own file away there, and what was unpacked into a directory that
    only its contents told of may have gone through a symlink of a lower layer.
    """
    if entry.kind is Kind.WHITEOUT:
        return there.entry.kind is not Kind.WHITEOUT
    return isinstance(there, Directory) and bool(there.entry.traits & (IMPLIED | LATE))


def short(path: str) -> str:
    """A path, quoted, as long as it may be in a message."""
    return repr(path if len(path) <= 100 else path[:100] + "…")
