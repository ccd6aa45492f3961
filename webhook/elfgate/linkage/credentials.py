"""A process's user and groups, and the kernel's permission check: which files they let it open.

Sources: ``user.GetExecUser`` (Docker, CRI-O) and containerd's ``oci.WithUser`` (names and numbers
against /etc/passwd and /etc/group), containerd's ``oci.WithAdditionalGIDs`` (the groups of
/etc/group that list the user are the process's too), the kubelet's
``determineEffectiveSecurityContext`` (``supplementalGroups`` and ``fsGroup`` are added), Linux
``fs/namei.c`` (``acl_permission_check``; root needs one x bit to execute).

Which groups a process has is not always known: a refusal that a group could lift, and a permission
that one could take away, is not asserted then.
"""

from dataclasses import dataclass

from elfgate.linkage.inputs import Overrides
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Missing, Tree
from elfgate.rootfs.unread import UnreadError

READ = 0o4
WRITE = 0o2
EXECUTE = 0o1

_ROOT = ("", "0", "root")
_NUMBERS = 3  # colons before a user's group, and a group's members
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
        passes: It passes mode bits (CAP_DAC_OVERRIDE), as root does unless that is dropped; None if
            that is not known.
        unread: Its groups are in layers that are not read: whatever turns on them raises
            ``UnreadError``.
    """

    uid: int | None = 0
    gid: int | None = 0
    gids: frozenset[int] = frozenset({0})
    possible: frozenset[int] = frozenset()
    others: bool = False
    passes: bool | None = True
    unread: bool = False

    @property
    def searches_as(self) -> int | None:
        """The user whose search permission counts; None for one who may, or might, search all."""
        if self.passes is False:
            return self.uid
        return None

    def belongs(self, gid: int) -> bool | None:
        """Tell whether the process is of a group; None if that is not known."""
        if gid in self.gids:
            return True
        if self.others or gid in self.possible:
            return None
        return False

    def may(self, entry: Entry, want: int) -> bool:
        """Tell whether the entry's mode lets this process read or execute it.

        True where it cannot be told.

        Args:
            entry: The file.
            want: ``READ`` or ``EXECUTE``.
        """
        anyone = want << 6 | want << 3 | want
        if self.uid is None or self.passes is not False:
            # Root passes without a read bit; executing takes one x bit. Whoever else it may be, no
            # bit at all refuses.
            return bool(entry.mode & anyone) or (self.uid is not None and want == READ)
        return any(self._answers(entry, want))

    def certainly_may(self, entry: Entry, want: int) -> bool:
        """Tell whether ``may`` does not rest on what is not known of the process."""
        if self.uid is None or self.passes:
            return self.uid is not None and self.may(entry, want)
        return all(self._answers(entry, want))

    def _answers(self, entry: Entry, want: int) -> list[bool]:
        """Answers of the mode bits, one for each class that the process may be of."""
        if entry.uid == self.uid:
            return [bool(entry.mode & want << 6)]
        by_group, by_others = bool(entry.mode & want << 3), bool(entry.mode & want)
        belongs = self.belongs(entry.gid)
        if belongs is None and self.unread and by_group != by_others:
            raise UnreadError("a process's groups are in layers that are not read")
        if belongs is None:
            return [by_group, by_others]
        return [by_group if belongs else by_others]


def credentials(
    user: str,
    tree: Tree,
    overrides: Overrides = _NO_POD,
    *,
    root_passes: bool | None = True,
) -> Credentials:
    """Resolve ``USER[:GROUP]`` as a runtime does.

    Args:
        user: Numbers or names; empty for root.
        tree: Where /etc/passwd and /etc/group are.
        overrides: What the pod's container says of supplementary groups.
        root_passes: Root passes mode bits; None if that is not known.
    """
    name, _, group = user.partition(":")
    if (
        name in _ROOT and not group
    ):  # it passes whatever its groups are, so that they are not looked up
        return Credentials(0, 0, overrides.groups | {0}, others=True, passes=root_passes)
    try:
        users, groups = _rows(tree, "/etc/passwd"), _rows(tree, "/etc/group")
    except UnreadError:
        return _of_numbers(name, group, overrides, root_passes=root_passes)
    uid, gid, login = _user(name, users or [])
    if users is None:
        gid = None  # the user's row may name any
    if group:
        gid = int(group) if group.isdecimal() else _group(group, groups or [])
    given = overrides.groups if gid is None else overrides.groups | {gid}
    members = _memberships(login, groups or [])
    # Where the image's user is written with a group, containerd adds what /etc/group says, and
    # GetExecUser does not.
    told_apart = bool(group) and overrides.group is None
    certain = members if overrides.image_groups and not told_apart else frozenset()
    unread = users is None or groups is None
    others = overrides.other_groups or unread or gid is None
    passes = root_passes if uid == 0 else False
    return Credentials(uid, gid, given | certain, members, others, passes)


def _of_numbers(
    name: str, group: str, overrides: Overrides, *, root_passes: bool | None
) -> Credentials:
    """Tell what numbers alone say, where neither /etc/passwd nor /etc/group is read yet."""
    uid = 0 if name in _ROOT else None
    if name.isdecimal():
        uid = int(name)
    if uid is None or (group and not group.isdecimal()):
        raise UnreadError("a user's number is in layers that are not read")
    gids = overrides.groups | {int(group)} if group else overrides.groups
    passes = root_passes if uid == 0 else False
    return Credentials(uid, None, gids, others=True, passes=passes, unread=True)


def _user(name: str, users: list[list[str]]) -> tuple[int | None, int | None, str]:
    """The user's number, group and login name.

    A number that /etc/passwd does not have is of group 0.
    """
    if name in _ROOT:
        return 0, 0, ""
    for row in users:
        if len(row) > _NUMBERS and name == row[2 if name.isdecimal() else 0] and row[2].isdecimal():
            return int(row[2]), int(row[3]) if row[3].isdecimal() else 0, row[0]
    if name.isdecimal():
        return (int(name), 0, "")
    return (None, None, name)


def _group(name: str, groups: list[list[str]]) -> int | None:
    return next(
        (int(row[2]) for row in groups if row[0] == name and row[2:] and row[2].isdecimal()),
        None,
    )


def _memberships(login: str, groups: list[list[str]]) -> frozenset[int]:
    """The groups that list a login name as a member."""
    rows = [row for row in groups if len(row) > _NUMBERS and row[2].isdecimal()] if login else []
    return frozenset(int(row[2]) for row in rows if login in row[3].split(","))


def _rows(tree: Tree, path: str) -> list[list[str]] | None:
    """The lines of a file such as /etc/passwd, at their colons.

    None if it is there, but its text was not kept.
    """
    text = tree.text(path)
    if text is None and not isinstance(tree.lookup(path), Missing):
        return None
    return [line.strip().split(":") for line in (text or "").splitlines()]


def executable(entry: Entry, who: Credentials) -> bool:
    """Tell whether ``execve`` would take the entry's kind and mode."""
    return entry.kind is Kind.FILE and who.may(entry, EXECUTE)
