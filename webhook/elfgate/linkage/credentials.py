"""Who the process runs as, and what that lets it open: the kernel's permission check as far as the image decides it.

Sources: runc's ``user.GetExecUser`` (names and numbers against /etc/passwd and /etc/group), Linux ``fs/namei.c``
(``acl_permission_check``; root needs one x bit to execute). Supplementary groups that a pod adds (``fsGroup`` and kin)
are not known here, so a refusal that such a group could lift is never asserted.
"""

from dataclasses import dataclass

from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Tree

READ = 0o4
EXECUTE = 0o1


@dataclass(frozen=True, slots=True)
class Credentials:
    """A process's user and groups.

    Attributes:
        uid: Its number, or None where a name of the image's config is not in /etc/passwd.
        gids: The groups that are known; a pod may add others.
    """

    uid: int | None = 0
    gids: frozenset[int] = frozenset({0})

    def may(self, entry: Entry, want: int) -> bool:
        """Tell whether the entry's mode lets this process read or execute it; True where it cannot be told.

        Args:
            entry: The file.
            want: ``READ`` or ``EXECUTE``.
        """
        anyone = want << 6 | want << 3 | want
        if self.uid in (0, None):
            # Root passes without a read bit; executing takes one x bit. Whoever else it may be, no bit at all refuses.
            return bool(entry.mode & anyone) or (self.uid == 0 and want == READ)
        if entry.uid == self.uid:
            return bool(entry.mode & want << 6)
        if entry.gid in self.gids:
            return bool(entry.mode & want << 3)
        return bool(entry.mode & (want << 3 | want))

    def certainly_may(self, entry: Entry, want: int) -> bool:
        """Tell whether ``may`` does not rest on a group that only the pod might add."""
        if self.uid in (0, None) or entry.uid == self.uid or entry.gid in self.gids:
            return self.uid is not None and self.may(entry, want)
        return bool(entry.mode & want)


def credentials(user: str, tree: Tree) -> Credentials:
    """Resolve ``USER[:GROUP]`` as runc does.

    Args:
        user: Numbers or names; empty for root.
        tree: Where /etc/passwd and /etc/group are.
    """
    name, _, group = user.partition(":")
    uid, gid = _user(name, tree)
    if group:
        gid = int(group) if group.isdecimal() else _group(group, tree)
    return Credentials(uid, frozenset() if gid is None else frozenset({gid}))


def _user(name: str, tree: Tree) -> tuple[int | None, int | None]:
    if name in ("", "0", "root"):
        return 0, 0
    for row in _rows(tree, "/etc/passwd", fields=4):
        if name in (row[0], row[2]) and row[2].isdecimal() and row[3].isdecimal():
            return int(row[2]), int(row[3])
    return (int(name), 0) if name.isdecimal() else (None, None)


def _group(name: str, tree: Tree) -> int | None:
    for row in _rows(tree, "/etc/group", fields=3):
        if row[0] == name and row[2].isdecimal():
            return int(row[2])
    return None


def _rows(tree: Tree, path: str, *, fields: int) -> list[list[str]]:
    rows = (line.split(":") for line in (tree.text(path) or "").splitlines())
    return [row for row in rows if len(row) >= fields]


def executable(entry: Entry, who: Credentials) -> bool:
    """Tell whether ``execve`` would take the entry's kind and mode."""
    return entry.kind is Kind.FILE and who.may(entry, EXECUTE)
