"""The file that a command names, and the one behind it that the kernel takes.

Sources: runc (Go's ``exec.LookPath``), execve(2).
"""

import contextlib
import errno
import os
import re
import stat

_SCRIPT_DEPTH = 8


def look_up(name: str, path: str) -> str:
    """Find a command as runc does (Go's ``exec.LookPath``).

    A regular file that may be executed, along PATH.

    Raises:
        FileNotFoundError: if there is none.
    """
    if "/" in name:
        return name
    for directory in path.split(":"):
        candidate = f"{directory or '.'}/{name}"
        with contextlib.suppress(OSError):
            # The path as the runtime would spell it.
            mode = os.stat(candidate).st_mode  # noqa: PTH116
            # By the real user, as Go from 1.20 on asks.
            if stat.S_ISREG(mode) and os.access(candidate, os.X_OK):
                return candidate
    raise FileNotFoundError(errno.ENOENT, "executable file not found in $PATH", name)


def culprit(path: str) -> str:
    """Which file a refusal of ``execve(path)`` is about.

    ``command``, ``script_interpreter`` or ``loader``.
    """
    return executed(path)[0]


def executed(path: str, depth: int = 0) -> tuple[str, bytes]:
    """The file that a refusal is about, and the first bytes of what comes behind all scripts."""
    part = "script_interpreter" if depth else "command"
    if not os.access(path, os.X_OK):  # by the real user, while reading is root's
        return part, b""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a FIFO would block
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            head = file.read(256) if stat.S_ISREG(mode) else None
    except OSError:
        return part, b""
    if head is None:
        return part, b""
    if head[:2] != b"#!" or depth > _SCRIPT_DEPTH:
        return "loader", head
    return executed(_interpreter(head), depth + 1)


def _interpreter(head: bytes) -> str:
    """The interpreter that the first line of a script names."""
    line = head[2:].split(b"\n")[0]
    name = re.split(rb"[ \t\0]", line.lstrip(b" \t"))[0]
    return os.fsdecode(name)


def refuse(program: str, head: bytes, heads: list[list[str]]) -> None:
    """Refuse a program that begins with one of some heads.

    Raises:
        OSError: ENOEXEC, if it does.
    """
    if any(has_head(head, magic, mask) for magic, mask in heads):
        raise OSError(errno.ENOEXEC, "a program of another architecture", program)


def has_head(data: bytes, magic: str, mask: str) -> bool:
    """Tell whether a file that begins so has a head (``heads.of_host``)."""
    wanted = _masked(bytes.fromhex(magic), mask)
    return _masked(data, mask) == wanted


def _masked(data: bytes, mask: str) -> bytes:
    return bytes(byte & bits for byte, bits in zip(data, bytes.fromhex(mask), strict=False))
