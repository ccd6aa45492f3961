"""An answer of a registry, whose body is read as it comes."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager

import httpcore2 as httpcore

from elfgate.errors import UnknownReason, UnreadableError

_SHORT_BODY = 16 << 10
_SINGLE = frozenset({"content-length", "content-range", "content-type", "location", "retry-after"})
Explained = Callable[[str], AbstractContextManager[None]]
"""Within it, what goes wrong with a URL becomes one line."""


class Reply:
    """An answer whose body is read as it comes (a ``Reader``).

    Attributes:
        is_within: Whether it comes from an address that nobody may explore.
        encoding: The content encodings that it says it has, the last one outermost; empty for none.
    """

    def __init__(
        self,
        url: str,
        response: httpcore.Response,
        explained: "Explained",
        *,
        is_head: bool,
        is_within: bool,
    ) -> None:
        self.url = url
        self.is_within = is_within
        self._explained = explained
        self.is_head = is_head
        self.status = response.status
        self.headers = _combined(response.headers)
        self.encoding = _encoding(self.headers.get("content-encoding", ""))
        self._chunks = response.iter_stream()
        self._ahead = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """Read on; chunks come as they arrive, so usually fewer bytes than asked for."""
        while not self._ahead:
            with self._explained(self.url):
                chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._ahead = memoryview(chunk)
        size = len(self._ahead) if size < 0 else size
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return bytes(data)

    def read_bounded(self, limit: int, what: str) -> bytes:
        """Read the whole body.

        Raises:
            UnreadableError: LIMIT_EXCEEDED if it has more than ``limit`` bytes.
        """
        data = bytearray()
        while chunk := self.read():
            data += chunk
            if len(data) > limit:
                raise UnreadableError(
                    f"{what} is larger than {limit} bytes", reason=UnknownReason.LIMIT_EXCEEDED
                )
        return bytes(data)

    def drain(self) -> None:
        """Read a short rest, so that the connection may be used again."""
        length = self.headers.get("content-length", "")
        if self.is_head or (length.isdecimal() and int(length[:9]) <= _SHORT_BODY):
            while self.read():
                pass


def _encoding(header: str) -> str:
    labels = (label.strip() for label in header.lower().split(","))
    return ",".join(label for label in labels if label not in ("", "identity"))


def _combined(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Headers by name in lower case.

    Lists that come in several lines are one (RFC 9110, 5.3); of others the first line counts, as
    Go's ``Header.Get`` has it.
    """
    combined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name not in combined:
            combined[name] = value
        elif name not in _SINGLE:
            combined[name] += f", {value}"
    return combined
