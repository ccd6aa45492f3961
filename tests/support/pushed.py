"""A registry on loopback that takes blobs and manifests from who:secret, and gives them to anybody.

with Pushed() as registry:
    ...
    registry.manifests["/v2/team/app/manifests/1"]
"""

import base64
import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .background import Background

_BASIC = "Basic " + base64.b64encode(b"who:secret").decode()


class Pushed(Background):
    """What was pushed: manifests by path, with their media type; blobs by digest; scopes of tokens."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.scopes: list[str] = []
        self._server = _Server(self)
        self.host = f"127.0.0.1:{self._server.server_port}"

    def work(self) -> None:
        self._server.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take_manifest(self, path: str, media_type: str, content: bytes) -> None:
        """Keep a manifest by the name that it was pushed by, and by its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.manifests[path] = (media_type, content)
        self.manifests[f"{path.rpartition('/')[0]}/{digest}"] = (media_type, content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pushed: Pushed) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pushed = pushed


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/token":
            self._token()
        elif path == "/v2/":
            self._reply(200)
        elif path in self.server.pushed.manifests:
            media_type, content = self.server.pushed.manifests[path]
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            headers = {"Content-Type": media_type, "Docker-Content-Digest": digest}
            self._reply(200, content, **headers)
        else:
            content = self.server.pushed.blobs.get(path.rpartition("/")[2], b"")
            self._reply(200 if content else 404, content)

    def do_POST(self) -> None:
        if self.headers["Authorization"] != "Bearer granted":
            realm = f"http://{self.server.pushed.host}/token"
            challenge = f'Bearer realm="{realm}",service="test"'
            self._reply(401, b"", **{"WWW-Authenticate": challenge})
        else:
            self._reply(202, Location=f"{urlsplit(self.path).path}1?state=x")

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        parts = urlsplit(self.path)
        if self.headers["Authorization"] != "Bearer granted":
            self._reply(401)
        elif "/manifests/" in parts.path:
            self.server.pushed.take_manifest(parts.path, self.headers["Content-Type"], content)
            self._reply(201)
        else:
            [digest] = parse_qs(parts.query)["digest"]
            sound = digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
            self.server.pushed.blobs[digest] = content
            self._reply(201 if sound else 400)

    def _token(self) -> None:
        self.server.pushed.scopes += parse_qs(urlsplit(self.path).query)["scope"]
        allowed = self.headers["Authorization"] == _BASIC
        self._reply(200 if allowed else 401, b'{"token": "granted"}')

    def _reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
