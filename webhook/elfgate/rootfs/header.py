"""One tar header: its fields, in every dialect that images are written in.

Sources: POSIX.1-2001 ``pax``, "ustar Interchange Format" and "pax Extended Header"; the GNU tar
manual, "Basic Tar Format". Where these leave a choice, it is the one of Go's ``archive/tar``, which
containerd, Docker and CRI-O use.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

BLOCK = 512
PAX_BYTES = 1 << 20  # archive/tar: maxSpecialFileSize
WITHOUT_DATA = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))  # types, whatever size they tell

_FIELDS = struct.Struct("100s8s8s8s12s12x8sc100s6s2x32x32x16s155s12x")
_EMPTY_SUM = 8 * ord(" ")
_DECIMAL = re.compile(rb"[+-]?[0-9]{1,19}")
_SPARSE_NUMBERS = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")


@dataclass(slots=True)
class Header:
    """A header as it stands, before extended headers change it.

    Attributes:
        name: The path, as bytes.
        mode: ``mode``, unmasked.
        uid: Owner.
        gid: Group.
        size: ``size`` in bytes; of no meaning where the type has no data (``WITHOUT_DATA``).
        type: The type flag, one byte.
        link: The link's target, as bytes.
        extended: A GNU sparse header that is followed by more blocks of its map.
        is_null: A character device 0/0.
    """

    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    type: bytes
    link: bytes
    extended: bool = False
    is_null: bool = False


def parse(block: bytes) -> Header:
    """Read one block of 512 bytes that is not all zero.

    Raises:
        ValueError: if the checksum or a number is wrong.
    """
    name, mode, uid, gid, size, checksum, kind, link, magic, device, prefix = _FIELDS.unpack(block)
    # An Adler-32's lower half is the sum of the bytes plus one, modulo 65521, which 256 bytes stay
    # below.
    unsigned = (zlib.adler32(block[:256]) & 0xFFFF) + (zlib.adler32(block[256:]) & 0xFFFF) - 2
    wanted = number(checksum)
    if unsigned - sum(checksum) + _EMPTY_SUM != wanted and _signed_sum(block) != wanted:
        raise ValueError("a header's checksum is wrong")
    name = name.partition(b"\0")[0]
    directory = _prefix(block, magic, prefix)
    if directory:
        name = directory + b"/" + name
    length = number(size)
    if length < 0 and kind not in WITHOUT_DATA:
        raise ValueError("a size is negative")
    extended = kind == b"S" and block[482] != 0
    link = link.partition(b"\0")[0]
    is_null = kind == b"3" and not number(device[:8]) and not number(device[8:])
    return Header(
        name,
        _repeated(mode),
        _repeated(uid),
        _repeated(gid),
        length,
        kind,
        link,
        extended,
        is_null,
    )


def number(field: bytes) -> int:
    """A number: octal digits among blanks and NULs, or base 256 if the first bit is set.

    Raises:
        ValueError: if it is neither.
    """
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & (1 << bits) - 1
        return value - (1 << bits) if field[0] & 0x40 else value
    digits = field.strip(b" \0").partition(b"\0")[0]
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise ValueError(f"{digits[:20]!r} is not an octal number")
    return int(digits, 8)


_repeated = lru_cache(maxsize=256)(number)  # modes and owners are few


def pax_records(data: bytes) -> dict[str, bytes]:
    """The records of an extended header.

    ``LENGTH KEY=VALUE`` and a newline, the last of a key counting. The map of a sparse file, whose
    numbers the oldest form tells one by one, is one record, as the next form has it.

    Raises:
        ValueError: if they are malformed.
    """
    records: dict[str, bytes] = {}
    sparse: list[bytes] = []
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 20)
        digits = data[at : max(blank, at)]
        end = at + int(digits) if digits.isdigit() else at
        if end <= max(blank, at) or end > len(data) or data[end - 1] != ord("\n"):
            raise ValueError("an extended header is malformed")
        key, equals, value = data[blank + 1 : end - 1].partition(b"=")
        if not key or not equals:
            raise ValueError("an extended header is malformed")
        if key in _SPARSE_NUMBERS:
            if key != _SPARSE_NUMBERS[len(sparse) % 2] or b"," in value:
                raise ValueError("a sparse file's map is malformed")
            sparse.append(value)
        else:
            records[key.decode("utf-8", "surrogateescape")] = value
        at = end
    return records | {"GNU.sparse.map": b",".join(sparse)} if sparse else records


def pax_number(value: bytes) -> int:
    """A decimal number of an extended header, with or without a sign, and without a fraction.

    Raises:
        ValueError: if it is none.
    """
    if not _DECIMAL.fullmatch(value):
        raise ValueError(f"{value[:20]!r} is not a number")
    return int(value)


def _prefix(block: bytes, magic: bytes, field: bytes) -> bytes:
    """The part before the name.

    Ustar's prefix, and the like of two dialects that use its end otherwise.
    """
    if magic == b"ustar\0":
        return (field[:131] if block[508:] == b"tar\0" else field).partition(b"\0")[
            0
        ]  # star: then come times
    if magic == b"ustar " and field[0] and field[:12].strip(b" \x0001234567"):
        return field.partition(b"\0")[0]  # Go before 1.8 wrote one where GNU has a time
    return b""


def _signed_sum(block: bytes) -> int:
    """The checksum as some old programs made it, of signed bytes."""
    total: int = sum(struct.unpack("148b8x356b", block))
    return total + _EMPTY_SUM
