"""A child's limits, held by the kernel.

Memory, processor time, and no longer life than its parent's.
"""

import ctypes
import os
import resource
import signal
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_CORE_FILES = (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)  # a core would hold what it worked on


@dataclass(frozen=True, slots=True)
class Bounds:
    """A child's limits.

    Attributes:
        memory: Bytes of address space.
        seconds: Of processor time, whole ones; None for no limit of its own.
    """

    memory: int
    seconds: int | None = None


def bound(bounds: Bounds) -> None:
    """Set the limits of this process, for good."""
    resource.setrlimit(resource.RLIMIT_AS, (bounds.memory, bounds.memory))
    for limit in _CORE_FILES:
        resource.setrlimit(limit, (0, 0))
    if bounds.seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (bounds.seconds, bounds.seconds))


def end_with(parent: int) -> None:
    """Have this process killed when its parent ends, however it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)  # it ended before that was said


def address_space() -> int:
    """Bytes of address space that this process has."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib is not needed here
        return int(statm.read().split()[0]) * resource.getpagesize()
