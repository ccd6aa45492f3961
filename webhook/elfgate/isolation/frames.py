"""Frames on a descriptor: a length of four bytes, big-endian, and that many bytes.

For whoever may block.
"""

import os

LENGTH_BYTES = 4
_PIECE = 1 << 20


def read_frame(descriptor: int, most: int) -> bytes:
    """The next frame.

    Args:
        descriptor: Where to read.
        most: The most bytes that it may have.

    Raises:
        EOFError: if the other end is closed.
        ValueError: if the frame is larger.
    """
    length = int.from_bytes(read_exactly(descriptor, LENGTH_BYTES))
    if length > most:
        raise ValueError(f"a frame of {length} bytes, where {most} are allowed")
    return read_exactly(descriptor, length)


def read_exactly(descriptor: int, size: int) -> bytes:
    """So many bytes.

    Raises:
        EOFError: if the other end is closed before.
    """
    data = bytearray()
    while len(data) < size:
        piece = os.read(descriptor, min(size - len(data), _PIECE))
        if not piece:
            raise EOFError("the other end is closed")
        data += piece
    return bytes(data)


def write_frame(descriptor: int, payload: bytes) -> None:
    """Write a frame.

    Raises:
        OSError: if the other end is closed.
    """
    write_all(descriptor, len(payload).to_bytes(LENGTH_BYTES) + payload)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of it.

    Raises:
        OSError: if the other end is closed.
    """
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
