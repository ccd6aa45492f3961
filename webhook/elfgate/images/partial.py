"""A layer's index by its table of contents.

Of the files, only those are fetched that may matter for a start.

Which those are, a name and a mode must tell: an x bit, ``.so`` in the name, or a text that is kept
whole. All others are ``UNREADABLE``, so that whatever comes to depend on one is not known, and the
layer must be read whole.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import digest_of, short
from elfgate.images.source import Descriptor, Limits
from elfgate.images.streams import DECOMPRESSION_ERRORS, unpack
from elfgate.images.table import Chunk, Fetch, Item, read_table
from elfgate.images.unpack import FREE_OF_RATIO
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.changeset import absolute, add
from elfgate.rootfs.contents import HEAD_BYTES, bytes_wanted, is_text
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tar import MAX_ELF_BYTES

_DAMAGE: tuple[type[Exception], ...] = (ValueError, *DECOMPRESSION_ERRORS)
_RUN_BYTES = 8 << 20  # that are fetched at once, unless one chunk is larger
_GAP_BYTES = 64 << 10  # so many that nobody wants cost less than another request


def index_by_table(descriptor: Descriptor, fetch: Fetch, limits: Limits) -> Layer:
    """Index a layer by the table that its descriptor names.

    Args:
        descriptor: Of the layer.
        fetch: Fetches parts of its blob.
        limits: How much is read before it counts as hostile.

    Raises:
        UnreadableError: if the table or a chunk is not what its digest says; LIMIT_EXCEEDED; as
            ``fetch`` does.
    """
    what = f"layer {short(descriptor.digest)}, read by its table of contents"
    try:
        items = read_table(descriptor, fetch)
        wanted = [item for item in items if _may_matter(item)]
        chunks = [chunk for item in wanted for chunk in item.chunks]
        unpacked = sum(chunk.skip + chunk.size for chunk in chunks)
        if unpacked > _allowed(descriptor, limits):
            message = f"{what}: its files unpack to more bytes than allowed"
            raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)
        runs = _Runs(fetch, chunks)
        return _index(items, runs, limits)
    except _DAMAGE as error:
        message = f"{what}: {error}"
        raise UnreadableError(message, reason=UnknownReason.IMAGE_INVALID) from error


def _allowed(descriptor: Descriptor, limits: Limits) -> int:
    """The bytes to which a layer's files may unpack."""
    by_ratio = descriptor.size * limits.layer_ratio
    return min(limits.layer_bytes, max(FREE_OF_RATIO, by_ratio))


def _may_matter(item: Item) -> bool:
    """Whether a start may come by a file, as its name and its mode tell."""
    entry = item.entry
    if entry.kind is not Kind.FILE:
        return False
    if entry.size > MAX_ELF_BYTES:
        return False
    if entry.mode & 0o111:
        return True
    path = absolute(item.name)
    name = path.rpartition("/")[2]
    return ".so" in name or is_text(path)


def _index(items: Iterable[Item], runs: "_Runs", limits: Limits) -> Layer:
    builder = LayerBuilder(max_entries=limits.layer_entries)
    for item in items:
        entry = item.entry
        is_filled = entry.kind is Kind.FILE and entry.size
        if is_filled and not _may_matter(item):
            entry = entry._replace(kind=Kind.UNREADABLE)

        content = partial(runs.beginning, chunks=item.chunks)
        add(builder, item.name, entry, content)
    return builder.build()


@dataclass(slots=True)
class _Run:
    """A part of the blob that is fetched at once."""

    start: int
    end: int

    def take(self, chunk: Chunk) -> bool:
        """Take a chunk that begins at or after this start, if it lies near and there is room."""
        is_near = chunk.start <= self.end + _GAP_BYTES
        has_room = chunk.end - self.start <= _RUN_BYTES
        if is_near and has_room:
            self.end = max(self.end, chunk.end)
            return True
        return chunk.end <= self.end


class _Runs:
    """Fetches chunks, those that lie near one another at once."""

    def __init__(self, fetch: Fetch, chunks: Iterable[Chunk]) -> None:
        self._fetch = fetch
        self._runs: list[_Run] = []
        for chunk in sorted(chunks, key=lambda chunk: chunk.start):
            if not self._runs or not self._runs[-1].take(chunk):
                self._runs.append(_Run(chunk.start, chunk.end))
        self._starts = [run.start for run in self._runs]
        self._at = -1
        self._data = b""

    def beginning(self, path: str, entry: Entry, chunks: Iterable[Chunk]) -> bytes:
        """The first bytes of a file: as many as are wanted, or somewhat more."""
        pieces: list[bytes] = []
        head = b""
        have = 0
        for chunk in chunks:
            piece = self._chunk(chunk)
            pieces.append(piece)
            have += chunk.size
            missing = HEAD_BYTES - len(head)
            head += piece[:missing]
            if len(head) < HEAD_BYTES:
                continue
            wanted = bytes_wanted(path, entry.mode, entry.size, head)
            if have >= wanted:
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _chunk(self, chunk: Chunk) -> bytes:
        """The bytes of a chunk, unpacked, which must have its digest."""
        number = bisect_right(self._starts, chunk.start) - 1
        run = self._runs[number]
        if self._at != number:
            self._at = number
            self._data = self._fetch(run.start, run.end)
        begin = chunk.start - run.start
        end = chunk.end - run.start
        packed = self._data[begin:end]
        data = unpack(packed, chunk.skip + chunk.size)
        if chunk.skip:
            data = data[chunk.skip :]
        if digest_of(data) != chunk.digest:
            raise ValueError("a file does not match its digest")
        return data
