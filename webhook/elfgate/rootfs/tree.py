"""An image's layers as one file system, looked at from inside the container."""

from collections.abc import Container, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from elfgate.elf.facts import ElfFacts
from elfgate.rootfs import osrelease
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.folder import folder, is_disputed
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.memory import FactsMemory
from elfgate.rootfs.overlay import Folder, Overlay
from elfgate.rootfs.unread import Unread
from elfgate.rootfs.walk import Found, Missing, walk

__all__ = ["Found", "Missing", "Tree"]

# Decoded, facts take some five times their excerpts; a program of 144 libraries has 1 MiB of them.
_FACTS = FactsMemory()


class Tree:
    """The root file system that a node's runtime makes of these layers.

    Costs next to nothing to make.

    Args:
        layers: Bottom first. They may be shared with other trees and threads; the tree itself is
            for one thread. The first may stand for all that are not read: whatever turns on those
            raises ``UnreadError``.
        placed: How they lie if a node unpacks them into one folder; None if overlayfs merges them,
            as most nodes do.
    """

    def __init__(self, layers: Sequence[Layer | Unread], placed: Folder | None = None) -> None:
        self._layers = tuple(layers)
        self._overlay = Overlay(self._layers, placed)
        self._one_folder: Tree | None = None

    @property
    def is_disputed(self) -> bool:
        """Whether the bottom layer has entries whose order counts, which is not known."""
        return is_disputed(self._layers)

    def uppermost(self) -> Iterator["Tree"]:
        """Trees with less and less of the lower layers left unread, down to all but the lowest."""
        for number in reversed(range(1, len(self._layers))):
            yield Tree((Unread(), *self._layers[number:]))

    def in_one_folder(self) -> "Tree":
        """The root file system where each layer is unpacked onto those below.

        Itself, if that is the same.

        Raises:
            DisputedError: if it cannot be told, or the layers cannot be unpacked so.
            UnreadError: if it turns on layers that are not read.
            ValueError: if a layer's stored index is damaged.
        """
        if self._one_folder is None:
            placed = folder(self._layers)
            self._one_folder = self if placed is None else Tree(self._layers, placed)
        return self._one_folder

    def lookup(
        self,
        path: str,
        *,
        cwd: str = "/",
        follow_last: bool = True,
        uid: int | None = None,
        gids: Container[int] = (),
    ) -> Found | Missing:
        """Walk a path as the kernel does.

        Args:
            path: Absolute, or relative to ``cwd``.
            cwd: An absolute path. Whoever asks is in that directory, whether they may search what
                leads to it or not.
            follow_last: Whether a symlink as the last component is followed, as ``execve`` and
                ``open`` do.
            uid: Who asks, for the search permission of directories; None may search all.
            gids: The groups of whoever asks.
        """
        if not path:
            return Missing("ENOENT", cwd)
        entered = 0
        if not path.startswith("/"):
            found = self.lookup(cwd) if uid is not None else None
            cwd = found.path if isinstance(found, Found) else cwd
            entered = sum(map(bool, cwd.split("/"))) if isinstance(found, Found) else 0
            path = f"{cwd}/{path}"
        root, child = self._overlay.root, self._overlay.child
        return walk(root, child, path, follow_last=follow_last, uid=uid, gids=gids, entered=entered)

    def listdir(self, path: str) -> Mapping[str, Entry]:
        """The content of a directory by name, in order.

        Empty if there is no directory at ``path``.
        """
        found = self.lookup(path)
        if isinstance(found, Missing) or found.entry.kind is not Kind.DIRECTORY:
            return {}
        entries = (
            (name, self._overlay.child(found.path, name))
            for name in sorted(self._overlay.names(found.path))
        )
        return {name: entry for name, entry in entries if entry is not None}

    def among(self, path: str, names: AbstractSet[str]) -> frozenset[str]:
        """Those of some names that a directory has; none if there is no directory at ``path``."""
        found = self.lookup(path)
        if isinstance(found, Missing) or found.entry.kind is not Kind.DIRECTORY:
            return frozenset()
        there = self._overlay.among(found.path, names)
        return frozenset(name for name in there if self._overlay.child(found.path, name))

    def ending(self, endings: tuple[str, ...]) -> Iterator[str]:
        """The paths that layers have under names that end so; some may come twice.

        A layer above may hide, or have removed, what is there.

        Raises:
            UnreadError: if there are layers that are not read.
            ValueError: if a layer's stored index is damaged.
        """
        return (path for layer in self._layers for path in layer.ending(endings))

    def facts(self, found: Found) -> ElfFacts | None:
        """The facts of the ELF file that was found.

        None if it is none, or its bytes were not kept (``UNREADABLE``).

        Facts are remembered by content, so that images with files in common share the work.

        Raises:
            ValueError: if a layer's stored index is damaged where the excerpt is; so may every
                other method.
        """
        return _FACTS.get(found.entry.elf, self._excerpt) if found.entry.elf else None

    def excerpt(self, entry: Entry) -> bytes:
        """The ELF excerpt that an entry names; empty if it is no ELF file.

        Raises:
            ValueError: if a layer's stored index is damaged.
        """
        return (self._excerpt(entry.elf) or b"") if entry.elf else b""

    def text(self, path: str) -> str | None:
        """The text of a file whose text is kept (see ``Entry.text``).

        None if it is not there, or was not kept.
        """
        found = self.lookup(path)
        if isinstance(found, Missing) or found.entry.text is None:
            return None
        return found.entry.text.decode("utf-8", "surrogateescape")

    def os_release(self) -> Mapping[str, str]:
        """The image's os-release: that in /etc, else that in /usr/lib (os-release(5)).

        Empty if it has none.
        """
        text = self.text("/etc/os-release")
        if text is None:
            text = self.text("/usr/lib/os-release")
        return osrelease.parse(text or "")

    def _excerpt(self, digest: bytes) -> bytes | None:
        excerpts = (layer.excerpt(digest) for layer in reversed(self._layers))
        return next((excerpt for excerpt in excerpts if excerpt is not None), None)
