"""The users and groups of a root's /etc/passwd and /etc/group, as runtimes read them.

Sources: ``user.GetExecUser`` (runc: names and numbers, HOME), containerd's
``oci.WithAdditionalGIDs``.
"""

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

_NUMBER = 2
_GROUP = _MEMBERS = 3  # of a user, and of a group
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
    if group:
        return replace(account, gid=_group(group, root))
    return account


def memberships(uid: str, root: Path = _ROOT) -> list[int]:
    """The groups that list the user of this number as a member."""
    row = _found(root, "passwd", uid)
    if row is None:
        return []
    name = row[0]
    groups = [each for each in _rows(root, "group") if name in each[_MEMBERS].split(",")]
    return [int(group[_NUMBER]) for group in groups]


def _user(name: str, root: Path) -> Account:
    """A user by its name or number; a number that is not listed is of group 0."""
    row = _found(root, "passwd", name)
    if row is None:
        return Account(_number(name, "user"))
    group = row[_GROUP]
    home = row[_HOME] if len(row) > _HOME else ""
    return Account(
        uid=int(row[_NUMBER]),
        gid=int(group) if group.isdecimal() else 0,
        home=home or "/",
    )


def _group(name: str, root: Path) -> int:
    if name.isdecimal():
        return int(name)
    row = _found(root, "group", name)
    if row is None:
        return _number(name, "group")
    return int(row[_NUMBER])


def _number(name: str, kind: str) -> int:
    """The number of what is not listed.

    Raises:
        FileNotFoundError: if it has none.
    """
    if name == "root":
        return 0
    if name.isdecimal():
        return int(name)
    raise FileNotFoundError(errno.ENOENT, f"no such {kind}", name)


def _found(root: Path, file: str, wanted: str) -> list[str] | None:
    """The first line of a name, or of a number."""
    place = _NUMBER if wanted.isdecimal() else 0
    for row in _rows(root, file):
        if row[place] == wanted:
            return row
    return None


def _rows(root: Path, file: str) -> Iterator[list[str]]:
    """The lines of a file at their colons, those that have a number; none if it cannot be read."""
    with contextlib.suppress(OSError):
        text = (root / "etc" / file).read_text(errors="replace")
        for line in text.splitlines():
            row = line.strip().split(":")
            if len(row) > _MEMBERS and row[_NUMBER].isdecimal():
                yield row
