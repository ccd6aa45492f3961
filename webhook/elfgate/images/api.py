"""Requests to one repository's HTTP API, on behalf of somebody.

Source: OCI distribution spec 1.1.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from io import BytesIO
from urllib.parse import urlsplit

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.addresses import UNREACHABLE
from elfgate.images.auth import Authenticator, Credential
from elfgate.images.body import Body
from elfgate.images.client import Client, Headers, Origin, origin, refuse_downgrade
from elfgate.images.connections import Connections
from elfgate.images.dial import AS_USUAL, Dial
from elfgate.images.encoded import decoded
from elfgate.images.reply import Reply

log = logging.getLogger(__name__)

_MOST_OTHERS = (
    16  # hosts that one repository's registry redirects to, and that want to know who asks
)
_TOKEN_BYTES = 256 << 10
_ACCEPT = ", ".join((*sorted(mediatypes.INDEXES), *sorted(mediatypes.MANIFESTS), "*/*;q=0.1"))


class Api:
    """The API of one repository. Thread-safe.

    Args:
        base: URL of the repository: ``https://host/v2/path/``.
        repository: Its path, as token scopes have it.
        credential: Who asks, or None.
        known: Gives the credentials for a name (``host/repository``), for hosts that this one leads
            to.
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
        known: Callable[[str], Sequence[Credential]] = lambda _name: (),
        dial: Dial = AS_USUAL,
    ) -> None:
        self._base = base
        self._query = f"?{query}" if query else ""
        self._own_headers = tuple(headers)
        self._known = known
        self._client = Client(base, connections, loopback=loopback, dial=dial)
        self._lock = threading.Lock()
        own = Authenticator(repository, credential, self._fetch_from(base))
        self._authenticators = {origin(base): own}

    @contextmanager
    def get(self, path: str, what: str) -> Iterator[Reply]:
        """Ask for ``path``; the reply's body may be read within the block.

        Raises:
            UnreadableError: if the answer is anything but that, with ``what`` in its message.
        """
        with self.ask("GET", path) as reply:
            self.check_status(reply, what)
            yield reply

    def blob(self, path: str, what: str, size: int = 0) -> Body:
        """The bytes of ``path``, however often the connection breaks off (within bounds).

        A context manager.

        Args:
            path: The blob's.
            what: The blob, for messages.
            size: Bytes that it has; 0 if that is not known. A large one may be fetched by several
                ranges at a time.
        """

        @contextmanager
        def ask(more: Sequence[tuple[str, str]]) -> Iterator[Reply]:
            with self.ask("GET", path, more) as reply:
                self.check_status(reply, what)
                yield reply

        return Body(ask, size)

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
            else:
                self.check_status(reply, what)
        raise UnreadableError(
            f"{what} is not served in parts", reason=UnknownReason.REGISTRY_UNREACHABLE
        )

    @contextmanager
    def ask(self, method: str, path: str, more: Sequence[tuple[str, str]] = ()) -> Iterator[Reply]:
        """Ask for ``path`` and take whatever the answer is.

        Redirects, challenges, pauses and one more try come before.

        Raises:
            UnreadableError: if there is no answer.
        """
        challenged: set[Origin] = set()
        sent: dict[Origin, str] = {}

        def answered(url: str, reply: Reply) -> bool:
            if reply.status != HTTPStatus.UNAUTHORIZED or origin(url) in challenged:
                return False
            challenged.add(origin(url))
            header = reply.headers.get("www-authenticate", "")
            return self._authenticator(url).answer(header, sent[origin(url)])

        def headers(url: str) -> Headers:
            authenticator = self._authenticators.get(origin(url))
            authorization = sent[origin(url)] = authenticator.header() if authenticator else ""
            own = [("Authorization", authorization)] if authorization else []
            return [*self._headers(url), *own, *more]

        url = self._url(path)
        with self._client.ask(method, url, headers, challenged=answered) as reply:
            yield reply

    def _url(self, path: str) -> str:
        query = self._query.replace("?", "&", 1) if "?" in path else self._query
        return f"{self._base}{path}{query}"

    def check_status(self, reply: Reply, what: str) -> None:
        """Pass on a reply that is an answer.

        Of a place that the registry only names, and that nobody may explore, the status is not
        told.

        Raises:
            UnreadableError: if it is not, with the reason that its status stands for.
        """
        try:
            _check_status(reply, what)
        except UnreadableError as error:
            if not reply.is_within or origin(reply.url) == origin(self._base):
                raise
            log.info("%s", error)
            host = urlsplit(reply.url).netloc
            if error.reason is UnknownReason.NO_CREDENTIALS:
                error.message = f"{what} cannot be had: {host} takes no credentials of ours"
            else:
                error.message, error.hint = f"{host} {UNREACHABLE}", ""
                error.reason = UnknownReason.REGISTRY_UNREACHABLE
            raise

    def _headers(self, url: str) -> Headers:
        headers = [("User-Agent", "elfgate"), ("Accept", _ACCEPT), ("Accept-Encoding", "identity")]
        if origin(url) == origin(self._base):
            headers += self._own_headers
        return headers

    def _authenticator(self, url: str) -> Authenticator:
        """The identity for the host of a URL.

        Credentials known for that very name, or else nobody's.
        """
        key = origin(url)
        with self._lock:
            if key not in self._authenticators:
                repository = _repository(url)
                credential = self._credential(f"{urlsplit(url).netloc}/{repository}")
                if len(self._authenticators) > _MOST_OTHERS:
                    own = origin(self._base)
                    self._authenticators = {own: self._authenticators[own]}
                fetch = self._fetch_from(url)
                self._authenticators[key] = Authenticator(repository, credential, fetch)
            return self._authenticators[key]

    def _credential(self, name: str) -> Credential | None:
        with suppress(UnreadableError):
            return next(iter(self._known(name)), None)
        return None

    def _fetch_from(self, base: str) -> Callable[[str, str, bytes], bytes]:
        """The fetcher of tokens for the host of a URL."""

        def fetch(url: str, authorization: str, form: bytes) -> bytes:
            refuse_downgrade(base, url)
            return self._fetch_token(url, authorization, form)

        return fetch

    def _fetch_token(self, url: str, authorization: str, form: bytes) -> bytes:
        service = urlsplit(url).netloc

        def headers(asked: str) -> Headers:
            headers = [("User-Agent", "elfgate"), ("Accept", "application/json")]
            if authorization and origin(asked) == origin(url):
                headers.append(("Authorization", authorization))
            if form:
                headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            return headers

        client = self._client.beside(url)
        with client.ask("POST" if form else "GET", url, headers, form=form) as reply:
            self.check_status(reply, f"a token of {service}")
            what = f"the token of {service}"
            data = reply.read_bounded(_TOKEN_BYTES, what)
            if not reply.encoding:
                return data
            return decoded(BytesIO(data), reply.encoding, "", what, _TOKEN_BYTES).getvalue()


def _repository(url: str) -> str:
    """The repository of a URL of the API, as token scopes have it; empty if it is none."""
    path = urlsplit(url).path.removeprefix("/v2/")
    for part in ("/manifests/", "/blobs/"):
        if part in path:
            return path.rpartition(part)[0]
    return ""


def _check_status(reply: Reply, what: str) -> None:
    status = reply.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
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
