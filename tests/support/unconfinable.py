"""Runs a command on a system that refuses seccomp filters, as an old kernel does.

``python -m support.unconfinable COMMAND...``
"""

import ctypes
import os
import platform
import struct
import sys

from elfgate.isolation.machine import MACHINES

_PRCTL = {"x86_64": 157, "aarch64": 167, "ppc64le": 171, "s390x": 172}
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 22  # SECCOMP_RET_ERRNO with EINVAL


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main() -> None:
    machine = platform.machine()
    first_argument = 16 + (4 if MACHINES[machine].big_endian else 0)
    code = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x20, 0, 0, 0),
            (0x15, 0, 3, _PRCTL[machine]),
            (0x20, 0, 0, first_argument),
            (0x15, 0, 1, 22),  # PR_SET_SECCOMP
            (0x06, 0, 0, _REFUSE),
            (0x06, 0, 0, _ALLOW),
        )
    )
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(_Program(len(code) // 8, code)), 0, 0) == 0
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606


if __name__ == "__main__":
    main()
