"""The stored form of a layer's index.

What its reader (``layer``) and its writer (``build``) agree on.

::

    header      HEADER, then one SECTION each
    directories paths, traits, and where each one's names and records begin  read at once
    names       of all directories, one after the other                      unpacked when looked up
    records     one RECORD a name
    chunks      the lengths of all chunks, and of the frames they are in
    frames      chunks: link targets, then heads and texts, then ELF excerpts, some dozens a frame

The header has a CRC-32 of all that follows it, so that a damaged index is known for one before it
is used. All numbers are little-endian. Whoever changes anything here or what is kept of a file
raises ``VERSION``: an index of another version, or with excerpts of another version
(``elf.sparse.VERSION``), is not read but made anew.
"""

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence

import zstandard

MAGIC = b"elfgate\0"
VERSION = 12

HEADER = struct.Struct(
    "<8sHHIQ"
)  # magic, version, excerpts' version, CRC-32 of all that follows, length in all
SECTIONS = struct.Struct(
    "<8I"
)  # directories, names, records, chunks: stored and unpacked bytes of each
# Kind and form, traits, mode, uid, gid, size; the chunks of head, body and capability (numbers from
# 1; 0: none).
RECORD = struct.Struct("<BBHIIQIII")
DIGEST_BYTES = 16
CAPABILITY_BYTES = 24  # of a security.capability at most

KIND_BITS = 0x07
# What the second chunk is, if not a script's tail: at most one of these.
ELF = 0x40
TEXT = 0x80

SECTION_LIMIT = 1 << 30  # bytes of one unpacked section: above what the build's own limits allow
_LEVEL = 4  # a quarter of what 9 takes, for an index 5 % longer


def pack(data: bytes) -> bytes:
    """Compress to one zstd frame that tells its size and carries a checksum."""
    return zstandard.ZstdCompressor(
        level=_LEVEL, write_checksum=True, write_content_size=True
    ).compress(data)


def unpack(frame: bytes | memoryview, size: int) -> bytes:
    """Unpack one zstd frame of ``size`` bytes.

    Raises:
        ValueError: if it is damaged or of another size.
    """
    try:
        if size > SECTION_LIMIT or zstandard.get_frame_parameters(frame).content_size != size:
            raise ValueError("layer index: a frame is of another size than noted")
        return zstandard.ZstdDecompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise ValueError(f"layer index: damaged frame: {error}") from error


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """32-bit numbers, one after the other."""
    values = tuple(numbers)
    return struct.pack(f"<{len(values)}I", *values)


def unpack_numbers(data: bytes, offset: int, count: int) -> Sequence[int]:
    """``count`` 32-bit numbers from ``offset``.

    Raises:
        ValueError: if there are not that many.
    """
    if offset + 4 * count > len(data):
        raise ValueError("layer index: a table is cut short")
    numbers = array(
        "I", data[offset : offset + 4 * count]
    )  # a tuple would take nine times the memory
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
