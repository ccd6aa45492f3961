"""The index of one layer.

An immutable mapping of directories to entries, read lazily from its stored form.

Opening one costs microseconds whatever the layer's size; a directory's names are unpacked when it
is first looked into, an entry when it is asked for, and a file's bytes only with their entry. So
the tree of an image is put together from its layers' indexes without reading what no prediction
asks for.
"""

import re
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, pairwise

from elfgate.elf import sparse
from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.rootfs import form
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.walk import Found, Missing, walk

_KINDS = tuple(Kind)
_OWN_BYTES, _UNPACKED_COST = (
    4096,
    4,
)  # measured: of a layer as such, and of each byte of its sections
_FRAMES: Recent[tuple[object, int], bytes] = Recent(
    declare("index-frames", "unpacked parts of layer indexes, by layer", max_bytes=4 << 20),
    lambda _, data: len(data),
)


class Layer:
    """One layer of an image. Immutable; may be shared between threads.

    Made by ``LayerBuilder.build`` or ``Layer.decode``.
    """

    def __init__(self, stored: "_Stored") -> None:
        self._stored = stored
        self._opened: dict[str, Mapping[str, Entry]] = {}

    @classmethod
    def decode(cls, blob: bytes) -> "Layer":
        """Open a stored index: nothing of it is unpacked before it is looked into.

        What was written badly from the start shows as a ``ValueError`` where it is looked into.

        Raises:
            ValueError: if it is no index, damaged, cut short, or of another version of this
                program.
        """
        start = form.HEADER.size + form.SECTIONS.size
        if len(blob) < start:
            raise ValueError("layer index: too short")
        magic, version, excerpt_version, checksum, length = form.HEADER.unpack_from(blob)
        if magic != form.MAGIC:
            raise ValueError("layer index: not one")
        if (version, excerpt_version) != (form.VERSION, sparse.VERSION):
            raise ValueError(
                f"layer index: version {version}.{excerpt_version} is not this program's"
            )
        rest = memoryview(blob)[form.HEADER.size :]
        if length != len(blob) or checksum != zlib.crc32(rest):
            raise ValueError("layer index: damaged or cut short")
        return cls(_Stored(blob, start))

    def encode(self) -> bytes:
        """The stored form, for ``decode``."""
        return self._stored.blob

    @cached_property
    def _directories(self) -> "_Directories":
        return _Directories(self._stored.section(0))

    @property
    def memory(self) -> int:
        """About how many bytes it takes at most once it has been looked into.

        Unpacked, as names and as numbers.
        """
        unpacked: tuple[int, ...] = form.SECTIONS.unpack_from(self.encode(), form.HEADER.size)[1::2]
        return _OWN_BYTES + len(self.encode()) + _UNPACKED_COST * sum(unpacked)

    def __len__(self) -> int:
        """How many names there are below the root.

        Those of implied directories and whiteouts are included.
        """
        return self._directories.records[-1] - 1

    def entries(self, directory: str) -> Mapping[str, Entry]:
        """The layer's names in a directory.

        Args:
            directory: Absolute and normalised, such as ``/usr/lib``.

        Returns:
            Entries by name; empty if the layer has nothing there.

        Raises:
            ValueError: if the stored form is damaged.
        """
        opened = self._opened.get(directory)
        if opened is None:
            number = self._directories.numbers.get(directory)
            if number is None:
                return _NOTHING
            opened = self._opened[directory] = self._open(number)
        return opened

    @property
    def root(self) -> Entry:
        """The root directory's own entry (implied, if the layer does not have one)."""
        return self.entries("")[""]

    def walk(self, path: str, *, follow_last: bool = True) -> Found | Missing:
        """Walk a path within this layer alone.

        So does containerd in the folder that it unpacks the layer into.
        """
        return walk(
            self.root,
            lambda at, name: self.entries(at).get(name),
            path,
            follow_last=follow_last,
        )

    def directories(self, traits: int) -> list[str]:
        """The paths of the directories with names in them that have any of these traits.

        Parents first.
        """
        if not any(self._directories.traits):
            return []
        rows = zip(self._directories.numbers, self._directories.traits, strict=True)
        return [path for path, has in rows if has & traits and path not in ("", "/")]

    def ending(self, endings: tuple[str, ...]) -> Iterator[str]:
        """The paths of the names that end so, whatever they are.

        All names are looked through at once, and no entry is decoded.

        Raises:
            ValueError: if the stored form is damaged.
        """
        paths, starts = list(self._directories.numbers), self._directories.names
        names = self._stored.names
        if starts[-1] > len(names):
            raise ValueError("layer index: names of directories are missing")
        for end in _ends(names, starts, tuple(map(str.encode, endings))):
            number = bisect_left(starts, end) - 1
            begin = names.rfind(b"\0", starts[number], end) + 1 or starts[number]
            name = names[begin:end].decode("utf-8", "surrogateescape")
            yield f"{paths[number].rstrip('/')}/{name}"

    def excerpt(self, digest: bytes) -> bytes | None:
        """The ELF excerpt that an entry of this layer names, or None if it is another layer's.

        Raises:
            ValueError: if the stored form is damaged.
        """
        number = self._stored.excerpts.get(digest)
        return None if number is None else self._stored.chunk(number)

    def _open(self, number: int) -> "_Directory":
        first, last = self._directories.records[number : number + 2]
        names_start, names_end = self._directories.names[number : number + 2]
        names = (
            self._stored.names[names_start:names_end].decode("utf-8", "surrogateescape").split("\0")
        )
        if first == last:
            names = []
        if len(names) != last - first or last * form.RECORD.size > len(self._stored.records):
            raise ValueError("layer index: a directory's names do not fit its records")
        return _Directory(self._stored.entry, dict(zip(names, range(first, last), strict=True)))


def _ends(names: bytes, starts: Sequence[int], endings: tuple[bytes, ...]) -> Iterator[int]:
    """The ends of names that end so: a zero follows, or the names of the next directory."""
    pattern = re.compile(b"(?:" + b"|".join(map(re.escape, endings)) + rb")(?=\0)")
    yield from (match.end() for match in pattern.finditer(names))
    for first, last in pairwise(starts):
        if names.endswith(endings, first, last):
            yield last


class _Stored:
    """The stored form, unpacked as it is asked for.

    It knows nothing of the layer whose it is: with a cycle of references, a layer's megabytes would
    outlive it until the interpreter looks for cycles.
    """

    def __init__(self, blob: bytes, sections_start: int) -> None:
        self.blob = blob
        self._sections_start = sections_start
        self._name = object()

    def entry(self, number: int) -> Entry:
        kind_and_form, traits, mode, uid, gid, size, *chunks = form.RECORD.unpack_from(
            self.records, number * form.RECORD.size
        )
        first, second, third = chunks
        if kind_and_form & form.KIND_BITS >= len(_KINDS):
            raise ValueError("layer index: an entry is of no known kind")
        kind = _KINDS[kind_and_form & form.KIND_BITS]
        capability = self.chunk(third - 1) if third else b""
        bare = Entry(kind, mode, uid, gid, size, "", traits, capability)
        content = self.chunk(first - 1) if first else b""
        if kind in (Kind.SYMLINK, Kind.HARDLINK):
            return bare._replace(link=content.decode("utf-8", "surrogateescape"))
        if kind_and_form & form.ELF:
            return bare._replace(head=content, elf=self._digest(second - 1))
        body = self.chunk(second - 1) if second else b""
        if kind_and_form & form.TEXT:
            return bare._replace(head=content, text=body)
        return bare._replace(head=content, tail=body) if first or second else bare

    def section(self, number: int) -> bytes:
        table = form.SECTIONS.unpack_from(self.blob, form.HEADER.size)
        start = self._sections_start + sum(table[: 2 * number : 2])
        return form.unpack(
            memoryview(self.blob)[start : start + table[2 * number]], table[2 * number + 1]
        )

    @cached_property
    def names(self) -> bytes:
        return self.section(1)

    @cached_property
    def records(self) -> bytes:
        return self.section(2)

    @cached_property
    def _chunks(self) -> "_Chunks":
        table = form.SECTIONS.unpack_from(self.blob, form.HEADER.size)
        return _Chunks(self.section(3), self._sections_start + sum(table[::2]))

    @cached_property
    def excerpts(self) -> dict[bytes, int]:
        digests = self._chunks.digests
        first = self._chunks.count - len(digests) // form.DIGEST_BYTES
        steps = range(0, len(digests), form.DIGEST_BYTES)
        return {
            digests[step : step + form.DIGEST_BYTES]: first + at for at, step in enumerate(steps)
        }

    def _digest(self, number: int) -> bytes:
        end = (number - self._chunks.count) * form.DIGEST_BYTES
        digests = self._chunks.digests
        return digests[len(digests) + end : len(digests) + end + form.DIGEST_BYTES]

    def chunk(self, number: int) -> bytes:
        chunks = self._chunks
        if number >= chunks.count:
            raise ValueError("layer index: a chunk is missing")
        start, end = chunks.starts[number], chunks.starts[number + 1]
        frame = bisect_right(chunks.frame_starts, start) - 1
        data = _FRAMES.get((self._name, frame))
        if data is None:
            stored_start, stored_end = chunks.stored_starts[frame], chunks.stored_starts[frame + 1]
            size = chunks.frame_starts[frame + 1] - chunks.frame_starts[frame]
            data = form.unpack(memoryview(self.blob)[stored_start:stored_end], size)
            _FRAMES.put((self._name, frame), data)
        base = chunks.frame_starts[frame]
        return data[start - base : end - base]


class _Directory(Mapping[str, Entry]):
    """A layer's entries in one directory, each decoded when it is first asked for."""

    __slots__ = ("_decode", "_entries", "_numbers")

    def __init__(self, decode: Callable[[int], Entry], numbers: dict[str, int]) -> None:
        self._decode = decode
        self._numbers = numbers
        self._entries: dict[str, Entry] = {}

    def __getitem__(self, name: str) -> Entry:
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries[name] = self._decode(self._numbers[name])
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


class _Directories:
    """The table of directories: each path's number.

    By number, its traits and where its records and names begin.
    """

    def __init__(self, table: bytes) -> None:
        (count,) = form.unpack_numbers(table, 0, 1)
        self.records = form.unpack_numbers(table, 4, count + 1)
        self.names = form.unpack_numbers(table, 8 + 4 * count, count + 1)
        start = 12 + 8 * count
        self.traits = table[start : start + count]
        paths = table[start + count :].decode("utf-8", "surrogateescape").split("\0")
        if len(paths) != count:
            raise ValueError("layer index: its table of directories is damaged")
        self.numbers = dict(zip(paths, range(count), strict=True))


class _Chunks:
    """The place of each chunk.

    ``starts`` in the row of all chunks unpacked, and the frames' bounds there and stored.
    """

    def __init__(self, table: bytes, stored_start: int) -> None:
        frames, self.count, excerpts = form.unpack_numbers(table, 0, 3)
        stored = form.unpack_numbers(table, 12, frames)
        sizes = form.unpack_numbers(table, 12 + 4 * frames, frames)
        lengths = form.unpack_numbers(table, 12 + 8 * frames, self.count)
        self.digests = table[12 + 8 * frames + 4 * self.count :]
        if sum(lengths) != sum(sizes) or len(self.digests) != excerpts * form.DIGEST_BYTES:
            raise ValueError("layer index: its table of chunks is damaged")
        self.starts = array("Q", accumulate(lengths, initial=0))
        self.frame_starts = array("Q", accumulate(sizes, initial=0))
        self.stored_starts = array("Q", accumulate(stored, initial=stored_start))


_NOTHING: Mapping[str, Entry] = {}
