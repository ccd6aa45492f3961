"""An indexer's own program: it indexes one layer, and ends.

It reads the layer's bytes as they are stored from a pipe, or asks for parts of them by the layer's
table of contents. Whether they are the right bytes is told by whoever sends them, which counts and
hashes them.
"""

import os
from collections.abc import Sequence

from elfgate.errors import UnreadableError
from elfgate.images.digests import short
from elfgate.images.partial import index_by_table
from elfgate.images.unpack import index_packed
from elfgate.isolation.frames import read_frame, write_frame
from elfgate.isolation.messages import (
    FAILED,
    FETCH,
    INDEXED,
    MOST_ASK_BYTES,
    MOST_PART_BYTES,
    Failed,
    Fetch,
    Job,
)
from elfgate.isolation.typed import dumps, loads
from elfgate.rootfs.layer import Layer


def work(descriptors: Sequence[int], _settings: object) -> None:
    """Index a layer.

    Args:
        descriptors: The channel, and the pipe unless the layer is read by its table of contents.
    """
    channel, *pipe = descriptors
    job = loads(Job, read_frame(channel, MOST_ASK_BYTES))
    try:
        layer = _by_table(channel, job) if job.by_table else _whole(pipe[0], job)
        write_frame(channel, INDEXED + layer.encode())
    except (MemoryError, OSError, RecursionError):
        write_frame(channel, FAILED + dumps(Failed(memory=True)))
    except UnreadableError as error:
        write_frame(channel, FAILED + dumps(Failed.of(error)))


def _whole(pipe: int, job: Job) -> Layer:
    what = f"layer {short(job.descriptor.digest)}"
    return index_packed(_Pipe(pipe), what, job.limits)


def _by_table(channel: int, job: Job) -> Layer:
    def fetch(start: int, end: int) -> bytes:
        write_frame(channel, FETCH + dumps(Fetch(start, end)))
        return read_frame(channel, MOST_PART_BYTES)

    return index_by_table(job.descriptor, fetch, job.limits)


class _Pipe:
    """A layer's bytes as they come."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ahead = b""
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        if self._ahead:
            size = len(self._ahead) if size < 0 else size
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        return self._fetch(1 << 20 if size < 0 else size)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """Read into ``buffer``, as ``io.RawIOBase`` does."""
        if self._ahead:
            data = self.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        count = os.readv(self._descriptor, [buffer])
        self.count += count
        return count

    def peek(self, size: int) -> bytes:
        """The first bytes without taking them; fewer than ``size`` only if there are no more."""
        while len(self._ahead) < size and (data := self._fetch(size - len(self._ahead))):
            self._ahead += data
        return self._ahead

    def _fetch(self, size: int) -> bytes:
        data = os.read(self._descriptor, size)
        self.count += len(data)
        return data
