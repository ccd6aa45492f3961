"""System calls that Python has no function for, by ``ctypes``.

Sources: mount(2), pivot_root(2), unshare(2), setns(2), prctl(2), netdevice(7).
"""

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT = 0x1, 0x2, 0x4, 0x8, 0x20
BIND, REC, PRIVATE = 0x1000, 0x4000, 0x40000
_DETACH = 0x2
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path | str, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount a file system.

    Raises:
        OSError: as the kernel says.
    """
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode(), flags)
    if _libc.mount(*arguments, os.fsencode(data) or None):
        raise _error(os.fspath(target))


def unmount(target: str) -> None:
    """Take a mount away at once, though it is in use.

    Raises:
        OSError: as the kernel says.
    """
    if _libc.umount2(os.fsencode(target), _DETACH):
        raise _error(target)


def pivot_here() -> None:
    """Make the working directory, a mount, the root.

    The old root lies upon it until it is unmounted.

    Raises:
        OSError: as the kernel says.
    """
    if _libc.pivot_root(b".", b"."):
        raise _error("pivot_root")


def unshare(namespaces: int) -> None:
    """Begin new namespaces.

    Raises:
        OSError: if the kernel does not allow it.
    """
    if _libc.unshare(namespaces):
        raise _error("unshare")


def enter_namespace(file: int, kind: int) -> None:
    """Enter the namespace of an open file of /proc/PID/ns.

    Raises:
        OSError: if the kernel does not allow it.
    """
    if _libc.setns(file, kind):
        raise _error("setns")


def end_with_parent(number: int) -> None:
    """Have this process sent a signal when its parent ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def forgo_privileges() -> None:
    """Let this process and its children gain no privilege by ``execve``."""
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def bound_capabilities(kept: frozenset[int]) -> None:
    """Take all capabilities but these from what this process executes.

    Raises:
        OSError: if it may not.
    """
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in range(last + 1):
        if number not in kept and _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0):
            raise _error("a capability")


def begin_loopback() -> None:
    """Let processes of this network namespace reach each other by 127.0.0.1.

    Raises:
        OSError: if the kernel does not allow it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)
