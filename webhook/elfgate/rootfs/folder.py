"""How layers come to lie where each is unpacked onto those before it, into one folder.

containerd does so with its native, devmapper, btrfs and blockfile snapshotters, and in a user
namespace (``apply`` in core/diff/apply/apply_linux.go). A name then goes where the symlinks of
lower layers lead: a layer's ``bin/tool`` lands in ``usr/bin`` if the base has ``bin`` linked to it,
while overlayfs shows a directory ``bin`` instead of the link.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from elfgate.rootfs.entry import (
    DISPUTED,
    IMPLIED,
    LATE,
    NULL_DEVICE,
    OPAQUE,
    PASSING,
    RENEWED,
    Entry,
    Kind,
)
from elfgate.rootfs.landing import are_apart, is_settled
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.overlay import Folder, Overlay, Part, join
from elfgate.rootfs.unread import Unread
from elfgate.rootfs.walk import Found, Missing, walk


class DisputedError(Exception):
    """It depends on the order of a layer's entries, which its index does not have."""


def is_disputed(layers: Sequence[Layer | Unread]) -> bool:
    """Whether the order of the bottom layer's entries counts.

    Overlayfs has nothing to merge it with.
    """
    return bool(layers) and bool(layers[0].root.traits & DISPUTED)


def folder(layers: Sequence[Layer | Unread]) -> Folder | None:
    """How layers lie in one folder; None if that shows what overlayfs shows.

    Args:
        layers: Bottom first; the first may stand for all that are not read.

    Raises:
        DisputedError: if it cannot be told, or they cannot be unpacked so.
        UnreadError: if it turns on layers that are not read.
        ValueError: if a layer's stored index is damaged.
    """
    if any(layer.root.traits & DISPUTED for layer in layers):
        raise DisputedError
    if any(layer.root.traits & PASSING for layer in layers[1:]):
        raise DisputedError
    moved: set[Part] = set()
    landed: defaultdict[str, list[Part]] = defaultdict(list)
    is_other = any(layer.root.traits & NULL_DEVICE for layer in layers)
    upper = [layer for layer in layers[1:] if isinstance(layer, Layer)]
    names = [_Names(layer) for layer in layers]
    for number, layer in enumerate(upper, 1):
        lower = Overlay(layers[:number], Folder(frozenset(moved), landed))
        unpacked = _Unpacked(layer, lower)
        is_other = is_other or any(map(unpacked.is_new, unpacked.implied(names[:number])))
        for path, target in unpacked.moves():
            moved.add(Part(number, path))
            landed[target].append(Part(number, path))
    if moved or is_other or any(map(_hides_otherwise, upper)):
        return Folder(frozenset(moved), landed)
    return None


def _hides_otherwise(layer: Layer) -> bool:
    return layer.root.opaque or bool(layer.directories(OPAQUE | RENEWED))


class _Names:
    """The places that paths lead to within one layer; each is walked on from its parent."""

    def __init__(self, layer: Layer | Unread) -> None:
        self._layer = layer
        self._led: dict[str, str | None] = {"/": "/"}

    def leads(self, path: str) -> str | None:
        """The real path of what is there; None if nothing is."""
        if path not in self._led:
            parent, _, name = path.rpartition("/")
            at = self.leads(parent or "/")
            self._led[path] = None if at is None else self._child(path, at, name)
        return self._led[path]

    def _child(self, path: str, at: str, name: str) -> str | None:
        entry = self._layer.entries(at).get(name)
        if entry is None:
            return None
        if entry.kind is not Kind.SYMLINK:
            return join(at, name)
        found = self._layer.walk(path)
        return found.path if isinstance(found, Found) else None


class _Unpacked:
    """The places of one layer's directories."""

    def __init__(self, layer: Layer, lower: Overlay) -> None:
        self._layer = layer
        self._lower = lower
        self._places: dict[str, str | None] = {"/": None if layer.root.opaque else "/"}

    def implied(self, below: Sequence[_Names]) -> Iterator[str]:
        """Directories without an entry of their own that some layer below has, hidden or not.

        overlayfs's folder takes mode and owner from there.
        """
        for path in self._layer.directories(IMPLIED):
            if any(layer.leads(path) is not None for layer in below):
                yield path

    def is_new(self, path: str) -> bool:
        """Whether the lower layers show nothing where a directory comes to lie."""
        parent, _, name = path.rpartition("/")
        return isinstance(self._find(self._place(parent or "/"), name), Missing)

    def moves(self) -> list[tuple[str, str]]:
        """Each directory that only its contents tell of and that a lower layer leads elsewhere.

        The second of each pair is where that layer's symlink leads.
        """
        moves = []
        for path in self._layer.directories(IMPLIED | LATE):
            if self._entry(path).traits & RENEWED:
                continue  # what lower layers had there was taken away before
            parent, _, name = path.rpartition("/")
            place = self._place(parent or "/")
            found = self._find(place, name)
            if isinstance(found, Missing) or found.entry.kind is Kind.DIRECTORY:
                continue
            if found.entry.kind is not Kind.SYMLINK or not self._entry(path).implied:
                raise DisputedError
            moves.append((path, self._target(path, join(place or "/", name))))
        if not are_apart(target for _, target in moves):
            raise DisputedError
        return moves

    def _find(self, place: str | None, name: str) -> Found | Missing:
        """A name in the lower layers; missing in a directory that they do not have.

        The directory's path is a real one, so that nothing need be walked.
        """
        entry = None if place is None else self._lower.raw(place, name)
        if place is None or entry is None:
            return Missing("ENOENT", name)
        return Found(join(place, name), entry)

    def _place(self, path: str) -> str | None:
        """Which directory of the lower layers a directory's contents join.

        None if it is a new one.
        """
        if path not in self._places:
            parent, _, name = path.rpartition("/")
            place, entry = self._place(parent or "/"), self._entry(path)
            found = self._find(place, name)
            self._places[path] = None
            if entry.opaque or entry.traits & RENEWED or isinstance(found, Missing):
                pass
            elif found.entry.kind is Kind.DIRECTORY:
                self._places[path] = found.path
            elif found.entry.kind is Kind.SYMLINK and entry.implied:
                self._places[path] = self._target(path, join(place or "/", name))
        return self._places[path]

    def _target(self, path: str, link: str) -> str:
        """The directory behind a symlink.

        What lands there must not turn on the order of entries.
        """
        found = walk(self._lower.root, self._lower.raw, link)
        if isinstance(found, Missing) or found.entry.kind is not Kind.DIRECTORY:
            raise DisputedError
        if not is_settled(self._layer, path, found):
            raise DisputedError
        return found.path

    def _entry(self, path: str) -> Entry:
        parent, _, name = path.rpartition("/")
        return self._layer.entries(parent or "/")[name]
