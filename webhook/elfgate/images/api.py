"""Requests to one repository's HTTP API, with what it takes to get an answer: authorization, redirects, a pause.

Sources: OCI distribution spec 1.1; RFC 9110 (redirects, ``Retry-After``).
"""

import email.utils
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.addresses import check_url
from elfgate.images.auth import Authenticator, Credential
from elfgate.images.connections import Connections, Reply, seconds_left
from elfgate.images.dial import AS_USUAL, Dial

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_LONGEST_PAUSE = 10.0  # seconds that a registry which limits its clients is waited for
_TOKEN_BYTES = 64 << 10
_ACCEPT = ", ".join((*sorted(mediatypes.INDEXES), *sorted(mediatypes.MANIFESTS), "*/*;q=0.1"))


class Api:
    """The API of one repository. Thread-safe.

    Args:
        base: URL of the repository: ``https://host/v2/path/``.
        repository: Its path, as token scopes have it.
        credential: Who asks, or None.
        connections: Where connections come from.
        loopback: Whether this machine's own addresses may be reached.
        query: Added to the URL of each request, without its question mark.
        headers: Sent with each request to this host, and to no other.
        dial: How this host is connected to.
    """

    def __init__(
        self,
        base: str,
        repository: str,
        credential: Credential | None,
        connections: Connections,
        *,
        loopback: bool,
        query: str = "",
        headers: Sequence[tuple[str, str]] = (),
        dial: Dial = AS_USUAL,
    ) -> None:
        self._base = base
        self._query = f"?{query}" if query else ""
        self._own_headers = tuple(headers)
        self._dial = dial
        self._connections = connections
        self._loopback = loopback
        self._authenticator = Authenticator(repository, credential, self._fetch_token)

    @contextmanager
    def get(self, path: str, what: str) -> Iterator[Reply]:
        """Ask for ``path``; the reply's body may be read within the block.

        Raises:
            UnreadableError: if the answer is anything but that, with ``what`` in its message.
        """
        with self.ask("GET", path) as reply:
            check_status(reply, what)
            yield reply

    def span(self, path: str, start: int, end: int, what: str) -> bytes:
        """The bytes of ``path`` from one offset up to another.

        Raises:
            UnreadableError: if they are not to be had, or the registry answers with something else.
        """
        with self.ask("GET", path, (("Range", f"bytes={start}-{end - 1}"),)) as reply:
            if reply.status == HTTPStatus.PARTIAL_CONTENT:
                told = reply.headers.get("content-range", "")
                data = reply.read_bounded(end - start, what)
                if told.startswith(f"bytes {start}-{end - 1}/") and len(data) == end - start:
                    return data
            elif reply.status != HTTPStatus.OK:
                check_status(reply, what)
        raise UnreadableError(
            f"{what} is not served in parts", reason=UnknownReason.REGISTRY_UNREACHABLE
        )

    @contextmanager
    def ask(self, method: str, path: str, more: Sequence[tuple[str, str]] = ()) -> Iterator[Reply]:
        """Ask for ``path`` and take whatever the answer is, after redirects, one challenge and one pause.

        Raises:
            UnreadableError: if there is no answer.
        """
        url = self._base + path + self._query
        authorization = self._authenticator.header()
        challenged = paused = False
        redirects = 0
        while True:
            headers = [*self._headers(url, authorization), *more]
            with self._connections.exchange(
                method, url, headers, loopback=self._loopback, dial=self._dial_to(url)
            ) as reply:
                if (
                    reply.status == HTTPStatus.UNAUTHORIZED
                    and not challenged
                    and self._is_registry(url)
                ):
                    challenged = True
                    if self._authenticator.answer(
                        reply.headers.get("www-authenticate", ""), authorization
                    ):
                        authorization = self._authenticator.header()
                        continue
                elif reply.status in _REDIRECTS and "location" in reply.headers:
                    redirects += 1
                    url = _redirected(url, reply.headers["location"], redirects)
                    continue
                elif reply.status == HTTPStatus.TOO_MANY_REQUESTS and not paused and _pause(reply):
                    paused = True
                    continue
                yield reply
                return

    def _headers(self, url: str, authorization: str) -> list[tuple[str, str]]:
        headers = [("User-Agent", "elfgate"), ("Accept", _ACCEPT), ("Accept-Encoding", "identity")]
        if self._is_registry(url):
            headers += self._own_headers
            if authorization:
                headers.append(("Authorization", authorization))
        return headers

    def _is_registry(self, url: str) -> bool:
        """Whether a URL is of the registry itself: nobody else is told who asks."""
        ours, theirs = urlsplit(self._base), urlsplit(url)
        return (ours.scheme, ours.hostname, ours.port) == (
            theirs.scheme,
            theirs.hostname,
            theirs.port,
        )

    def _dial_to(self, url: str) -> Dial:
        return self._dial if self._is_registry(url) else self._dial.elsewhere()

    def _fetch_token(self, url: str, authorization: str, form: bytes) -> bytes:
        _refuse_downgrade(self._base, url)
        service = urlsplit(url).netloc
        headers = [("User-Agent", "elfgate"), ("Accept", "application/json")]
        if authorization:
            headers.append(("Authorization", authorization))
        if form:
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        with self._connections.exchange(
            "POST" if form else "GET",
            url,
            headers,
            loopback=self._loopback,
            dial=self._dial_to(url),
            body=form,
        ) as reply:
            check_status(reply, f"a token of {service}")
            return reply.read_bounded(_TOKEN_BYTES, f"the token of {service}")


def check_status(reply: Reply, what: str) -> None:
    """Pass on a reply that is an answer.

    Raises:
        UnreadableError: if it is not, with the reason that its status stands for.
    """
    status = reply.status
    if status == HTTPStatus.OK:
        return
    hint = ""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        reason, hint = (
            UnknownReason.NO_CREDENTIALS,
            "it needs credentials, or there is no such image",
        )
    elif status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        reason = UnknownReason.IMAGE_NOT_FOUND
    else:
        reason = UnknownReason.REGISTRY_UNREACHABLE
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            hint = "the registry limits how often it is asked"
    host = urlsplit(reply.url).netloc
    raise UnreadableError(
        f"{what} cannot be had: {host} answers {status}", reason=reason, hint=hint
    )


def _redirected(url: str, location: str, count: int) -> str:
    try:
        target = urljoin(url, location)
    except ValueError:
        target = location  # which says on its own what is wrong with it
    check_url(target)
    _refuse_downgrade(url, target)
    if count > _MOST_REDIRECTS:
        raise UnreadableError(
            f"{urlsplit(url).netloc} redirects more than {_MOST_REDIRECTS} times",
            reason=UnknownReason.REGISTRY_UNREACHABLE,
        )
    return target


def _refuse_downgrade(url: str, target: str) -> None:
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise UnreadableError(
            f"{urlsplit(url).netloc} sends its clients to {urlsplit(target).netloc} without TLS",
            reason=UnknownReason.REGISTRY_UNREACHABLE,
        )


def _pause(reply: Reply) -> bool:
    """Wait as long as the registry asks for; False if that is too long."""
    seconds = _retry_after(reply.headers.get("retry-after", ""))
    if seconds > min(_LONGEST_PAUSE, seconds_left()):
        return False
    time.sleep(seconds)
    return True


def _retry_after(text: str) -> float:
    """Seconds, or a date (RFC 9110, 10.2.3); a second if it is neither."""
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 1.0
