"""Bytes that a proxy or a host of files has encoded on their way.

Nobody asked for that, or it only says so.

Source: RFC 9110, 8.4.1 (``x-gzip`` is gzip). A label alone decides nothing: what matches its digest
is right as it is.
"""

from io import BytesIO

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import Reader, digest_of
from elfgate.images.streams import DECOMPRESSION_ERRORS, GZIP_MAGIC, opened, unpack

GZIP = frozenset({"gzip", "x-gzip"})


def decoded(stream: Reader, digest: str, what: str, limit: int) -> BytesIO:
    """A document whose bytes are labelled as encoded.

    Args:
        stream: The bytes.
        digest: The document's; empty if it is not known.
        what: The document, for messages.
        limit: How many bytes it may have, encoded or not.

    Raises:
        UnreadableError: if it is too large or cannot be decoded.
    """
    raw = bytearray()
    while data := stream.read(1 << 16):
        raw += data
        if len(raw) > limit:
            message = f"{what} is larger than {limit} bytes"
            raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)
    if digest and digest_of(bytes(raw)) == digest:
        return BytesIO(raw)
    try:
        return BytesIO(unpack(bytes(raw), limit + 1))
    except DECOMPRESSION_ERRORS as error:
        raise _damaged(what, error) from error


class Inflated:
    """A layer's bytes behind a gzip encoding (a ``Reader``).

    Args:
        stream: The encoded bytes.
        what: The layer, for messages.
    """

    def __init__(self, stream: Reader, what: str) -> None:
        self._plain = opened(_Filling(stream), GZIP_MAGIC)
        self._what = what

    def read(self, size: int = -1, /) -> bytes:
        """Read on.

        Raises:
            UnreadableError: if the encoding is damaged, or as the stream does.
        """
        try:
            return self._plain.read(size)
        except DECOMPRESSION_ERRORS as error:
            raise _damaged(self._what, error) from error


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
