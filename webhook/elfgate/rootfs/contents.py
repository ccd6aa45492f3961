"""Which bytes of a file are worth keeping.

Those that the kernel or a loader would look at when a program starts.

The kernel reads a file's first 256 bytes (``BINPRM_BUF_SIZE``, linux/binfmts.h) and, of an ELF
file, its headers; the loaders read their caches and path files; a shell reads its script. Data
files matter by their existence alone.
"""

import re
from dataclasses import dataclass
from mmap import mmap

from elfgate.elf.excerpt import excerpt, is_elf

Buffer = bytes | bytearray | memoryview | mmap

HEAD_BYTES = 256
TAIL_BYTES = 64 << 10
TEXT_BYTES = 1 << 20

_TEXTS = frozenset(
    (
        "/etc/group",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.preload",
        "/etc/os-release",
        "/etc/passwd",
        "/usr/lib/os-release",
    )
)
# Files that scripts read into themselves (``.``), whether they have an execute bit or not.
_SOURCED = re.compile(
    r".*\.(?:sh|bash|env)|.*/(?:activate|env|environment|envvars|functions|profile)"
    r"|/etc/(?:default|sysconfig|profile\.d)/.*"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """The facts kept of one file: see the attributes of the same names in ``Entry``.

    ``elf`` is the excerpt itself.
    """

    head: bytes = b""
    tail: bytes = b""
    elf: bytes = b""
    text: bytes | None = None


NOTHING = Kept()


def bytes_wanted(path: str, mode: int, size: int, head: bytes) -> int:
    """How many of a file's bytes, from its start, ``keep`` needs.

    Args:
        path: Absolute, normalised.
        mode: Permission bits.
        size: Bytes in the file.
        head: Its first bytes: 256, or all if it is shorter.
    """
    if is_elf(head):
        return size
    if is_text(path):
        return min(size, TEXT_BYTES)
    if not (head.startswith(b"#!") or mode & 0o111 or is_sourced(path)):
        return min(size, HEAD_BYTES) if is_library_name(path) else 0
    return min(size, HEAD_BYTES + TAIL_BYTES if _is_shell_script(head) else HEAD_BYTES)


def keep(path: str, mode: int, size: int, data: Buffer) -> Kept | None:
    """Cut out what is worth keeping.

    Args:
        path: Absolute, normalised.
        mode: Permission bits.
        size: Bytes in the file.
        data: At least as many of its first bytes as ``bytes_wanted`` says.

    Returns:
        What to keep, or None if ``data`` is too short to tell (the file is over a limit).
    """
    head = bytes(data[:HEAD_BYTES])
    if is_elf(head):
        return Kept(head=head, elf=excerpt(data)) if len(data) >= size else None
    whole = is_text(path)
    named = is_library_name(path) or is_sourced(path)
    runs = head.startswith(b"#!") or mode & 0o111 or named
    if not (whole or runs):  # most files: nothing but their first bytes need be known
        return NOTHING if data or not size else None
    wanted = bytes_wanted(path, mode, size, head)
    if len(data) < min(size, max(wanted, 1)):
        return None
    if whole and size > TEXT_BYTES:
        return None
    if whole:
        return Kept(head=head if runs else b"", text=bytes(data[:size]))
    return Kept(head=head, tail=bytes(data[HEAD_BYTES:wanted]))


def is_text(path: str) -> bool:
    """Whether the whole text decides.

    Musl looks for its path file two levels above the loader (dynlink.c).
    """
    if path in _TEXTS:
        return True
    if path.endswith(".path"):
        return "/etc/ld-musl-" in path
    return path.startswith("/etc/ld.so.conf.d/") and path.endswith(".conf")


def is_library_name(path: str) -> bool:
    """Whether a file has a name such as ``libx.so`` or ``libx.so.1``."""
    name = path.rpartition("/")[2]
    return name.endswith(".so") or ".so." in name


def is_sourced(path: str) -> bool:
    """Whether a script may read the file into itself, by its name."""
    return _SOURCED.fullmatch(path) is not None


def _is_shell_script(head: bytes) -> bool:
    """Whether a text is a script for some shell, or has no ``#!``.

    Shells are ``sh``, ``bash`` or ``busybox sh``; they run text without ``#!`` as a script.
    """
    if b"\0" in head:
        return False
    return not head.startswith(b"#!") or b"sh" in head.partition(b"\n")[0]
