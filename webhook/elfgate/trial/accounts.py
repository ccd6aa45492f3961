"""The users and groups of a root's /etc/passwd and /etc/group, as runtimes read them.

Sources: ``user.GetExecUser`` (runc: names and numbers, HOME), containerd's
``oci.WithAdditionalGIDs``.
"""

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FIELDS = 4  # up to a user's group, and to a group's members
_HOME = 5
_ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Account:
    """A user, as a process has it.

    Attributes:
        uid: Its number.
        gid: Its group.
        home: Its home directory.
    """

    uid: int = 0
    gid: int = 0
    home: str = "/"


def find(user: str, root: Path = _ROOT) -> Account:
    """The user of ``USER[:GROUP]``.

    Raises:
        FileNotFoundError: if a name is not there.
    """
    name, _, group = user.partition(":")
    account = _user(name or "0", root)
    if not group:
        return account
    gid = int(group) if group.isdecimal() else _group(group, root)
    return Account(account.uid, gid, account.home)


def memberships(uid: str, root: Path = _ROOT) -> list[int]:
    """The groups that list the user of this number as a member."""
    names = [row[0] for row in _rows(root, "passwd") if row[2] == uid][:1]
    groups = [row for row in _rows(root, "group") if row[2].isdecimal()]
    return [int(row[2]) for row in groups if {*names} & {*row[3].split(",")}]


def _user(name: str, root: Path) -> Account:
    """A user by its name or number; a number that is not listed is of group 0."""
    place = 2 if name.isdecimal() else 0
    for row in _rows(root, "passwd"):
        if row[place] == name and row[2].isdecimal():
            gid = int(row[3]) if row[3].isdecimal() else 0
            home = row[_HOME] if len(row) > _HOME else ""
            return Account(int(row[2]), gid, home or "/")
    if name == "root":
        return Account()
    if not name.isdecimal():
        raise FileNotFoundError(errno.ENOENT, "no such user", name)
    return Account(int(name))


def _group(name: str, root: Path) -> int:
    for row in _rows(root, "group"):
        if row[0] == name and row[2].isdecimal():
            return int(row[2])
    if name == "root":
        return 0
    raise FileNotFoundError(errno.ENOENT, "no such group", name)


def _rows(root: Path, name: str) -> Iterator[list[str]]:
    """The lines of a file at their colons; none if it cannot be read."""
    with contextlib.suppress(OSError):
        lines = (root / "etc" / name).read_text(errors="replace").splitlines()
        rows = (line.strip().split(":") for line in lines)
        yield from (row for row in rows if len(row) >= _FIELDS)
