"""Layers merged, one name at a time.

As overlayfs shows them, or as they are unpacked into one folder.

Source: linux/Documentation/filesystems/overlayfs.rst, "Upper and Lower", and the OCI image spec's
"Whiteouts": the topmost name wins, and a directory shows what the layers below have in it, down to
the first that is opaque or hidden. overlayfs does not look at the mark on a layer's root, which is
never looked up.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from elfgate.rootfs.entry import NULL_DEVICE, OPAQUE, RENEWED, Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.unread import Unread, UnreadError
from elfgate.rootfs.walk import Missing, walk

_MAX_LINKS = 40
_NAMES_KEPT = 4096
_MADE = Entry(Kind.DIRECTORY, 0o755)  # for want of one to take mode and owner from


class Part(NamedTuple):
    """A layer's share of a directory: which layer, and the directory's path within it."""

    number: int
    path: str


@dataclass(frozen=True, slots=True)
class Folder:
    """How layers come to lie where each is unpacked onto those before it: see ``folder``.

    Attributes:
        moved: Directories that lead elsewhere, through symlinks of lower layers.
        landed: Those by the real path that they lead to.
    """

    moved: frozenset[Part] = frozenset()
    landed: Mapping[str, Sequence[Part]] = field(default_factory=dict)


class Overlay:
    """The merged directories, each by its real path, as far as they have been looked into.

    For one thread.

    Args:
        layers: Bottom first; the first may stand for all that are not read.
        folder: How they lie if they are unpacked into one folder; None if overlayfs merges them.

    Attributes:
        root: The root directory.
    """

    def __init__(self, layers: Sequence[Layer | Unread], folder: Folder | None = None) -> None:
        self._layers = layers
        self._folder = folder
        self._names: dict[str, tuple[Entry, int] | None] = {}
        self._lower: dict[int, Overlay] = {}
        self._directories: dict[str, list[Part]] = {}  # whose content shows, topmost first
        numbers = reversed(range(len(layers)))
        self._show("/", [(Part(number, "/"), layers[number].root) for number in numbers])
        self.root = _MADE  # no layer has an entry for it

    def child(self, directory: str, name: str) -> Entry | None:
        """The entry of a name; a hard link stands for its target.

        Args:
            directory: The real path of a directory that was found.
            name: One component, not ``.`` or ``..``.

        Returns:
            The entry, or None if it is not there.
        """
        located = self.locate(directory, name)
        if located is None:
            return None
        entry, number = located
        return self._target(entry, number) if entry.kind is Kind.HARDLINK else entry

    def names(self, directory: str) -> set[str]:
        """The names that layers have in a directory that was found, hidden ones included."""
        return {
            name
            for part in self._directories[directory]
            for name in self._layers[part.number].entries(part.path)
        }

    def among(self, directory: str, names: AbstractSet[str]) -> set[str]:
        """Those of some names that layers have in a directory that was found.

        Hidden ones are included.
        """
        return {
            name
            for part in self._directories[directory]
            for name in names & self._layers[part.number].entries(part.path).keys()
        }

    def locate(self, directory: str, name: str) -> tuple[Entry, int] | None:
        """The entry of ``raw``, with the number of the topmost layer that has it."""
        path = join(directory, name)
        if path not in self._names:
            # Pods may ask for any number of paths that are not there.
            if len(self._names) >= _NAMES_KEPT:
                self._names.clear()
            self._names[path] = self._find(directory, path, name)
        return self._names[path]

    def _find(self, directory: str, path: str, name: str) -> tuple[Entry, int] | None:
        directories: list[tuple[Part, Entry]] = []
        hidden_up_to = -1
        for part in self._directories[directory]:
            layer, inner = self._layers[part.number], Part(part.number, join(part.path, name))
            if directories and isinstance(layer, Unread):
                directories.append((inner, layer.root))  # whatever it is, it is below
                break
            entries = layer.entries(part.path)
            if name not in entries:
                continue
            entry = entries[name]
            if entry.kind is not Kind.DIRECTORY:
                if not directories and not self._is_whiteout(entry):
                    return entry, part.number
                hidden_up_to = part.number
                break
            if self._folder is None or inner not in self._folder.moved:
                directories.append((inner, entry))
        if not directories:
            return None
        landed = self._folder.landed.get(path, ()) if self._folder else ()
        directories += [(part, self._own(part)) for part in landed if part.number > hidden_up_to]
        directories.sort(key=lambda row: -row[0].number)
        return self._merge(path, directories), directories[0][0].number

    def _is_whiteout(self, entry: Entry) -> bool:
        """Whether a name is hidden by an entry, and nothing in its place."""
        if entry.traits & NULL_DEVICE:
            return self._folder is None
        return entry.kind is Kind.WHITEOUT

    def _own(self, part: Part) -> Entry:
        """A layer's own entry for a directory below its root."""
        parent, _, name = part.path.rpartition("/")
        return self._layers[part.number].entries(parent or "/")[name]

    def _show(self, path: str, directories: Sequence[tuple[Part, Entry]]) -> None:
        """Note which layers' names show, topmost first, down to the first that hides the others."""
        showing = self._directories[path] = []
        for part, entry in directories:
            showing.append(part)
            if self._hides(part, entry):
                break

    def _merge(self, path: str, directories: Sequence[tuple[Part, Entry]]) -> Entry:
        """Merge layers, topmost first."""
        self._show(path, directories)
        if self._folder is not None:
            return _first_own(entry for _, entry in directories)
        top, entry = directories[0]
        return self._inherited(top) if entry.implied else entry

    def _hides(self, part: Part, entry: Entry) -> bool:
        """Whether what lower layers have in a directory does not show."""
        if self._folder is None:
            return entry.opaque and part.path != "/"
        return bool(entry.traits & (OPAQUE | RENEWED))

    def _inherited(self, part: Part) -> Entry:
        """The directory that an implied one takes mode and owner from, hidden or not.

        Source: containerd's ``mkparent``.
        """
        path = part.path
        for layer in reversed(self._layers[: part.number]):
            found = layer.walk(path)
            if isinstance(found, Missing):
                continue
            if found.entry.kind is not Kind.DIRECTORY:
                break
            if not found.entry.implied:
                return found.entry
            path = found.path
        return _MADE

    def _target(self, link: Entry, number: int) -> Entry:
        """The target of a hard link whose own layer lacks it.

        A file of the layers at or below it.
        """
        asked = link
        for _ in range(_MAX_LINKS):
            below = self._up_to(number)
            parent, _, name = link.link.rpartition("/")
            found = walk(below.root, below.raw, parent)
            if isinstance(found, Missing) or found.entry.kind is not Kind.DIRECTORY:
                break
            located = below.locate(found.path, name)
            if located is None or located[0].kind is Kind.DIRECTORY:
                break
            link, number = located
            if link.kind is not Kind.HARDLINK:
                return link.under(asked, is_kept=bool(link.head))
        return Entry(Kind.UNREADABLE, asked.mode, asked.uid, asked.gid)

    def _up_to(self, number: int) -> "Overlay":
        """The layers up to one and no further."""
        if number not in self._lower:
            self._lower[number] = Overlay(self._layers[: number + 1], self._folder)
        return self._lower[number]

    def raw(self, directory: str, name: str) -> Entry | None:
        """The entry of ``child``, but a hard link stays one."""
        located = self.locate(directory, name)
        return located[0] if located else None


def join(directory: str, name: str) -> str:
    """The path of a name in a directory."""
    return f"{directory}/{name}" if directory != "/" else f"/{name}"


def _first_own(entries: Iterable[Entry]) -> Entry:
    """The topmost directory with an entry of its own.

    One that was made anew keeps nothing of those below.
    """
    for entry in entries:
        if entry is Unread.root:
            raise UnreadError("a directory's mode may be in layers that are not read")
        if not entry.implied:
            return entry
        if entry.traits & RENEWED:
            break
    return _MADE
