"""Connections to registries: where they may lead, and how long they may take.

Every connection is checked against the very address it is made to (``addresses``): a name may have
another one the next time it is looked up.

A deadline holds for a whole exchange, header bytes included: a peer that drips cannot hold a
thread.
"""

import logging
import re
import ssl
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore2 as httpcore

from elfgate.errors import UnansweredError, UnknownReason, UnreadableError
from elfgate.images.addresses import (
    UNREACHABLE,
    check_address,
    check_literal,
    check_not_own,
    check_url,
    is_within,
)
from elfgate.images.deadline import within
from elfgate.images.dial import AS_USUAL, Dial
from elfgate.images.names import Addresses, Names, NamesLateError
from elfgate.images.pace import paced
from elfgate.images.proxies import proxy_for, proxy_of
from elfgate.images.reply import Reply

log = logging.getLogger(__name__)

_MOST_CONNECTIONS = 32
_IDLE_SECONDS = (
    20.0  # sooner than most servers hang up, so that no request meets a connection that just ended
)
_LOOK_UP_SECONDS = 11.0  # a name server is asked twice, and given five seconds each time
_MOST_HOSTS = 4096  # remembered of those whose failures all read the same
_BROKEN_OFF = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)
_NO_ANSWER = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ProxyError,
)
_NUMBER = re.compile(r"\[Errno -?\d+\] ")  # Python's, before the words of the system
_connected: ContextVar[list[httpcore.NetworkStream]] = ContextVar("connected")


class BrokenOffError(UnreadableError):
    """An exchange that was cut after it had begun: it may well go through the next time."""


class _LookUpTimeout(httpcore.ConnectTimeout):
    """A name server does not answer in time, rather than the host."""


class Connections:
    """Pools of connections. Thread-safe.

    Args:
        connect_seconds: How long a peer may take to take a connection.
        read_seconds: How long it may say nothing.
    """

    def __init__(self, *, connect_seconds: float = 5.0, read_seconds: float = 15.0) -> None:
        self._connect_seconds = connect_seconds
        self._timeout = {"read": read_seconds, "write": read_seconds, "pool": read_seconds}
        self._pools: dict[tuple[bool, str, str, Dial], httpcore.ConnectionPool] = {}
        self._names = Names()
        self._closed = threading.Event()
        self._within: OrderedDict[str, None] = (
            OrderedDict()
        )  # hosts at addresses nobody may explore

    @contextmanager
    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | Sequence[tuple[str, str]],
        *,
        loopback: bool,
        dial: Dial = AS_USUAL,
        body: bytes = b"",
    ) -> Iterator[Reply]:
        """Send a request; the reply may be read within the block. Redirects are not followed.

        Args:
            method: ``GET``, ``HEAD`` or ``POST``.
            url: An absolute ``http`` or ``https`` URL.
            headers: Sent as they are.
            loopback: Whether this machine's own addresses may be reached.
            dial: How the host is connected to.
            body: What to post.

        Raises:
            UnreadableError: REGISTRY_UNREACHABLE if there is no answer, the place may not be
                reached, or all connections are closed.
        """
        target = check_url(url)
        if self._closed.is_set():
            message = f"{target.netloc} is not asked any more"
            raise UnreadableError(message, reason=UnknownReason.REGISTRY_UNREACHABLE)
        with self._explained(url), _closed_on_failure() as made:
            lines = headers.items() if isinstance(headers, Mapping) else headers
            length = [("Content-Length", str(len(body)))] if body else []
            connect = (
                self._connect_seconds if dial.connect_seconds is None else dial.connect_seconds
            )
            response = self._pool(target, loopback=loopback, dial=dial).handle_request(
                httpcore.Request(
                    method,
                    url,
                    headers=[("Host", target.netloc.rpartition("@")[2]), *length, *lines],
                    content=body or None,
                    extensions={"timeout": {**self._timeout, "connect": connect}},
                )
            )
        try:
            reply = Reply(
                url,
                response,
                self._explained,
                is_head=method == "HEAD",
                is_within=(target.hostname or "") in self._within,
            )
            yield reply
            reply.drain()
        finally:
            response.close()
            if self._closed.is_set():
                _close(made)  # no pool has them, if it was closed before they were made

    def close(self) -> None:
        """Close all connections, and make no more: readers that were given up may be under way."""
        self._closed.set()
        for pool in list(self._pools.values()):
            pool.close()

    @contextmanager
    def _explained(self, url: str) -> Iterator[None]:
        """Turn what goes wrong into one line; into the same one, where nobody is to explore."""
        try:
            with _told(url):
                yield
        except UnreadableError as error:
            host = urlsplit(url).hostname or ""
            if error.__cause__ is None or host not in self._within:
                raise
            log.info("%s", error)
            error.message = f"{urlsplit(url).netloc.rpartition('@')[2]} {UNREACHABLE}"
            raise

    def _pool(self, target: SplitResult, *, loopback: bool, dial: Dial) -> httpcore.ConnectionPool:
        """Loopback and other connections are never pooled together.

        A pooled one is not checked again.
        """
        host = target.hostname or ""
        proxy = "" if loopback else proxy_for(target)
        if proxy:
            check_literal(host)  # the proxy looks the name up, so a name cannot be checked here
        key = (loopback, target.scheme, proxy, dial)
        if key not in self._pools:
            pool = httpcore.ConnectionPool(
                ssl_context=_tls(dial) if target.scheme == "https" else None,
                proxy=proxy_of(proxy) if proxy else None,
                max_connections=_MOST_CONNECTIONS,
                keepalive_expiry=_IDLE_SECONDS,
                network_backend=_Backend(
                    self._names,
                    loopback=loopback,
                    own=dial.own,
                    checked=not proxy,
                    within=self._within,
                ),
            )
            self._pools.setdefault(key, pool)
        return self._pools[key]


def _tls(dial: Dial) -> ssl.SSLContext:
    try:
        return dial.tls()
    except OSError as error:
        files = ", ".join((*dial.ca, *(file for pair in dial.client for file in pair if file)))
        message = f"{files or 'certificates'} cannot be used: {error.strerror or error}"
        raise UnreadableError(message, reason=UnknownReason.REGISTRY_UNREACHABLE) from error


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and hands out streams that keep the deadline."""

    def __init__(
        self,
        names: Names,
        *,
        loopback: bool,
        own: bool,
        checked: bool,
        within: OrderedDict[str, None],
    ) -> None:
        self._names = names
        self._loopback = loopback
        self._own = own
        self._checked = checked
        self._within = within
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._addresses(host):
            try:
                stream = self._sockets.connect_tcp(
                    address, port, within(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream)
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def _addresses(self, host: str) -> Addresses:
        try:
            addresses = self._names.addresses(host, within(_LOOK_UP_SECONDS) or 0)
        except NamesLateError as error:
            raise _LookUpTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address: {error}") from error
        if self._checked:
            for address in addresses:
                check_address(host, address, loopback=self._loopback)
                if not self._own:
                    check_not_own(host, address)
        if not self._own and any(map(is_within, addresses)):
            self._within[host] = None
            if len(self._within) > _MOST_HOSTS:
                self._within.popitem(last=False)
        return addresses


class _Stream(httpcore.NetworkStream):
    """A connection, each step of which is bounded by what is left of the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        _connected.get([]).append(stream)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data, kept = paced(lambda: self._stream.read(max_bytes, within(timeout)))
        if not kept:
            raise httpcore.ReadTimeout("it sends too slowly")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, within(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, within(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextmanager
def _closed_on_failure() -> Iterator[Sequence[httpcore.NetworkStream]]:
    """Close what this thread connects to within the block if it fails.

    A SOCKS proxy's refusal leaves it open.
    """
    made: list[httpcore.NetworkStream] = []
    token = _connected.set(made)
    try:
        yield made
    except BaseException:
        _close(made)
        raise
    finally:
        _connected.reset(token)


def _close(streams: Iterable[httpcore.NetworkStream]) -> None:
    for stream in streams:
        stream.close()


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn what went wrong on the way into one line."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    try:
        yield
    except httpcore.TimeoutException as error:
        is_unnamed = isinstance(error, _LookUpTimeout)
        what = str(error) if is_unnamed else f"{host} does not answer in time"
        raise UnansweredError(what, reason=UnknownReason.REGISTRY_UNREACHABLE) from error
    except _BROKEN_OFF as error:
        raise BrokenOffError(
            _why(host, error), reason=UnknownReason.REGISTRY_UNREACHABLE
        ) from error
    except _NO_ANSWER as error:
        raise UnreadableError(
            _why(host, error), reason=UnknownReason.REGISTRY_UNREACHABLE
        ) from error


def _why(host: str, error: Exception) -> str:
    """Say it in the system's words, without Python's number before them."""
    said = _NUMBER.sub("", " ".join(str(error).split()))
    return f"{host} cannot be reached: {said or type(error).__name__}"
