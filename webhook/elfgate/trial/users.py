"""The user namespace that programs are started in, and the users that it has.

Source: user_namespaces(7), "Defining user and group ID mappings". Whoever is not root may map one
user only: itself, as the namespace's root. Root may map as many as it likes.
"""

import os
from collections.abc import Callable
from pathlib import Path

from elfgate.trial import syscalls

COUNT = 65536
# Numbers that no user of a machine has, so that a namespace's root is nobody to the host.
_NOBODYS = 1_900_000_000


def are_many() -> bool:
    """Tell whether programs can be started here as somebody else than root.

    Root of a namespace that has few users itself is like anybody else.
    """
    return os.geteuid() == 0 and _mapped(0) and _mapped(_NOBODYS)


def _mapped(begin: int) -> bool:
    """Tell whether this namespace has ``COUNT`` users from a number on."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, _, count = map(int, line.split())
        if inside <= begin and begin + COUNT <= inside + count:
            return True
    return False


def first(*, apart: bool) -> int:
    """The number that a namespace's root has outside it.

    Args:
        apart: It is none of the host's users, where there is a choice.
    """
    if not are_many():
        return os.geteuid()
    return _NOBODYS if apart else 0


def begin(*, apart: bool) -> None:
    """Enter a user namespace of its own, as the user that is not mapped yet to its root.

    Args:
        apart: As of ``first``.

    Raises:
        OSError: if the kernel does not allow it.
    """
    outside = first(apart=apart)
    if are_many():
        _mapped_from_outside(lambda process: _map_all(process, outside))
        return
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.NEWUSER)
    map_one(0, uid, 0, gid)


def map_one(uid: int, outside: int, gid: int, outside_group: int) -> None:
    """Map the one user and group of this process, which has just entered a user namespace.

    Raises:
        OSError: if the kernel does not allow it.
    """
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outside} 1\n")
    Path("/proc/self/gid_map").write_text(f"{gid} {outside_group} 1\n")


def is_alone() -> bool:
    """Tell whether this namespace has one user only."""
    (line, *others) = Path("/proc/self/uid_map").read_text().splitlines()
    return not others and line.split()[2] == "1"


def become_root() -> None:
    """Be the root of the namespace."""
    if os.getuid() or os.getgid():
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)


def _map_all(process: int, outside: int) -> None:
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{process}/{name}").write_text(f"0 {outside} {COUNT}\n")


def _mapped_from_outside(write: Callable[[int], None]) -> None:
    """Enter the namespace, while a process that stays outside writes its maps."""
    reader, writer = os.pipe()
    inside = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(writer)
        os.read(reader, 1)
        write(inside)
        os._exit(0)
    os.close(reader)
    syscalls.unshare(syscalls.NEWUSER)
    os.close(writer)
    if os.waitpid(helper, 0)[1]:
        raise OSError("the users could not be mapped")
