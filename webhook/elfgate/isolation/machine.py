"""Linux system calls by number, and what seccomp calls each machine: one row an architecture.

Sources: the kernel's ``arch/*/kernel/syscalls`` tables and ``include/uapi/linux/audit.h``. Numbers
above 400 are alike everywhere.
"""

from dataclasses import dataclass
from types import MappingProxyType

LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446

# The calls of a Python program that reads, computes and writes, in the order of the rows below.
_NAMES = (
    *("read", "write", "close", "fstat", "lseek", "brk", "mmap", "munmap", "mremap"),
    *("madvise", "mprotect", "futex", "rt_sigreturn", "exit", "exit_group", "clock_gettime"),
    *("getrandom", "restart_syscall", "sched_yield", "readv"),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture as seccomp sees it.

    Attributes:
        audit: ``AUDIT_ARCH_*``.
        calls: Numbers of the calls that a confined process may make.
        big_endian: Where the lower half of an argument is.
        maps_by_pointer: ``mmap`` takes a pointer to its arguments, which a filter cannot follow.
    """

    audit: int
    calls: MappingProxyType[str, int]
    big_endian: bool = False
    maps_by_pointer: bool = False


def _calls(*numbers: int) -> MappingProxyType[str, int]:
    return MappingProxyType(dict(zip(_NAMES, numbers, strict=True)))


MACHINES = MappingProxyType(
    {
        "x86_64": Machine(
            0xC000003E,
            _calls(
                *(0, 1, 3, 5, 8, 12, 9, 11, 25),
                *(28, 10, 202, 15, 60, 231, 228),
                *(318, 219, 24, 19),
            ),
        ),
        "aarch64": Machine(
            0xC00000B7,
            _calls(
                *(63, 64, 57, 80, 62, 214, 222, 215, 216),
                *(233, 226, 98, 139, 93, 94, 113),
                *(278, 128, 124, 65),
            ),
        ),
        "ppc64le": Machine(
            0xC0000015,
            _calls(
                *(3, 4, 6, 108, 19, 45, 90, 91, 163),
                *(205, 125, 221, 172, 1, 234, 246),
                *(359, 0, 158, 145),
            ),
        ),
        "s390x": Machine(
            0x80000016,
            _calls(
                *(3, 4, 6, 108, 19, 45, 90, 91, 163),
                *(219, 125, 238, 173, 1, 248, 260),
                *(349, 7, 158, 145),
            ),
            big_endian=True,
            maps_by_pointer=True,
        ),
    }
)
