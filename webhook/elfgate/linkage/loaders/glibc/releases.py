"""Releases of glibc and of the kernel, as glibc tells and takes them.

Source: glibc ``elf/dl-sysdep.c`` (``_dl_discover_osversion``), ld.so(8), LD_ASSUME_KERNEL.
"""

import re

LIBC = "libc.so.6"  # DT_SONAME of the C library in every release

_NO_PART = 255  # of a kernel's version
_UNTOLD = (2, 32)


def assumed_kernel(text: str) -> tuple[int, int, int] | None:
    """Read an LD_ASSUME_KERNEL, which glibc up to 2.35 takes for the kernel that runs.

    Source: ``_dl_osversion_init``.
    """
    match = re.match(r"(\d{1,3})(?:\.(\d{1,3})(?:\.(\d{1,3}).*)?)?\Z", text, re.DOTALL)
    major, minor, patch = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    if 0 < major < _NO_PART > max(minor, patch):
        return (major, minor, patch)
    return None


def release(version: str) -> tuple[int, ...]:
    """Read a glibc release such as ``2.36``.

    Loaders tell it since 2.33; one that does not counts as older.
    """
    parts = version.split(".")[:2]
    if all(part.isdecimal() for part in parts):
        return tuple(int(part) for part in parts)
    return _UNTOLD
