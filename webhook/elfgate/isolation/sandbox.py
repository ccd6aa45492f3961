"""Confines the calling process for good: landlock and a seccomp filter, set by ``ctypes``.

A confined process reads and writes what it has open, takes memory, and ends. It opens, connects,
signals, traces, starts and maps executable memory no more. A call outside that kills it: an error
code could be taken for a fact (``os.times`` makes numbers up from one). No library that sets
filters is kept alive, and two calls are all there is.

Sources: ``Documentation/userspace-api/landlock.rst`` and ``seccomp_filter.rst`` of the kernel;
prctl(2).
"""

import ctypes
import platform
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from elfgate.isolation.machine import (
    LANDLOCK_CREATE_RULESET,
    LANDLOCK_RESTRICT_SELF,
    MACHINES,
    Machine,
)

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_KILL, _ALLOW = 0x80000000, 0x7FFF0000  # SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW
_LOAD, _EQUAL, _MASK, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF: LD W ABS, JEQ K, JSET K, RET K
_NUMBER_AT, _AUDIT_AT, _PROTECTION_AT = 0, 4, 16 + 2 * 8  # of struct seccomp_data
_PROT_EXEC = 4

_CREATE_RULESET_VERSION = 1
# What each version of landlock can take away: of files, of the network, of signals and sockets.
_FILES = {1: 13, 2: 14, 3: 15, 5: 16}
_NETWORK_SINCE, _NETWORK, _SCOPES_SINCE, _SCOPES = 4, 0b11, 6, 0b11


@dataclass(frozen=True, slots=True)
class Confinement:
    """The locks that hold.

    Attributes:
        seccomp: The process is killed by whatever it does beyond reading, writing and computing.
        landlock: The version of landlock that takes files, connections and signals away; 0 if there
            is none.
    """

    seccomp: bool
    landlock: int


def confine() -> Confinement:
    """Confine this process, which has one thread, as far as the kernel lets it."""
    return Confinement(landlock=restrict(), seccomp=_filter())


def restrict() -> int:
    """Take files, connections and signals from this process by landlock.

    Return its version, or 0.
    """
    if not _no_new_privileges():
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    version: int = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    if version < 1:
        return 0
    rules = _rules(version)
    descriptor: int = libc.syscall(LANDLOCK_CREATE_RULESET, rules, len(rules), 0)
    if descriptor < 0:
        return 0
    restricted = libc.syscall(LANDLOCK_RESTRICT_SELF, descriptor, 0) == 0
    libc.close(descriptor)
    return version if restricted else 0


def keep_memory_private() -> None:
    """Let no other process of this user read this one's memory or environment.

    Where that cannot be asked for, nothing happens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _rules(version: int) -> bytes:
    """A ``landlock_ruleset_attr`` that handles all there is, so that nothing is allowed."""
    files = (1 << max(bits for since, bits in _FILES.items() if since <= version)) - 1
    rules = struct.pack("=Q", files)
    if version >= _NETWORK_SINCE:
        rules += struct.pack("=Q", _NETWORK)
    if version >= _SCOPES_SINCE:
        rules += struct.pack("=Q", _SCOPES)
    return rules


def _no_new_privileges() -> bool:
    return bool(ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _filter() -> bool:
    machine = MACHINES.get(platform.machine())
    if machine is None or not _no_new_privileges():
        return False
    code = b"".join(instructions(machine))
    program = _Program(len(code) // 8, code)
    prctl = ctypes.CDLL(None).prctl
    return bool(prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def instructions(machine: Machine) -> Iterator[bytes]:
    """The filter in BPF, eight bytes an instruction: all that is not allowed kills."""
    yield _instruction(_LOAD, _AUDIT_AT)
    yield _instruction(_EQUAL, machine.audit, if_true=1)
    yield _instruction(_RETURN, _KILL)
    yield _instruction(_LOAD, _NUMBER_AT)
    mapping = ("mprotect",) if machine.maps_by_pointer else ("mmap", "mprotect")
    for name, number in machine.calls.items():
        if name in mapping:
            yield from _not_executable(machine, number)
        else:
            yield _instruction(_EQUAL, number, if_false=1)
            yield _instruction(_RETURN, _ALLOW)
    yield _instruction(_RETURN, _KILL)


def _not_executable(machine: Machine, number: int) -> Iterator[bytes]:
    yield _instruction(_EQUAL, number, if_false=4)
    yield _instruction(_LOAD, _PROTECTION_AT + (4 if machine.big_endian else 0))
    yield _instruction(_MASK, _PROT_EXEC, if_false=1)
    yield _instruction(_RETURN, _KILL)
    yield _instruction(_RETURN, _ALLOW)


def _instruction(code: int, operand: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)
