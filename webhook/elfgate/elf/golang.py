"""The CPU level that a Go program was built for, as its build information tells.

Sources: Go's ``debug/buildinfo`` (where it is, and its form since 1.18), ``cmd/go`` (the settings,
which ``go version -m`` prints).
"""

import re
from collections.abc import Iterable
from itertools import islice

from elfgate.elf.window import Window

_MAGIC = b"\xff Go buildinf:"
_HEADER = 32
_INLINE = 2  # flag: the strings follow, each after its length
_SEGMENTS = 4  # linkers make one or two
_SEARCHED = 64 << 10  # bytes of each
_LIMIT = 256 << 10  # bytes of build information: mostly the names of modules
_LEVEL = re.compile(rb"\nbuild\tGO(AMD64=v[2-4]|PPC64=power(?:9|1\d)|ARM=[67])(?:,\w+)?\n")
_LEVELS = {b"AMD64": b"x86-64-", b"PPC64": b"", b"ARM": b"armv"}


def cut(window: Window, data: Iterable[tuple[int, int]]) -> bytes:
    """Look for the level in a program.

    Args:
        window: The file.
        data: Offset and size of the segments that can be written.

    Returns:
        Such as ``x86-64-v3``, ``power9`` or ``armv7``; empty if every CPU will do, or it is no Go
        program.
    """
    for offset, size in islice(data, _SEGMENTS):
        at = window.look(offset, min(size, _SEARCHED)).find(_MAGIC)
        if at >= 0:
            return _level(window.look(offset + at, _LIMIT))
    return b""


def _level(info: bytes) -> bytes:
    if len(info) < _HEADER or not info[len(_MAGIC) + 1] & _INLINE:
        return b""
    version_end = _end(info, _HEADER)
    length, start = _number(info, version_end)
    match = _LEVEL.search(info, start, start + length)
    if match is None:
        return b""
    setting, _, value = match[1].partition(b"=")
    return _LEVELS[setting] + value


def _end(info: bytes, at: int) -> int:
    length, start = _number(info, at)
    return start + length


def _number(info: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends.

    Source: Go's ``binary.Uvarint``.
    """
    value = shift = 0
    for position in range(at, min(at + 5, len(info))):
        value |= (info[position] & 0x7F) << shift
        shift += 7
        if info[position] < 0x80:
            return value, position + 1
    return 0, len(info)
