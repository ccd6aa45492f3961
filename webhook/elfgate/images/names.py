"""Addresses of names, within the time that an exchange has.

The system's resolver knows no deadline: where a name server is silent, it holds its caller for five
seconds, times its attempts, times the domains that are searched (resolv.conf(5)). So names are
looked up on threads of their own, which whoever asks leaves behind when the time is up.

What is left behind counts for whoever began it, who has as many at most as are free for others.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar

_MOST = 128  # looked up at a time
_SHARE = 16  # of one asker
_asker: ContextVar[str] = ContextVar("asker", default="")
Addresses = tuple[str, ...]


class NamesLateError(Exception):
    """A name that is not looked up in time."""


@contextmanager
def asking_for(asker: str) -> Iterator[None]:
    """Count whatever this thread looks up within the block for somebody: a namespace, say."""
    token = _asker.set(asker)
    try:
        yield
    finally:
        _asker.reset(token)


class Names:
    """Looks names up. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way: dict[str, Future[Addresses]] = {}
        self._of_asker: Counter[str] = Counter()

    def addresses(self, host: str, seconds: float) -> Addresses:
        """The addresses of a name, or the one that it is.

        Args:
            host: A name, or an address in any form that the system takes (``127.1``).
            seconds: How long that may take.

        Raises:
            NamesLateError: if it takes longer.
            OSError: if it has none.
            UnicodeError: if it is no name.
        """
        try:
            return _looked_up(host, socket.AI_NUMERICHOST)
        except socket.gaierror:
            until = time.monotonic() + seconds
        future = self._asked(host, _asker.get(), until)
        try:
            return future.result(max(until - time.monotonic(), 0))
        except TimeoutError as error:
            raise _late(host) from error

    def _asked(self, host: str, asker: str, until: float) -> Future[Addresses]:
        """The look-up of a name, which is under way for whoever asks for it too."""
        with self._changed:
            while host not in self._under_way:
                if self._has_room(asker):
                    return self._begin(host, asker)
                if not self._changed.wait(until - time.monotonic()):
                    raise _late(host)
            return self._under_way[host]

    def _has_room(self, asker: str) -> bool:
        free = _MOST - len(self._under_way)
        return self._of_asker[asker] < min(_SHARE, free)

    def _begin(self, host: str, asker: str) -> Future[Addresses]:
        future: Future[Addresses] = Future()
        # A daemon: no process waits at its end for a name server.
        threading.Thread(
            target=self._work, args=(host, asker, future), name="name", daemon=True
        ).start()
        self._under_way[host] = future
        self._of_asker[asker] += 1
        return future

    def _work(self, host: str, asker: str, future: Future[Addresses]) -> None:
        try:
            future.set_result(_looked_up(host))
        except (OSError, UnicodeError) as error:
            future.set_exception(error)
        with self._changed:
            del self._under_way[host]
            self._of_asker[asker] -= 1
            self._of_asker += Counter()  # which drops whoever has none
            self._changed.notify_all()


def _looked_up(host: str, flags: int = 0) -> Addresses:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _late(host: str) -> NamesLateError:
    return NamesLateError(f"the name of {host} is not looked up in time")
