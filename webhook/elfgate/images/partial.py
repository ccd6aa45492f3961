"""A layer's index by its table of contents.

Of the files, only those are fetched that may matter for a start.

Which those are, a name and a mode must tell: an x bit, ``.so`` in the name, or a text that is kept
whole. All others are ``UNREADABLE``, so that whatever comes to depend on one is not known, and the
layer must be read whole.
"""

from bisect import bisect_right
from collections.abc import Iterable

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
        allowed = min(limits.layer_bytes, max(FREE_OF_RATIO, descriptor.size * limits.layer_ratio))
        if sum(chunk.skip + chunk.size for item in wanted for chunk in item.chunks) > allowed:
            message = f"{what}: its files unpack to more bytes than allowed"
            raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)
        return _index(
            items, _Runs(fetch, (chunk for item in wanted for chunk in item.chunks)), limits
        )
    except _DAMAGE as error:
        raise UnreadableError(f"{what}: {error}", reason=UnknownReason.IMAGE_INVALID) from error


def _may_matter(item: Item) -> bool:
    entry = item.entry
    if entry.kind is not Kind.FILE or entry.size > MAX_ELF_BYTES:
        return False
    path = absolute(item.name)
    return bool(entry.mode & 0o111) or ".so" in path.rpartition("/")[2] or is_text(path)


def _index(items: Iterable[Item], runs: "_Runs", limits: Limits) -> Layer:
    builder = LayerBuilder(max_entries=limits.layer_entries)
    for item in items:
        entry = item.entry
        if entry.kind is Kind.FILE and entry.size and not _may_matter(item):
            entry = entry._replace(kind=Kind.UNREADABLE)

        def content(path: str, entry: Entry, chunks: Iterable[Chunk] = item.chunks) -> bytes:
            return runs.beginning(path, entry, chunks)

        add(builder, item.name, entry, content)
    return builder.build()


class _Runs:
    """Fetches chunks, those that lie near one another at once."""

    def __init__(self, fetch: Fetch, chunks: Iterable[Chunk]) -> None:
        self._fetch = fetch
        self._bounds: list[list[int]] = []
        for chunk in sorted(chunks, key=lambda chunk: chunk.start):
            last = self._bounds[-1] if self._bounds else [0, -_GAP_BYTES - 1]
            if chunk.start <= last[1] + _GAP_BYTES and chunk.end - last[0] <= _RUN_BYTES:
                last[1] = max(last[1], chunk.end)
            elif chunk.end > last[1]:
                self._bounds.append([chunk.start, chunk.end])
        self._starts = [start for start, _ in self._bounds]
        self._at, self._data = -1, b""

    def beginning(self, path: str, entry: Entry, chunks: Iterable[Chunk]) -> bytes:
        """The first bytes of a file: as many as are wanted, or somewhat more."""
        pieces: list[bytes] = []
        head, have = b"", 0
        for chunk in chunks:
            pieces.append(self._chunk(chunk))
            have += chunk.size
            head = (head + pieces[-1][:HEAD_BYTES])[:HEAD_BYTES]
            if len(head) == HEAD_BYTES and have >= bytes_wanted(path, entry.mode, entry.size, head):
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _chunk(self, chunk: Chunk) -> bytes:
        run = bisect_right(self._starts, chunk.start) - 1
        start, end = self._bounds[run]
        if self._at != run:
            self._at, self._data = run, self._fetch(start, end)
        packed = self._data[chunk.start - start : chunk.end - start]
        data = unpack(packed, chunk.skip + chunk.size)
        data = data[chunk.skip :] if chunk.skip else data
        if digest_of(data) != chunk.digest:
            raise ValueError("a file does not match its digest")
        return data
