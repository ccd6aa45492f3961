"""Requests with what it takes to get an answer: redirects, challenges, a pause, one more try.

Sources: RFC 9110 (redirects, ``Retry-After``); containerd's ``core/remotes/docker``
(``retryRequest``: which statuses pass); Go's net/http, which containerd asks with (ten redirects;
credentials stay with their host).
"""

import email.utils
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import quote, urljoin, urlsplit

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.addresses import check_url
from elfgate.images.connections import BrokenOffError, Connections
from elfgate.images.deadline import seconds_left
from elfgate.images.dial import Dial
from elfgate.images.reply import Reply

Headers = list[tuple[str, str]]
Origin = tuple[str, str | None, int | None]
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_LONGEST_PAUSE = 10.0  # seconds that a registry which limits its clients is waited for
_SHORT_PAUSE = 0.25  # before one more try, if the registry does not say
_OF_PROXIES = range(520, 528)  # what Cloudflare says of a registry that it stands before
_TRIES: Mapping[int, int] = {  # how often these are tried once more
    HTTPStatus.REQUEST_TIMEOUT: 1,
    HTTPStatus.TOO_EARLY: 1,
    HTTPStatus.TOO_MANY_REQUESTS: 5,  # as containerd does
    HTTPStatus.INTERNAL_SERVER_ERROR: 1,
    HTTPStatus.BAD_GATEWAY: 1,
    HTTPStatus.SERVICE_UNAVAILABLE: 1,
    HTTPStatus.GATEWAY_TIMEOUT: 1,
    **dict.fromkeys(_OF_PROXIES, 1),
}


class Client:
    """Asks on behalf of one host, and of those that it leads to. Thread-safe.

    Args:
        base: A URL of the host.
        connections: Where connections come from.
        loopback: Whether this machine's own addresses may be reached.
        dial: How the host is connected to.
    """

    def __init__(self, base: str, connections: Connections, *, loopback: bool, dial: Dial) -> None:
        self._base = base
        self._connections = connections
        self._loopback = loopback
        self._dial = dial

    def beside(self, base: str) -> "Client":
        """A client for another host that this one leads to."""
        is_own = origin(base) == origin(self._base)
        dial = self._dial if is_own else self._dial.elsewhere()
        return Client(base, self._connections, loopback=self._loopback, dial=dial)

    @contextmanager
    def ask(
        self,
        method: str,
        url: str,
        headers: Callable[[str], Headers],
        *,
        challenged: Callable[[str, Reply], bool] = lambda _url, _reply: False,
        form: bytes = b"",
    ) -> Iterator[Reply]:
        """Ask for a URL and take whatever the answer is in the end.

        Args:
            method: ``GET``, ``HEAD`` or ``POST``.
            url: What is asked for.
            headers: Gives the headers for a URL, which may be of another host after a redirect.
            challenged: Told of each answer; whether it makes sense to ask the same once more.
            form: What to post; to this very host only, as it may hold a secret.

        Raises:
            UnreadableError: if there is no answer.
        """
        tries, redirects = Tries(), 0
        while True:
            is_final = False
            try:
                with self._exchange(method, url, headers(url), form) as reply:
                    if reply.status in _REDIRECTS and "location" in reply.headers:
                        redirects += 1
                        url = redirected(url, reply.headers["location"], redirects)
                        if form and origin(url) != origin(self._base):
                            raise _elsewhere(self._base, url)
                        continue
                    if challenged(url, reply):
                        continue
                    pause = tries.pause(reply)
                    if pause is None:
                        is_final = True
                        yield reply
                        return
            except BrokenOffError:
                if is_final or not tries.after_break():
                    raise
                pause = _SHORT_PAUSE
            time.sleep(pause)

    @contextmanager
    def _exchange(self, method: str, url: str, headers: Headers, form: bytes) -> Iterator[Reply]:
        dial = self._dial if origin(url) == origin(self._base) else self._dial.elsewhere()
        with self._connections.exchange(
            method, url, headers, loopback=self._loopback, dial=dial, body=form
        ) as reply:
            yield reply


class Tries:
    """Counts how often one thing has been tried once more."""

    def __init__(self) -> None:
        self._used: dict[int, int] = {}
        self._broken = False

    def pause(self, reply: Reply) -> float | None:
        """Seconds to wait before one more try; None if that is of no use."""
        used = self._used[reply.status] = self._used.get(reply.status, -1) + 1
        most = _TRIES.get(reply.status, 0)
        limited = reply.status == HTTPStatus.TOO_MANY_REQUESTS
        told = reply.headers.get("retry-after", "")
        seconds = retry_after(told) if told or limited else _SHORT_PAUSE
        within = seconds <= min(_LONGEST_PAUSE, seconds_left())
        return seconds if used < most and within else None

    def after_break(self) -> bool:
        """Whether an exchange that broke off is tried once more."""
        again = not self._broken and seconds_left() > _SHORT_PAUSE
        self._broken = True
        return again


def origin(url: str) -> Origin:
    """Scheme, host and port of a URL: credentials go to no other origin."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def redirected(url: str, location: str, count: int) -> str:
    """The URL that a redirect leads to.

    Args:
        url: What redirects.
        location: Where to; bytes beyond ASCII are escaped, as Go does.
        count: Which redirect of one request it is.

    Raises:
        UnreadableError: if it may not be followed.
    """
    try:
        target = urljoin(url, location)
        if urlsplit(target).netloc.isascii():
            target = "".join(char if "!" <= char <= "~" else _escaped(char) for char in target)
    except ValueError:
        target = location  # which says on its own what is wrong with it
    check_url(target)
    refuse_downgrade(url, target)
    if count > _MOST_REDIRECTS:
        raise UnreadableError(
            f"{urlsplit(url).netloc} redirects more than {_MOST_REDIRECTS} times",
            reason=UnknownReason.REGISTRY_UNREACHABLE,
        )
    return target


def refuse_downgrade(url: str, target: str) -> None:
    """Refuse to go from TLS to a place without it.

    Raises:
        UnreadableError: REGISTRY_UNREACHABLE, naming both.
    """
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise UnreadableError(
            f"{urlsplit(url).netloc} sends its clients to {urlsplit(target).netloc} without TLS",
            reason=UnknownReason.REGISTRY_UNREACHABLE,
        )


def retry_after(text: str) -> float:
    """Seconds, or a date (RFC 9110, 10.2.3); a second if it is neither."""
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 1.0


def _escaped(char: str) -> str:
    """A header's byte in a URL; a control character stays, to be refused."""
    return char if char < " " or char == "\x7f" else quote(char.encode("latin-1", "replace"))


def _elsewhere(base: str, url: str) -> UnreadableError:
    return UnreadableError(
        f"{urlsplit(base).netloc} sends its clients' credentials to {urlsplit(url).netloc}",
        reason=UnknownReason.REGISTRY_UNREACHABLE,
    )
