"""Sparse files in a tar: where their bytes go, and where they have holes.

The forms are those of GNU tar's pax headers, versions 0.0, 0.1 and 1.0, as Go's ``archive/tar``
reads them. The older form, with a type of its own (``S``), is unpacked by no runtime.

Source: the GNU tar manual, "Storing Sparse Files".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from elfgate.rootfs.header import BLOCK, PAX_BYTES, pax_number
from elfgate.rootfs.input import Input

_PREFIX = "GNU.sparse."
_MAP = f"{_PREFIX}map"
_VERSIONS = {(b"0", b"0"): False, (b"0", b"1"): False, (b"1", b"0"): True}
MOST_BYTES = 256 << 20  # of a file that is laid out with its holes

Run = tuple[int, int]
"""The beginning of some bytes of a file, and how many they are."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse file, by its extended headers.

    Attributes:
        name: Its name; empty if only the header has it.
        size: Its bytes, holes included; None if only the header has them.
        runs: Where its bytes go; None if its data begins with that.
    """

    name: bytes
    size: int | None
    runs: Sequence[Run] | None


def sparse_of(extended: Mapping[str, bytes]) -> Sparse | None:
    """Read extended headers of a sparse file; None if they are of none.

    Raises:
        ValueError: if its map is malformed.
    """
    major, minor = (extended.get(_PREFIX + part, b"") for part in ("major", "minor"))
    is_mapped = _MAP in extended and not major and not minor
    if (major, minor) not in _VERSIONS and not is_mapped:
        return None
    size = extended.get(f"{_PREFIX}size") or extended.get(f"{_PREFIX}realsize")
    leads_data = _VERSIONS.get((major, minor), False)
    return Sparse(
        extended.get(f"{_PREFIX}name", b""),
        max(pax_number(size), 0) if size else None,
        None if leads_data else _runs(extended.get(_MAP, b"").split(b",")),
    )


class SparseData:
    """A sparse file's bytes, holes included (``members.Data``).

    Args:
        source: Stands at the member's data.
        sparse: Where its bytes go.
        size: Its bytes, holes included.

    Raises:
        ValueError: if the map is malformed.
    """

    def __init__(self, source: Input, sparse: Sparse, size: int) -> None:
        self._source = source
        self._runs = _leading(source) if sparse.runs is None else sparse.runs
        self._at = 0
        end = 0
        for start, length in self._runs:
            if start < end or length < 0 or start + length > size:
                raise ValueError("a sparse file's map is not in order")
            end = start + length

    def peek(self, size: int) -> bytes:
        """The next bytes, without passing them."""
        packed = sum(length for _, length in self._next(size))
        return bytes(self._laid(self._source.peek(packed), size))

    def take(self, size: int) -> bytearray:
        """The next bytes.

        Raises:
            ValueError: if the tar ends before.
        """
        packed = sum(length for _, length in self._next(size))
        laid = self._laid(self._source.take(packed), size)
        self._at += size
        return laid

    def _laid(self, packed: bytes | memoryview, size: int) -> bytearray:
        laid = bytearray(size)
        at = 0
        for start, length in self._next(size):
            piece = packed[at : at + length]
            laid[start : start + len(piece)] = piece
            at += length
        return laid

    def _next(self, size: int) -> Iterator[Run]:
        """The runs of the next bytes, counted from the first of them."""
        for start, length in self._runs:
            begin = max(start - self._at, 0)
            end = min(start + length - self._at, size)
            if begin < end:
                yield begin, end - begin


def _leading(source: Input) -> Sequence[Run]:
    """The map at the beginning of the data: numbers in lines, in whole blocks."""
    text = b""
    wanted = 1
    while text.count(b"\n") < wanted:
        text += bytes(source.take(BLOCK))
        if len(text) > PAX_BYTES:
            raise ValueError(f"a sparse file's map is longer than {PAX_BYTES} bytes")
        if b"\n" in text:
            wanted = 1 + 2 * max(pax_number(text.partition(b"\n")[0]), 0)
    return _runs(text.split(b"\n")[1:wanted])


def _runs(numbers: Sequence[bytes]) -> Sequence[Run]:
    if numbers == [b""]:
        return ()
    if len(numbers) % 2:
        raise ValueError("a sparse file's map is malformed")
    told = list(map(pax_number, numbers))
    return tuple(zip(told[::2], told[1::2], strict=True))
