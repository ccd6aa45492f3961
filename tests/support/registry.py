"""A real registry on loopback, which can be told to misbehave.

with Registry({"example/app": {"1.0": image([...])}}, auth="bearer") as registry:
    reference = registry.reference("example/app:1.0")
    registry.answer("/v2/example/app/manifests/1.0", Answer(500))
    assert registry.seen[-1].authorization == "Bearer token-1"
"""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from urllib.parse import parse_qs, parse_qsl, urlsplit

from .background import Background
from .oci import Blob

MANIFEST_TYPES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)


@dataclass(frozen=True)
class Answer:
    """What to answer instead of the content.

    Attributes:
        status: The status code.
        headers: Sent as they are, a value of several lines as several headers; ``Content-Length`` is added for bytes,
            unless it is among them.
        body: Bytes, or parts that are sent one after the other until the client is gone.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    authorization: str
    headers: Mapping[str, str]
    client_port: int
    body: str = ""


class Registry(Background):
    """Serves images; a context manager.

    Args:
        images: By repository and tag.
        auth: ``bearer``, ``basic``, or empty for none.
        username: Who may pull; with ``bearer``, empty lets anybody have a token.
        password: The secret.
        expires_in: Seconds that a token is said to hold.
        tls: Serve over TLS, as ``localhost``.
        ranges: Serve parts of blobs to whoever asks for them.

    Attributes:
        by_range: What to answer instead, by path and by the first byte that is asked for.
    """

    def __init__(
        self,
        images: Mapping[str, Mapping[str, Blob]],
        *,
        auth: str = "",
        username: str = "",
        password: str = "",
        expires_in: int = 300,
        tls: ssl.SSLContext | None = None,
        ranges: bool = False,
    ) -> None:
        self.images = images
        self.ranges = ranges
        self.auth = auth
        self.basic = (
            "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
            if username
            else ""
        )
        self.expires_in = expires_in
        self.by_range: dict[str, dict[int, Answer]] = {}
        self.seen: list[Seen] = []
        self.tokens: set[str] = set()
        self.stopping = threading.Event()
        self._answers: dict[str, list[Answer | None]] = {}
        registry = self

        class Handler(_Handler):
            pass

        Handler.registry = registry
        self._server = _Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            # The handshake is the connection's own thread's business.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        """Address and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def reference(self, name: str) -> str:
        """The full reference of ``name``, such as ``example/app:1.0``."""
        return f"{self.host}/{name}"

    def answer(self, path: str, *answers: Answer | None) -> None:
        """Answer requests for ``path`` (without its query) like this, one after the other; the last one for ever.

        None stands for the content.
        """
        self._answers[path] = list(answers)

    def drip(
        self, data: bytes = b"", filler: bytes = b"x", interval: float = 0.02
    ) -> Iterator[bytes]:
        """``data`` at once, then a filler now and then until the registry is stopped."""
        yield data
        while not self.stopping.wait(interval):
            yield filler

    def paths(self, method: str = "") -> list[str]:
        """The paths asked for so far."""
        return [seen.path for seen in self.seen if not method or seen.method == method]

    def next_answer(self, path: str) -> Answer | None:
        """What to answer instead of the content, if anything."""
        answers = self._answers.get(path)
        if not answers:
            return None
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def work(self) -> None:
        """Serve."""
        with self._server:
            self._server.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        """Serve no longer."""
        self.stopping.set()
        self._server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    registry: Registry

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _serve(self, body: str = "") -> None:
        path = urlsplit(self.path).path
        authorization = self.headers.get("Authorization", "")
        self.registry.seen.append(
            Seen(
                self.command,
                self.path,
                authorization,
                dict(self.headers),
                self.client_address[1],
                body,
            )
        )
        answer = self._by_range(path) or self.registry.next_answer(path)
        if answer is None:
            route: Callable[[], Answer] = (
                self._token if path == "/token" else lambda: self._content(path)
            )
            answer = route()
        self._send(answer)

    def _by_range(self, path: str) -> Answer | None:
        first = self.headers.get("Range", "").removeprefix("bytes=").partition("-")[0]
        return self.registry.by_range.get(path, {}).get(int(first)) if first else None

    def _token(self) -> Answer:
        registry = self.registry
        if registry.basic and self.headers.get("Authorization") != registry.basic:
            return Answer(401)
        scope = parse_qs(urlsplit(self.path).query)["scope"][0]
        token = f"token-{len(registry.tokens) + 1}"
        registry.tokens.add(f"Bearer {token}")
        body = f'{{"token": "{token}", "expires_in": {registry.expires_in}, "scope": "{scope}"}}'
        return Answer(headers={"Content-Type": "application/json"}, body=body.encode())

    def _content(self, path: str) -> Answer:
        challenge = self._challenge(path)
        if challenge:
            return Answer(
                401, {"WWW-Authenticate": challenge}, b'{"errors": [{"code": "UNAUTHORIZED"}]}'
            )
        if path.endswith("/tags/list"):
            return self._tags(path.removeprefix("/v2/").removesuffix("/tags/list"))
        repository, _, rest = path.removeprefix("/v2/").rpartition("/manifests/")
        if repository:
            return self._manifest(repository, rest)
        repository, _, rest = path.removeprefix("/v2/").rpartition("/blobs/")
        blob = self._blobs(repository).get(rest)
        return Answer(404) if blob is None else self._blob(blob.data)

    def _tags(self, repository: str) -> Answer:
        """A page of tags, by name, as ``n`` and ``last`` ask for it."""
        asked = dict(parse_qsl(urlsplit(self.path).query))
        after = (
            tag
            for tag in sorted(self.registry.images.get(repository, {}))
            if tag > asked.get("last", "")
        )
        tags = list(islice(after, int(asked.get("n", "1000"))))
        headers = {"Content-Type": "application/json"}
        return Answer(headers=headers, body=json.dumps({"name": repository, "tags": tags}).encode())

    def _blob(self, data: bytes) -> Answer:
        headers, asked = {"Content-Type": "application/octet-stream"}, self.headers.get("Range", "")
        if not asked or not self.registry.ranges:
            return Answer(headers=headers, body=data)
        begin, _, end = asked.removeprefix("bytes=").partition("-")
        first = int(begin)
        part = data[first : int(end) + 1 if end else None]
        return Answer(
            206,
            headers | {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"},
            part,
        )

    def _challenge(self, path: str) -> str:
        registry, authorization = self.registry, self.headers.get("Authorization", "")
        if registry.auth == "basic" and authorization != registry.basic:
            return 'Basic realm="test"'
        if registry.auth == "bearer" and authorization not in registry.tokens:
            repository = (
                path.removeprefix("/v2/").partition("/manifests/")[0].partition("/blobs/")[0]
            )
            return f'Bearer realm="{registry.url}/token",service="test",scope="repository:{repository}:pull"'
        return ""

    def _manifest(self, repository: str, name: str) -> Answer:
        tags = self.registry.images.get(repository, {})
        blob = tags.get(name) or self._blobs(repository).get(name)
        if blob is None or blob.media_type not in MANIFEST_TYPES:
            return Answer(404)
        headers = {"Content-Type": blob.media_type, "Docker-Content-Digest": blob.digest}
        return Answer(headers=headers, body=blob.data)

    def _blobs(self, repository: str) -> dict[str, Blob]:
        found: dict[str, Blob] = {}
        for blob in self.registry.images.get(repository, {}).values():
            found |= blob.everything()
        return found

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            for line in value.split("\n"):
                self.send_header(name, line)
        if isinstance(answer.body, bytes):
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
                self.close_connection = "Content-Length" in answer.headers
            return
        self.close_connection = True
        self.end_headers()
        for part in answer.body:
            self.wfile.write(part)
