"""Layers indexed in processes of their own, one for each.

The ``Indexer`` of whoever reads strangers' images.

This process moves the bytes and hashes them; it unpacks nothing. A process that takes too much is
killed. That is remembered of a layer's digest only if all its bytes have matched: else another's
registry could make it so.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import Reader, VerifiedReader, short
from elfgate.images.source import Descriptor, Limits
from elfgate.images.table import Fetch as FetchPart
from elfgate.isolation.children import Child, NoChildError, Zygote
from elfgate.isolation.conversation import Conversation, EndedError, StalledError
from elfgate.isolation.messages import (
    FAILED,
    FETCH,
    INDEXED,
    MOST_HELLO_BYTES,
    MOST_INDEX_BYTES,
    MOST_PART_BYTES,
    Failed,
    Fetch,
    Hello,
    Job,
)
from elfgate.isolation.paring import Paring
from elfgate.isolation.slots import Slots
from elfgate.isolation.typed import dumps, loads
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.rootfs.layer import Layer

INDEXERS = 4
MEMORY, MEMORY_ALONE = 224 << 20, 400 << 20
_CPU_SECONDS, _BYTES_A_SECOND = 3, 10 << 20  # a tenth of what a machine of today needs
_CPU_SECONDS_UNSIZED = 60
_PIECE = 1 << 20  # and the width of a pipe
_NOT_NOW = (NoChildError, StalledError, TimeoutError)

HEAVY = declare(
    "heavy-layers",
    "layers that took an indexer too much, by digest: whether another try is worth it",
    max_bytes=256 << 10,
    seconds=3_600.0,
)


class _TooMuchError(Exception):
    """An indexer took too much, or did what it may not."""


class _TooLittleMemoryError(_TooMuchError):
    """An indexer had too little memory, and may have more."""


class Indexing:
    """Indexes layers in processes that hold nothing and can be killed (an ``Indexer``).

    Args:
        zygote: Forks them.
        size: How many work at a time.
        memory: Bytes that one of several may take, and that one may take which works alone.
        on_kill: Told of each process that was killed, with the reason: ``memory``, ``ended``.
        on_hello: Told of each process's locks.
    """

    def __init__(
        self,
        zygote: Zygote,
        *,
        size: int = INDEXERS,
        memory: tuple[int, int] = (MEMORY, MEMORY_ALONE),
        on_kill: Callable[[str], None] = lambda _: None,
        on_hello: Callable[[Hello], None] = lambda _: None,
    ) -> None:
        self._zygote = zygote
        self._slots = Slots(size)
        self._paring = Paring(zygote, on_kill)
        self._memory, self._memory_alone = memory
        self._on_kill, self._on_hello = on_kill, on_hello
        self._heavy: Recent[str, bool] = Recent(HEAVY, lambda name, _: len(name))

    def layer(self, stream: Reader, descriptor: Descriptor, limits: Limits) -> Layer:
        """Read a layer's blob to its end, verify it, and have it indexed."""
        digest, what = descriptor.digest, f"layer {short(descriptor.digest)}"
        again = self._heavy.get(digest)
        if again is False:
            raise _too_much(what)
        raw = VerifiedReader(
            stream, digest=digest, size=descriptor.size, what=what, seconds=limits.seconds
        )  # fmt: skip
        raw.peek(4)  # a source that does not begin to send keeps no place
        try:
            layer = self._indexed(raw, Job(_bare(descriptor), limits), alone=again is not None)
        except _NOT_NOW as error:
            raise _not_now(what, error) from error
        except _TooMuchError as error:
            raw.finish()
            raise self._condemned(digest, what, error) from error
        raw.finish()
        return layer

    def layer_by_table(self, descriptor: Descriptor, fetch: FetchPart, limits: Limits) -> Layer:
        """Have a layer indexed by its table of contents."""
        what = f"layer {short(descriptor.digest)}, read by its table of contents"
        job = Job(descriptor, limits, by_table=True)
        try:
            with self._slots.taken(limits.seconds), self._child(job) as child:
                return self._exchange(child, job, lambda talk: _serve(talk, fetch))
        except _NOT_NOW as error:
            raise _not_now(what, error) from error
        except _TooMuchError as error:
            raise _too_much(what) from error

    def document(self, data: bytes, what: str) -> bytes:
        """Have left of a heavy document what is read of it."""
        return self._paring.document(data, what)

    def _indexed(self, raw: VerifiedReader, job: Job, *, alone: bool) -> Layer:
        """The index of what comes, right or wrong."""
        with (
            self._slots.taken(job.limits.seconds, alone=alone),
            _pipe() as (read, write),
            self._child(job, read, alone=alone) as child,
        ):
            read.close()
            return self._exchange(child, job, lambda talk: _pour(talk, raw, write))

    def _exchange(self, child: Child, job: Job, give: Callable[[Conversation], bytes]) -> Layer:
        """Give a child its job and the layer's bytes; return the index that it makes."""
        talk = Conversation(child, job.limits.seconds)
        try:
            self._on_hello(loads(Hello, talk.receive(MOST_HELLO_BYTES)))
            talk.send(dumps(job))
            return _opened(give(talk))
        except _TooLittleMemoryError:
            self._on_kill("memory")
            raise
        except (EndedError, ValueError) as error:
            self._on_kill("ended")
            raise _TooMuchError(str(error)) from error

    @contextmanager
    def _child(
        self, job: Job, pipe: "_End | None" = None, *, alone: bool = False
    ) -> Iterator[Child]:
        child = self._zygote.fork(
            "indexer",
            memory=self._memory_alone if alone else self._memory,
            seconds=_seconds(job.descriptor.size),
            descriptors=[] if pipe is None else [pipe.number],
        )
        try:
            yield child
        finally:
            child.end()

    def _condemned(self, digest: str, what: str, error: _TooMuchError) -> UnreadableError:
        """Remember that a layer, whose bytes have matched, takes too much."""
        may_have_more = isinstance(error, _TooLittleMemoryError) and self._heavy.get(digest) is None
        self._heavy.put(digest, may_have_more)
        if not may_have_more:
            return _too_much(what)
        message = f"{what} needs much memory: it is indexed alone when it is asked for again"
        return UnreadableError(message, reason=UnknownReason.NOT_SCANNED)


class _End:
    """One end of a pipe."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._open = True

    def close(self) -> None:
        """Close it. Idempotent."""
        if self._open:
            self._open = False
            os.close(self.number)


@contextmanager
def _pipe() -> Iterator[tuple[_End, _End]]:
    """A wide pipe: the end to read and the end to write, which does not block."""
    read, write = (_End(number) for number in os.pipe())
    try:
        with suppress(OSError):  # it may be less wide
            fcntl.fcntl(write.number, fcntl.F_SETPIPE_SZ, _PIECE)
        os.set_blocking(write.number, False)
        yield read, write
    finally:
        read.close()
        write.close()


def _pour(talk: Conversation, raw: VerifiedReader, pipe: _End) -> bytes:
    """Move a layer's bytes to the child; return its answer.

    It may have one before it has read all.
    """
    while (data := raw.read(_PIECE)) and talk.pour(data, pipe.number):
        pass
    pipe.close()
    return talk.receive(MOST_INDEX_BYTES)


def _serve(talk: Conversation, fetch: FetchPart) -> bytes:
    """Give the child the parts that it asks for; return its answer."""
    while (frame := talk.receive(MOST_INDEX_BYTES)).startswith(FETCH):
        part = loads(Fetch, frame[len(FETCH) :])
        if not 0 <= part.end - part.start <= MOST_PART_BYTES:
            raise ValueError("it asks for a part that is none")
        talk.send(fetch(part.start, part.end))
    return frame


def _opened(frame: bytes) -> Layer:
    """The index that an answer holds.

    Raises:
        ValueError: if it is no answer.
        UnreadableError: if there is none.
    """
    if frame.startswith(INDEXED):
        return Layer.decode(frame[len(INDEXED) :])
    if not frame.startswith(FAILED):
        raise ValueError("it answers what is no answer")
    failed = loads(Failed, frame[len(FAILED) :])
    if failed.memory:
        raise _TooLittleMemoryError("it had too little memory")
    reason = failed.reason or UnknownReason.IMAGE_INVALID
    raise UnreadableError(failed.message, reason=reason, hint=failed.hint)


def _bare(descriptor: Descriptor) -> Descriptor:
    return Descriptor(descriptor.media_type, descriptor.digest, descriptor.size)


def _seconds(size: int) -> int:
    """Processor time for a layer of so many bytes as it is stored."""
    return _CPU_SECONDS + size // _BYTES_A_SECOND if size else _CPU_SECONDS_UNSIZED


def _too_much(what: str) -> UnreadableError:
    message = f"{what} takes more time or memory to index than it may"
    return UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)


def _not_now(what: str, error: Exception) -> UnreadableError:
    message = f"{what} cannot be indexed now: {str(error) or 'no process came to it in time'}"
    return UnreadableError(message, reason=UnknownReason.NOT_SCANNED)
