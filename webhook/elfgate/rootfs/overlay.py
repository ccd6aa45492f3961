"""Layers merged as overlayfs does, one name at a time.

Source: linux/Documentation/filesystems/overlayfs.rst, "Upper and Lower", and the OCI image spec's "Whiteouts": the
topmost name wins, and a directory shows what the layers below have in it, down to the first that is opaque or hidden.
"""

from collections.abc import Sequence

from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.walk import Missing, walk

_MAX_LINKS = 40
_NAMES_KEPT = 4096
_IMPLIED = Entry(Kind.DIRECTORY, 0o755, implied=True)


class Overlay:
    """The merged directories, each by its real path, as far as they have been looked into. For one thread.

    Args:
        layers: Bottom first.

    Attributes:
        root: The root directory.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._names: dict[str, tuple[Entry, int] | None] = {}
        self._lower: dict[int, Overlay] = {}
        self._directories: dict[
            str, list[int]
        ] = {}  # the layers whose content shows, topmost first
        self.root = self._merge(
            "/", [(number, layers[number].root) for number in reversed(range(len(layers)))]
        )

    def child(self, directory: str, name: str) -> Entry | None:
        """What a name is; a hard link stands for its target.

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
            for number in self._directories[directory]
            for name in self._layers[number].entries(directory)
        }

    def locate(self, directory: str, name: str) -> tuple[Entry, int] | None:
        """As ``raw``, with the number of the topmost layer that has it."""
        path = f"{directory}/{name}" if directory != "/" else f"/{name}"
        if path not in self._names:
            if (
                len(self._names) >= _NAMES_KEPT
            ):  # pods may ask for any number of paths that are not there
                self._names.clear()
            self._names[path] = self._find(directory, path, name)
        return self._names[path]

    def _find(self, directory: str, path: str, name: str) -> tuple[Entry, int] | None:
        directories: list[tuple[int, Entry]] = []
        for number in self._directories[directory]:
            entries = self._layers[number].entries(directory)
            if name not in entries:
                continue
            entry = entries[name]
            if entry.kind is Kind.DIRECTORY:
                directories.append((number, entry))
                continue
            if not directories and entry.kind is not Kind.WHITEOUT:
                return entry, number
            break
        return (self._merge(path, directories), directories[0][0]) if directories else None

    def _merge(self, path: str, directories: Sequence[tuple[int, Entry]]) -> Entry:
        """Merge layers, topmost first, down to an opaque one; the first with an entry of its own tells the mode.

        An implied directory has the mode and owner of the next one below, hidden or not: so containerd makes it.
        """
        showing = self._directories[path] = []
        merged, hidden = _IMPLIED, False
        for number, entry in directories:
            if not hidden:
                showing.append(number)
            hidden = hidden or entry.opaque
            if merged.implied:
                merged = entry
            elif hidden:
                break
        return merged

    def _target(self, link: Entry, number: int) -> Entry:
        """What a hard link stands for whose own layer lacks the target: a file of the layers at or below it."""
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
                return link
        return Entry(Kind.UNREADABLE, link.mode, link.uid, link.gid)

    def _up_to(self, number: int) -> "Overlay":
        """The layers up to one and no further."""
        if number not in self._lower:
            self._lower[number] = Overlay(self._layers[: number + 1])
        return self._lower[number]

    def raw(self, directory: str, name: str) -> Entry | None:
        """As ``child``, but a hard link is one."""
        located = self.locate(directory, name)
        return located[0] if located else None
