"""Bytes that a proxy or a host of files has encoded on their way.

Nobody asked for that, or it only says so.

Source: RFC 9110, 8.4.1 (``x-gzip`` is gzip). A label alone decides nothing: what matches its digest
is right as it is.
"""

import zlib
from io import BytesIO

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import Reader, digest_of
from elfgate.images.streams import (
    DECOMPRESSION_ERRORS,
    GZIP_MAGIC,
    ZSTD_MAGIC,
    is_compressed,
    opened,
)

# Encodings by their labels, and how a stream of each begins; deflate's begins as its bytes come.
_DEFLATE = "deflate"
_MAGICS = {"gzip": GZIP_MAGIC, "x-gzip": GZIP_MAGIC, "zstd": ZSTD_MAGIC, _DEFLATE: b""}
_PIECE = 1 << 16


def is_known(encoding: str) -> bool:
    """Whether all of some encodings can be undone."""
    return all(label in _MAGICS for label in encoding.split(","))


def decoded(stream: Reader, encoding: str, digest: str, what: str, limit: int) -> BytesIO:
    """A document whose bytes are labelled as encoded.

    Args:
        stream: The bytes.
        encoding: The labels (``Reply.encoding``).
        digest: The document's; empty if it is not known.
        what: The document, for messages.
        limit: How many bytes it may have, encoded or not.

    Raises:
        UnreadableError: if it is too large or cannot be decoded.
    """
    raw = _all(stream, what, limit)
    is_encoded = encoding.endswith(_DEFLATE) or is_compressed(raw[:4])
    if not is_encoded or not is_known(encoding) or (digest and digest_of(raw) == digest):
        return BytesIO(raw)
    return BytesIO(_all(Decoded(BytesIO(raw), encoding, what), what, limit))


def _all(stream: Reader, what: str, limit: int) -> bytes:
    """All bytes of a stream.

    Raises:
        UnreadableError: if they are too many, or as the stream does.
    """
    data = bytearray()
    while piece := stream.read(_PIECE):
        data += piece
        if len(data) > limit:
            message = f"{what} is larger than {limit} bytes"
            raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)
    return bytes(data)


class Decoded:
    """Bytes behind an encoding (a ``Reader``).

    Args:
        stream: The encoded bytes.
        encoding: Labels that are known.
        what: The layer or document, for messages.
    """

    def __init__(self, stream: Reader, encoding: str, what: str) -> None:
        self._what = what
        self._plain = stream
        for label in reversed(encoding.split(",")):
            self._plain = _within(label, self._plain)

    def read(self, size: int = -1, /) -> bytes:
        """Read on.

        Raises:
            UnreadableError: if the encoding is damaged, or as the stream does.
        """
        try:
            return self._plain.read(size)
        except DECOMPRESSION_ERRORS as error:
            raise _damaged(self._what, error) from error


def _within(label: str, stream: Reader) -> Reader:
    if label == _DEFLATE:
        return _Inflated(stream)
    return opened(_Filling(stream), _MAGICS[label].ljust(4, b"\0"))


class _Inflated:
    """Deflated bytes, bare as Go takes them (a ``Reader``)."""

    def __init__(self, stream: Reader) -> None:
        self._stream = stream
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)

    def read(self, size: int = -1, /) -> bytes:
        """Read on; as many bytes as come of one piece, up to ``size``."""
        most = max(size, 0) or _PIECE
        while not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._stream.read(_PIECE)
            if not packed:
                raise EOFError("it is cut short")
            data = self._inflater.decompress(packed, most)
            if data:
                return data
        return b""


class _Filling:
    """A stream that reads into a buffer too, as decompressors want it."""

    def __init__(self, stream: Reader) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size)

    def readinto(self, buffer: memoryview, /) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _damaged(what: str, error: Exception) -> UnreadableError:
    message = f"{what} cannot be decoded: {error}"
    return UnreadableError(message, reason=UnknownReason.IMAGE_INVALID)
