"""Looks through UPX: whether the program that was packed needs a loader.

Sources: UPX ``src/stub/src/include/linux.h`` (``l_info``, ``p_info``, ``b_info``), ``src/conf.h``
(the methods); UCL ``src/n2b_d.c``, ``n2d_d.c``, ``n2e_d.c``. A packed program has no PT_INTERP: its
stub unpacks it into memory, and opens the loader that the original names. The first block that it
unpacks is the original's headers, some hundred bytes.
"""

import lzma
from collections.abc import Callable
from struct import Struct

from elfgate.elf.layout import HEADER_LIMIT, Layout

MAGIC = b"UPX!"
_CHECKSUM, _INFO = 4, 24  # bytes before the magic; l_info and p_info
_METHOD_LZMA = 14
_LARGEST = 4096  # bytes of headers: 70 program headers
_NO_OFFSET = 0xFFFFFFFF  # what ends a stream
_PT_INTERP = 3


def needs_no_loader(start: bytes, layout: Layout) -> bool:
    """Tell whether a packed program is static.

    Args:
        start: The file's beginning, at least up to its first block's end.
        layout: The file's, which is the packed program's too.

    Returns:
        True if it certainly is; False also where the packer is not understood.
    """
    at = start.find(MAGIC) - _CHECKSUM
    block = Struct(layout.prefix + "IIBBBB")
    if at < HEADER_LIMIT - _CHECKSUM or at + _INFO + block.size > len(start):
        return False
    unpacked, packed, method, *_ = block.unpack_from(start, at + _INFO)
    data = start[at + _INFO + block.size :][:packed]
    if not layout.header_size < unpacked <= _LARGEST or len(data) < packed:
        return False
    try:
        headers = _unpack(data, unpacked, method, layout)
    except (IndexError, lzma.LZMAError):
        return False
    return len(headers) == unpacked and _is_static(headers, layout)


def _is_static(headers: bytes, layout: Layout) -> bool:
    fields = layout.header.unpack_from(headers, 16)
    table, entry_size, count = fields[4], fields[8], fields[9]
    if (
        headers[:4] != b"\x7fELF"
        or entry_size != layout.segment.size
        or table + count * entry_size > len(headers)
    ):
        return False
    rows = layout.segment.iter_unpack(headers[table : table + count * entry_size])
    return count > 0 and all(row[0] != _PT_INTERP for row in rows)


def _unpack(data: bytes, size: int, method: int, layout: Layout) -> bytes:
    """One block; empty if its method is not known."""
    if method == _METHOD_LZMA:
        return _lzma(data, size)
    kind, width = divmod(
        method - 2, 3
    )  # NRV2B, NRV2D and NRV2E, each with bits in words of 32, 8 and 16
    if kind not in range(3):
        return b""
    bytes_of_word = (4, 1, 2)[width]
    return _Nrv(data, bytes_of_word, layout.byte_order if bytes_of_word > 1 else "little").unpack(
        kind, size
    )


def _lzma(data: bytes, size: int) -> bytes:
    """A stream of LZMA behind two bytes of its properties (UPX ``src/compress_lzma.cpp``)."""
    if len(data) < 2:
        return b""
    properties = {"lc": data[1] & 15, "lp": data[1] >> 4, "pb": data[0] & 7}
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": _LARGEST, **properties}]
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data[2:], size)
    except ValueError as error:  # properties that there are not
        raise lzma.LZMAError(str(error)) from error


class _Nrv:
    """A stream of UCL's: bits, in words, between the bytes that they tell of."""

    def __init__(self, data: bytes, word: int, byte_order: str) -> None:
        self._data = data
        self._at = 0
        self._word = word
        self._order = byte_order
        self._bits = self._left = 0
        self._last = 1

    def unpack(self, kind: int, size: int) -> bytes:
        """Unpack at most ``size`` bytes of NRV2B (0), NRV2D (1) or NRV2E (2).

        Raises:
            IndexError: if the stream ends too soon, or points before its beginning.
        """
        offset, length, far = (
            (self._offset_b, self._length_b, 0xD00),
            (self._offset_d, self._length_d, 0x500),
            (self._offset_d, self._length_e, 0x500),
        )[kind]
        return self._run(offset, length, far, size)

    def _run(
        self,
        offset: Callable[[], tuple[int, int]],
        length: Callable[[int], int],
        far: int,
        size: int,
    ) -> bytes:
        found = bytearray()
        while len(found) < size:
            if self._bit():
                found.append(self._byte())
                continue
            back, first = offset()
            if back == _NO_OFFSET:
                break
            count = length(first) + (back > far) + 1
            if back > len(found):
                raise IndexError("a match lies before the beginning")
            for _ in range(min(count, size - len(found))):
                found.append(found[-back])
        return bytes(found)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bit(self) -> int:
        if not self._left:
            raw = self._data[self._at : self._at + self._word]
            if len(raw) < self._word:
                raise IndexError("the stream ends")
            self._at += self._word
            self._bits = int.from_bytes(raw, "big" if self._order == "big" else "little")
            self._left = 8 * self._word
        self._left -= 1
        return self._bits >> self._left & 1

    def _offset_b(self) -> tuple[int, int]:
        back = 1
        while True:
            back = back * 2 + self._bit()
            if self._bit():
                break
            self._bounded(back)
        if back == 2:
            return self._last, 0
        back = (back - 3) * 256 + self._byte()
        if back == _NO_OFFSET:
            return back, 0
        self._last = back + 1
        return self._last, 0

    def _offset_d(self) -> tuple[int, int]:
        back = 1
        while True:
            back = back * 2 + self._bit()
            if self._bit():
                break
            back = (back - 1) * 2 + self._bit()
            self._bounded(back)
        if back == 2:
            return self._last, self._bit()
        back = (back - 3) * 256 + self._byte()
        if back == _NO_OFFSET:
            return back, 0
        self._last = (back >> 1) + 1
        return self._last, ~back & 1

    def _length_b(self, _: int) -> int:
        return self._length_d(self._bit())

    def _length_d(self, first: int) -> int:
        length = first * 2 + self._bit()
        return length or self._long() + 2

    def _length_e(self, first: int) -> int:
        if first:
            return 1 + self._bit()
        return 3 + self._bit() if self._bit() else self._long() + 3

    def _long(self) -> int:
        length = 1
        while True:
            length = length * 2 + self._bit()
            if self._bit():
                return length
            self._bounded(length)

    def _bounded(self, number: int) -> None:
        if number > _NO_OFFSET:
            raise IndexError("a number is too long")
