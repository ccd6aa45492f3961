"""Writes what UPX leaves of a program's headers: its own marks, and the headers as its first block."""

import lzma
import struct

LZMA, NRV2B_32, NRV2B_8, NRV2D_32, NRV2D_8, NRV2E_32, NRV2E_8 = 14, 2, 3, 5, 6, 8, 9


def upx_block(
    headers: bytes, method: int = LZMA, *, claimed: int | None = None, stream: bytes = b""
) -> bytes:
    """Write l_info, p_info, b_info and the packed headers (UPX ``linux.h``), little-endian.

    Args:
        headers: The program's ELF header and program headers.
        method: One of the constants above.
        claimed: The unpacked size to claim, if not the truth.
        stream: The packed headers, if not written here.
    """
    packed = stream or (
        _lzma(headers) if method == LZMA else _literals(headers, 4 if method in _WIDE else 1)
    )
    info = struct.pack("<I4sHBB", 0, b"UPX!", 0, 14, 22) + struct.pack("<III", 0, 1 << 20, 1 << 20)
    return (
        info
        + struct.pack("<IIBBBB", claimed or len(headers), len(packed), method, 0, 0, 0)
        + packed
    )


_WIDE = {NRV2B_32, NRV2D_32, NRV2E_32}


def _lzma(data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 4096}]
    compressor = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters)
    return b"\x1a\x03" + compressor.compress(data) + compressor.flush()


def _literals(data: bytes, word: int) -> bytes:
    """UCL's simplest stream: nothing but literals. Each word of ones stands before as many bytes as it has bits."""
    step = 8 * word
    return b"".join(b"\xff" * word + data[at : at + step] for at in range(0, len(data), step))


class Nrv2b:
    """A stream of NRV2B with bits by eights, written step by step.

    Attributes:
        stream: What was written.
    """

    def __init__(self) -> None:
        self.stream = bytearray()
        self._at, self._left = 0, 0

    def literal(self, byte: int) -> None:
        """A byte as it is."""
        self._bits(1)
        self.stream.append(byte)

    def last_byte_four_times_more(self) -> None:
        """A match: 1 back, four bytes."""
        self._bits(0, 1, 1)  # no literal; the offset's upper part is 3, which stands for 0
        self.stream.append(0)
        self._bits(1, 1)

    def _bits(self, *bits: int) -> None:
        for bit in bits:
            if not self._left:
                self._at, self._left = len(self.stream), 8
                self.stream.append(0)
            self._left -= 1
            self.stream[self._at] |= bit << self._left
