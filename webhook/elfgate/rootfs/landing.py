"""Whether the order of a layer's entries counts where they go through symlinks of lower layers.

An index does not have that order. What lands in a directory lands there in any order if the layer
leaves the symlinks and the directory alone, and brings nothing else there that could meet what
lands.
"""

from collections.abc import Iterable
from itertools import pairwise

from elfgate.rootfs.entry import OPAQUE, RENEWED, Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.walk import Found


def is_settled(layer: Layer, path: str, target: Found) -> bool:
    """Whether a directory's names land in another directory in any order.

    Args:
        layer: The layer.
        path: Of the directory in it.
        target: What lower layers lead to.
    """
    names, there = layer.entries(path).keys(), layer.entries(target.path).keys()
    entry = _entry(layer, path)
    takes_away = bool(there) and entry is not None and entry.opaque
    return (
        not names & there
        and not takes_away
        and _merges(layer, target.path)
        and all(_is_left(layer, symlink) for symlink in target.symlinks)
    )


def are_apart(targets: Iterable[str]) -> bool:
    """Whether no two of some directories are one, or one in the other."""
    ordered = sorted(target.rstrip("/") + "/" for target in targets)
    return not any(lower.startswith(upper) for upper, lower in pairwise(ordered))


def _merges(layer: Layer, path: str) -> bool:
    """Whether all that a layer has of a path are directories that join those below."""
    above = ""
    for name in path.split("/")[1:]:
        entry = layer.entries(above or "/").get(name)
        if entry is None:
            return True
        if entry.kind is not Kind.DIRECTORY or entry.traits & (OPAQUE | RENEWED):
            return False
        above = f"{above}/{name}"
    return True


def _is_left(layer: Layer, symlink: str) -> bool:
    """Whether a layer neither replaces a symlink below it nor takes it away."""
    entry = _entry(layer, symlink)
    is_led = entry is None or (entry.implied and not entry.traits & RENEWED)
    return is_led and _merges(layer, symlink.rpartition("/")[0])


def _entry(layer: Layer, path: str) -> Entry | None:
    parent, _, name = path.rpartition("/")
    return layer.entries(parent or "/").get(name)
