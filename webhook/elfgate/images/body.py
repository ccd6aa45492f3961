"""A blob's bytes as they come; where a connection breaks off, they go on from there.

Source: containerd's ``core/remotes/docker`` (``httpReadSeeker``), which resumes by a range too.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from http import HTTPStatus
from types import TracebackType
from typing import Self

from elfgate.errors import UnansweredError, UnknownReason, UnreadableError
from elfgate.images.connections import BrokenOffError
from elfgate.images.reply import Reply
from elfgate.images.spans import LARGE, SPAN, Spans

_MOST_RESUMED = 3
# The reasons of an answer that may mind the range alone.
_OF_RANGES = frozenset({UnknownReason.REGISTRY_UNREACHABLE, UnknownReason.NO_CREDENTIALS})
Ask = Callable[[Sequence[tuple[str, str]]], AbstractContextManager[Reply]]
"""Asks for the blob with these headers besides."""


class Body:
    """Reads a blob (a ``Reader``). A context manager.

    Args:
        ask: Asks for it.
        size: Bytes that it has; 0 if that is not known. A large one is fetched by several ranges at
            a time, if the registry serves them.

    Attributes:
        encoding: The content encoding that the registry says it has; empty for none.
    """

    def __init__(self, ask: Ask, size: int = 0) -> None:
        self._ask = ask
        self._size = size
        self._spans: Spans | None = None
        self._is_left = False
        self._open = ExitStack()
        self._count = 0
        self._resumed = 0
        self.encoding = ""

    def __enter__(self) -> Self:
        """Ask for it.

        Raises:
            UnreadableError: if it is not to be had.
        """
        begun = self._by_spans() if self._size >= LARGE else None
        self._reply = begun or self._open.enter_context(self._ask(()))
        self.encoding = self._reply.encoding
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection, or give it back."""
        self._is_left = True
        if self._spans is not None:
            self._spans.close()
        self._open.__exit__(kind, error, trace)

    def read(self, size: int = -1, /) -> bytes:
        """Read on.

        Raises:
            UnreadableError: if the connection breaks off more often than it can be taken up.
        """
        if self._spans is not None:
            return self._spans.read(size)
        while True:
            try:
                data = self._reply.read(size)
            except BrokenOffError:
                if self._is_all():
                    return b""
                if not self._resume():
                    raise
            else:
                self._count += len(data)
                if data or not self._is_short() or not self._goes_on():
                    return data

    def _is_all(self) -> bool:
        """Whether all has come, of a blob that was said to be longer than it is."""
        return not self.encoding and 0 < self._size <= self._count

    def _is_short(self) -> bool:
        """Whether more is to come, of a blob that was said to be shorter than it is."""
        return not self._resumed and self._count < self._size

    def _goes_on(self) -> bool:
        """Whether the registry has more, when asked for it."""
        with suppress(UnreadableError):
            return self._resume()
        return False

    def _by_spans(self) -> Reply | None:
        """Ask for the first span.

        The whole may come instead, or nothing from a registry that minds the asking.
        """
        with ExitStack() as trying:
            try:
                reply = trying.enter_context(self._ask(_range(0, SPAN)))
            except UnreadableError as error:
                is_answer = not isinstance(error, UnansweredError | BrokenOffError)
                if is_answer and error.reason in _OF_RANGES:
                    return None
                raise
            if _is_span(reply, 0, SPAN, self._size):
                self._spans = Spans(reply, self._size, self._span)
            elif reply.status == HTTPStatus.PARTIAL_CONTENT:
                return None
            self._open = trying.pop_all()
            return reply

    def _span(self, start: int, end: int) -> bytes:
        for is_last in (False, True):
            if self._is_left:
                break
            try:
                with self._ask(_range(start, end)) as reply:
                    if _is_span(reply, start, end, self._size):
                        data = self._whole(reply, end - start)
                        if len(data) == end - start:
                            return data
            except BrokenOffError:
                if is_last:
                    raise
        message = "a part of a layer cannot be had, though another could"
        raise UnreadableError(message, reason=UnknownReason.REGISTRY_UNREACHABLE)

    def _whole(self, reply: Reply, size: int) -> bytes:
        """The bytes of a span, as far as anybody still wants them."""
        data = bytearray()
        while len(data) <= size and not self._is_left and (chunk := reply.read()):
            data += chunk
        return bytes(data)

    def _resume(self) -> bool:
        """Ask for the rest; False if the registry does not serve it, or has been asked enough."""
        if self.encoding or self._resumed == _MOST_RESUMED:
            return False
        self._resumed += 1
        self._open.close()
        self._open = ExitStack()
        wanted = (("Range", f"bytes={self._count}-"),) if self._count else ()
        reply = self._open.enter_context(self._ask(wanted))
        told = reply.headers.get("content-range", "").lower()
        if told or reply.status == HTTPStatus.PARTIAL_CONTENT:
            self._reply = reply
            return not told or told.startswith(f"bytes {self._count}-")  # the digest says the rest
        return self._skip(reply)

    def _skip(self, reply: Reply) -> bool:
        """Pass what has come before, from a registry that knows no ranges."""
        left = self._count
        while left and (data := reply.read(left)):
            left -= len(data)
        self._reply = reply
        return not left


def _range(start: int, end: int) -> Sequence[tuple[str, str]]:
    return (("Range", f"bytes={start}-{end - 1}"),)


def _is_span(reply: Reply, start: int, end: int, size: int) -> bool:
    """Whether a reply is this part of a blob of that size, as it is."""
    told = reply.headers.get("content-range", "")
    is_part = reply.status == HTTPStatus.PARTIAL_CONTENT and not reply.encoding
    return is_part and told == f"bytes {start}-{end - 1}/{size}"
