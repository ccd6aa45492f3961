"""A blob's bytes as they come; where a connection breaks off, they go on from there.

Source: containerd's ``core/remotes/docker`` (``httpReadSeeker``), which resumes by a range too.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from http import HTTPStatus
from types import TracebackType
from typing import Self

from elfgate.images.connections import BrokenOffError, Reply

_MOST_RESUMED = 3
Ask = Callable[[Sequence[tuple[str, str]]], AbstractContextManager[Reply]]
"""Asks for the blob with these headers besides."""


class Body:
    """Reads a blob (a ``Reader``). A context manager.

    Args:
        ask: Asks for it.

    Attributes:
        encoding: The content encoding that the registry says it has; empty for none.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._open = ExitStack()
        self._count = 0
        self._resumed = 0
        self.encoding = ""

    def __enter__(self) -> Self:
        """Ask for it.

        Raises:
            UnreadableError: if it is not to be had.
        """
        self._reply = self._open.enter_context(self._ask(()))
        self.encoding = self._reply.encoding
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection, or give it back."""
        self._open.__exit__(kind, error, trace)

    def read(self, size: int = -1, /) -> bytes:
        """Read on.

        Raises:
            UnreadableError: if the connection breaks off more often than it can be taken up.
        """
        while True:
            try:
                data = self._reply.read(size)
            except BrokenOffError:
                if self.encoding or self._resumed == _MOST_RESUMED or not self._resume():
                    raise
            else:
                self._count += len(data)
                return data

    def _resume(self) -> bool:
        """Ask for the rest; False if the registry does not serve it."""
        self._resumed += 1
        self._open.close()
        self._open = ExitStack()
        wanted = (("Range", f"bytes={self._count}-"),) if self._count else ()
        reply = self._open.enter_context(self._ask(wanted))
        if reply.status == HTTPStatus.PARTIAL_CONTENT:
            self._reply = reply
            return reply.headers.get("content-range", "").startswith(f"bytes {self._count}-")
        return self._skip(reply)

    def _skip(self, reply: Reply) -> bool:
        """Pass what has come before, from a registry that knows no ranges."""
        left = self._count
        while left and (data := reply.read(left)):
            left -= len(data)
        self._reply = reply
        return not left
