"""A layer's blob → its index, in one streaming pass.

Verified, decompressed and walked while it is read.

Source: OCI layer spec.
"""

import re
from typing import Protocol

import zstandard

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.digests import Reader, VerifiedReader, short
from elfgate.images.source import Descriptor, Limits
from elfgate.images.streams import DECOMPRESSION_ERRORS, is_empty_zstd, opened
from elfgate.rootfs import tar
from elfgate.rootfs.layer import Layer

# Kinds of compression that containerd does not unpack, whatever other tools make of them.
_NOT_UNPACKED = re.compile(rb"(?P<xz>\xfd7zXZ\0)|(?P<bzip2>BZh[1-9]1AY&SY)")
_HEAD_BYTES = 64  # the bytes that tell a compression, and all that an empty layer has
FREE_OF_RATIO = 64 << 20  # small layers may compress as well as they like


def index_layer(stream: Reader, descriptor: Descriptor, limits: Limits) -> Layer:
    """Read a layer's blob to its end and index it.

    Args:
        stream: The blob's bytes, as stored.
        descriptor: What they must be.
        limits: How much is read before it counts as hostile.

    Returns:
        The layer's index; only once the whole blob has matched its digest.

    Raises:
        UnreadableError: IMAGE_INVALID if it is not what the descriptor says, or no layer;
            LIMIT_EXCEEDED.
    """
    what = f"layer {short(descriptor.digest)}"
    raw = VerifiedReader(
        stream, digest=descriptor.digest, size=descriptor.size, what=what, seconds=limits.seconds
    )  # fmt: skip
    layer = index_packed(raw, what, limits)
    raw.finish()
    return layer


class Packed(Reader, Protocol):
    """A layer's bytes as they are stored."""

    count: int
    """How many have been read."""

    def peek(self, size: int) -> bytes:
        """The first bytes without taking them."""


def index_packed(raw: Packed, what: str, limits: Limits) -> Layer:
    """Unpack a layer's bytes to their end and index them, whether they are the right ones or not.

    Args:
        raw: The bytes.
        what: What is read, for messages.
        limits: How much is read before it counts as hostile.

    Raises:
        UnreadableError: IMAGE_INVALID if it is no layer; IMAGE_UNSUPPORTED if containerd does not
            unpack it; LIMIT_EXCEEDED; as ``raw`` does.
    """
    head = raw.peek(_HEAD_BYTES)
    if kind := _NOT_UNPACKED.match(head):
        message = f"{what} is compressed with {kind.lastgroup}, which containerd does not unpack"
        raise UnreadableError(message, reason=UnknownReason.IMAGE_UNSUPPORTED)
    unpacked = _Bounded(opened(raw, head[:4]), raw, what, limits)
    try:
        layer = tar.index(unpacked, max_bytes=limits.layer_bytes, max_entries=limits.layer_entries)
        unpacked.drain(head)
    except UnreadableError as error:
        if what in error.message:
            raise
        raise UnreadableError(
            f"{what}: {error.message}", reason=error.reason, hint=error.hint
        ) from error
    except DECOMPRESSION_ERRORS as error:
        raise UnreadableError(
            f"{what} cannot be decompressed: {error}", reason=UnknownReason.IMAGE_INVALID
        ) from error  # fmt: skip
    except ValueError as error:
        raise UnreadableError(
            f"{what} is not a sound tar archive: {error}", reason=UnknownReason.IMAGE_INVALID
        ) from error
    return layer


class _Bounded:
    """Unpacked bytes, counted: a bomb ends here."""

    def __init__(self, stream: Reader, raw: Packed, what: str, limits: Limits) -> None:
        self._stream = stream
        self._raw = raw
        self._what = what
        self._limits = limits
        self._count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._count += len(data)
        if self._count > self._limits.layer_bytes:
            raise self._exceeded(f"{self._limits.layer_bytes} bytes")
        if self._count > FREE_OF_RATIO and self._count > self._raw.count * self._limits.layer_ratio:
            raise self._exceeded(f"{self._limits.layer_ratio} times its packed size")
        return data

    def drain(self, head: bytes) -> None:
        """Read behind the archive's end, as the runtimes do.

        A stream that breaks there is broken.

        Args:
            head: The first packed bytes.
        """
        while self.read(1 << 20):
            pass
        if self._count or not isinstance(self._stream, zstandard.ZstdDecompressionReader):
            return
        # zstandard takes a frame cut short for an empty one.
        if self._raw.count > len(head) or not is_empty_zstd(head):
            raise EOFError("it ends before its first byte")

    def _exceeded(self, limit: str) -> UnreadableError:
        return UnreadableError(
            f"{self._what} unpacks to more than {limit}", reason=UnknownReason.LIMIT_EXCEEDED
        )
