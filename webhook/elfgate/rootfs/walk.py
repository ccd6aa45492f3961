"""Walks a path as the kernel does.

Path_resolution(7), and ``link_path_walk`` in linux/fs/namei.c, below a root.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field

from elfgate.rootfs.entry import Entry, Kind

MAX_SYMLINKS = 40  # MAXSYMLINKS
MAX_NAME_BYTES = 255  # NAME_MAX
MAX_PATH_BYTES = 4096  # PATH_MAX, the final NUL included


@dataclass(frozen=True, slots=True)
class Found:
    """The end of a path.

    Attributes:
        path: The real path: absolute, without symlinks.
        entry: What is there; for a hard link, its target's.
        symlinks: The real paths of the symlinks followed, in order.
        steps: Components walked, those of symlinks among them: what the walk cost.
    """

    path: str
    entry: Entry
    symlinks: tuple[str, ...] = ()
    steps: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a path leads nowhere.

    Attributes:
        errno: ``ENOENT``, ``ENOTDIR``, ``ELOOP``, ``ENAMETOOLONG`` or ``EACCES``.
        path: The component at which the walk ended, absolute, symlinks before it resolved.
        symlinks: The real paths of the symlinks followed, in order.
        steps: Components walked, those of symlinks among them: what the walk cost.
        beyond: What of the path lies behind that component.
    """

    errno: str
    path: str
    symlinks: tuple[str, ...] = ()
    steps: int = field(default=0, compare=False)
    beyond: str = field(default="", compare=False)


# The kernel's checks in the kernel's order, to be read in one piece.
def walk(  # noqa: C901, PLR0911, PLR0912
    root: Entry,
    child: Callable[[str, str], Entry | None],
    path: str,
    *,
    follow_last: bool = True,
    uid: int | None = None,
    gids: Container[int] = (),
    entered: int = 0,
) -> Found | Missing:
    """Walk an absolute path.

    Args:
        root: The root directory.
        child: What a name is in a directory, given by its real path; None if it is not there.
        path: The path.
        follow_last: Whether a symlink as the last component is followed, as ``execve`` and ``open``
            do.
        uid: Who asks, for the search permission of directories; None may search all.
        gids: The groups of whoever asks.
        entered: How many components lead to a working directory: who is in it need not be able to
            search them.
    """
    if _is_longer(path, MAX_PATH_BYTES - 1):
        return Missing("ENAMETOOLONG", path)
    trail = [("/", root)]
    symlinks: list[str] = []
    rest = path.split("/")[::-1]
    steps = len(rest)
    while rest:
        name = rest.pop()
        if not name:
            continue
        here, directory = trail[-1]
        if entered:
            entered -= 1
        elif uid is not None and not _may_search(directory, uid, gids):
            return Missing("EACCES", here, tuple(symlinks), steps)
        if name == ".":
            continue
        if name == "..":
            del trail[max(len(trail) - 1, 1) :]
            continue
        there = f"{here}/{name}" if len(trail) > 1 else f"/{name}"
        if _is_longer(name, MAX_NAME_BYTES):
            return Missing("ENAMETOOLONG", there, tuple(symlinks), steps)
        entry = child(here, name)
        if entry is None:
            return Missing("ENOENT", there, tuple(symlinks), steps, "/".join(reversed(rest)))
        if entry.kind is Kind.DIRECTORY:
            trail.append((there, entry))
        elif entry.kind is Kind.SYMLINK and (rest or follow_last):
            if len(symlinks) == MAX_SYMLINKS:
                return Missing("ELOOP", there, tuple(symlinks), steps)
            symlinks.append(there)
            if entry.link.startswith("/"):
                del trail[1:]
            followed = entry.link.split("/")[::-1]
            rest += followed
            steps += len(followed)
        elif rest:
            return Missing("ENOTDIR", there, tuple(symlinks), steps)
        else:
            return Found(there, entry, tuple(symlinks), steps)
    return Found(*trail[-1], tuple(symlinks), steps)


def _may_search(directory: Entry, uid: int, gids: Container[int]) -> bool:
    """The x bit of the first class that applies (path_resolution(7), "Permissions")."""
    if directory.uid == uid:
        return bool(directory.mode & 0o100)
    return bool(directory.mode & (0o010 if directory.gid in gids else 0o001))


def _is_longer(text: str, limit: int) -> bool:
    """Whether it has more bytes than ``limit``.

    A byte that is not UTF-8 is one surrogate, hence one ``?``.
    """
    return 4 * len(text) > limit and len(text.encode("utf-8", "replace")) > limit
