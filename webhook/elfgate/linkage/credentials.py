"""Who the process runs as, and what that lets it open: the kernel's permission check.

Sources: ``user.GetExecUser`` (Docker, CRI-O) and containerd's ``oci.WithUser`` (names and numbers against /etc/passwd
and /etc/group), containerd's ``oci.WithAdditionalGIDs`` (the groups of /etc/group that list the user are the process's
too), the kubelet's ``determineEffectiveSecurityContext`` (``supplementalGroups`` and ``fsGroup`` are added), Linux
``fs/namei.c`` (``acl_permission_check``; root needs one x bit to execute).

Which groups a process has is not always known: a refusal that a group could lift, and a permission that one could take
away, is not asserted then.
"""

from dataclasses import dataclass

from elfgate.linkage.start import Overrides
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Missing, Tree

READ = 0o4
EXECUTE = 0o1

_PASSWD, _GROUP = "/etc/passwd", "/etc/group"
_NO_POD = Overrides()


@dataclass(frozen=True, slots=True)
class Credentials:
    """A process's user and groups.

    Attributes:
        uid: Its number, or None where a name of the image's config is not in /etc/passwd.
        gid: Its group, or None where that is not known.
        gids: All groups that it has, ``gid`` among them.
        possible: Groups that it has with some runtimes, or under some settings.
        others: It may have any other group.
    """

    uid: int | None = 0
    gid: int | None = 0
    gids: frozenset[int] = frozenset({0})
    possible: frozenset[int] = frozenset()
    others: bool = False

    def belongs(self, gid: int) -> bool | None:
        """Tell whether the process is of a group; None if that is not known."""
        if gid in self.gids:
            return True
        return None if self.others or gid in self.possible else False

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
        return any(self._answers(entry, want))

    def certainly_may(self, entry: Entry, want: int) -> bool:
        """Tell whether ``may`` does not rest on what is not known of the process."""
        if self.uid in (0, None):
            return self.uid is not None and self.may(entry, want)
        return all(self._answers(entry, want))

    def _answers(self, entry: Entry, want: int) -> list[bool]:
        """What the mode says, by all that the process may be."""
        if entry.uid == self.uid:
            return [bool(entry.mode & want << 6)]
        by_group, by_others = bool(entry.mode & want << 3), bool(entry.mode & want)
        belongs = self.belongs(entry.gid)
        return [by_group, by_others] if belongs is None else [by_group if belongs else by_others]


def credentials(user: str, tree: Tree, overrides: Overrides = _NO_POD) -> Credentials:
    """Resolve ``USER[:GROUP]`` as a runtime does.

    Args:
        user: Numbers or names; empty for root.
        tree: Where /etc/passwd and /etc/group are.
        overrides: What the pod's container says of supplementary groups.
    """
    name, _, group = user.partition(":")
    uid, gid, login = _user(name, tree)
    if group:
        gid = int(group) if group.isdecimal() else _group(group, tree)
    given = overrides.groups if gid is None else overrides.groups | {gid}
    members = _memberships(login, tree)
    # Where the image's user is written with a group, containerd adds what /etc/group says, and GetExecUser does not.
    told_apart = bool(group) and overrides.group is None
    certain = members if overrides.image_groups and not told_apart else frozenset()
    unread = any(_is_unread(tree, path) for path in (_PASSWD, _GROUP))
    return Credentials(uid, gid, given | certain, members, overrides.other_groups or unread or gid is None)


def _user(name: str, tree: Tree) -> tuple[int | None, int | None, str]:
    """The user's number, group and login name; a number that /etc/passwd does not have is of group 0."""
    number = name or "0"
    rows = [row for row in _rows(tree, _PASSWD, fields=4) if row[2].isdecimal() and row[3].isdecimal()]
    for row in rows:
        if number == (row[2] if number.isdecimal() else row[0]):
            return int(row[2]), int(row[3]), row[0]
    if name in ("", "root"):
        return 0, 0, ""
    return (int(name), 0, "") if name.isdecimal() else (None, None, name)


def _group(name: str, tree: Tree) -> int | None:
    for row in _rows(tree, _GROUP, fields=3):
        if row[0] == name and row[2].isdecimal():
            return int(row[2])
    return None


def _memberships(login: str, tree: Tree) -> frozenset[int]:
    """The groups that list a login name as a member."""
    rows = _rows(tree, _GROUP, fields=4) if login else []
    return frozenset(int(row[2]) for row in rows if row[2].isdecimal() and login in row[3].split(","))


def _is_unread(tree: Tree, path: str) -> bool:
    """Tell whether a file is there whose text was not kept."""
    return tree.text(path) is None and not isinstance(tree.lookup(path), Missing)


def _rows(tree: Tree, path: str, *, fields: int) -> list[list[str]]:
    rows = (line.strip().split(":") for line in (tree.text(path) or "").splitlines())
    return [row for row in rows if len(row) >= fields]


def executable(entry: Entry, who: Credentials) -> bool:
    """Tell whether ``execve`` would take the entry's kind and mode."""
    return entry.kind is Kind.FILE and who.may(entry, EXECUTE)
