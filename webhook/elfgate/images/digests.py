"""Digests: their grammar, and bytes that are checked against them while they are read.

Source: OCI image spec, "Descriptor" (digests, registered algorithms). Only registered algorithms
are taken, as a digest that cannot be verified says nothing.
"""

import hashlib
import re
import time
from typing import Protocol

from elfgate.errors import UnknownReason, UnreadableError

# What stands where a digest would, for a folder of this machine: it names a place, not bytes.
FOLDER = "dir:"

_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_DIGEST = re.compile(r"(sha256|sha512):([0-9a-f]+)")


class Reader(Protocol):
    """Bytes that come as they are asked for."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes; fewer only where no more are at hand; none at the end."""


def is_digest(text: str) -> bool:
    """Whether ``text`` is a well-formed digest of a registered algorithm."""
    match = _DIGEST.fullmatch(text)
    return match is not None and len(match[2]) == _HEX_LENGTH[match[1]]


def split_digest(digest: str) -> tuple[str, str]:
    """Split a digest into algorithm and hexadecimal digits.

    The only two words that ever become part of a path.

    Raises:
        UnreadableError: if it is no digest of a registered algorithm.
    """
    if not is_digest(digest):
        raise UnreadableError(
            f"{digest[:80]!r} is not a sha256 or sha512 digest", reason=UnknownReason.IMAGE_INVALID
        )  # fmt: skip
    algorithm, _, digits = digest.partition(":")
    return algorithm, digits


def digest_of(data: bytes) -> str:
    """The sha256 digest of ``data``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def matches(data: bytes, digest: str) -> bool:
    """Whether bytes add up to a digest.

    Raises:
        UnreadableError: as ``split_digest`` does.
    """
    algorithm, digits = split_digest(digest)
    return hashlib.new(algorithm, data).hexdigest() == digits


def short(digest: str) -> str:
    """A digest as people read it: its first 12 hexadecimal digits."""
    algorithm, separator, digits = digest.partition(":")
    return f"{algorithm}:{digits[:12]}" if separator and is_digest(digest) else digest


class VerifiedReader:
    """Passes bytes on while it counts and hashes them.

    ``finish`` says whether they were the right ones.

    Nothing read through it may be believed before ``finish`` has returned.

    Args:
        stream: Where the bytes come from.
        digest: What they must add up to.
        size: How many there must be; 0 if that is not known.
        what: What is read, for messages.
        seconds: How long the whole may take.
    """

    def __init__(
        self, stream: Reader, *, digest: str, size: int, what: str, seconds: float
    ) -> None:
        algorithm, self._expected = split_digest(digest)
        self._hash = hashlib.new(algorithm)
        self._stream = stream
        self._size = size
        self._what = what
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._ahead = b""
        self._fill = getattr(stream, "readinto", None)  # files have it
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        """Read on.

        Raises:
            UnreadableError: if there is more than there should be, or the time is up.
        """
        if self._ahead:
            size = len(self._ahead) if size < 0 else size
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        return self._fetch(size)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """Read into ``buffer``, as ``io.RawIOBase`` does.

        From a file, without a copy in between.
        """
        if self._ahead or self._fill is None:
            data = self.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        count: int = self._fill(buffer)
        self._account(memoryview(buffer)[:count])
        return count

    def peek(self, size: int) -> bytes:
        """Look at the first bytes without taking them.

        Fewer than ``size`` only if there are no more.
        """
        while len(self._ahead) < size and (data := self._fetch(size - len(self._ahead))):
            self._ahead += data
        return self._ahead

    def finish(self) -> None:
        """Read what is left, then check size and digest.

        Raises:
            UnreadableError: if either is not what the descriptor says.
        """
        while self.read(1 << 20):
            pass
        if self._size and self.count != self._size:
            raise UnreadableError(
                f"{self._what} ends after {self.count} of {self._size} bytes",
                reason=UnknownReason.IMAGE_INVALID,
            )
        if self._hash.hexdigest() != self._expected:
            raise UnreadableError(
                f"{self._what} does not match its digest: its bytes add up to {self._hash.name}:"
                f"{self._hash.hexdigest()[:12]}",
                reason=UnknownReason.IMAGE_INVALID,
            )

    def _fetch(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._account(data)
        return data

    def _account(self, data: bytes | memoryview) -> None:
        self.count += len(data)
        self._hash.update(data)
        if self._size and self.count > self._size:
            raise UnreadableError(
                f"{self._what} is longer than the {self._size} bytes its descriptor says",
                reason=UnknownReason.IMAGE_INVALID,
            )
        if time.monotonic() > self._until:
            raise UnreadableError(
                f"{self._what} was not read within {self._seconds:.3g} s",
                reason=UnknownReason.LIMIT_EXCEEDED,
            )


def read_verified(
    stream: Reader, *, digest: str, size: int, what: str, limit: int, seconds: float
) -> bytes:
    """Read the whole of something small.

    Returns:
        Its bytes, verified.

    Raises:
        UnreadableError: if it is larger than ``limit`` bytes, takes longer than ``seconds``, or is
            not what its descriptor says.
    """
    reader = VerifiedReader(stream, digest=digest, size=size, what=what, seconds=seconds)
    if size > limit:
        raise _too_large(what, limit)
    parts = []
    while data := reader.read(1 << 16):
        parts.append(data)
        if reader.count > limit:
            raise _too_large(what, limit)
    reader.finish()
    return b"".join(parts)


def _too_large(what: str, limit: int) -> UnreadableError:
    return UnreadableError(
        f"{what} is larger than {limit} bytes", reason=UnknownReason.LIMIT_EXCEEDED
    )
