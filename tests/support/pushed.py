"""A registry on loopback that takes blobs and manifests from who:secret, and gives them to anybody.

with Pushed() as registry:
    ...
    registry.manifests["/v2/team/app/manifests/1"]
"""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .background import Background
from .oci import OCI_INDEX, Blob

_BASIC = "Basic " + base64.b64encode(b"who:secret").decode()


class Pushed(Background):
    """What was pushed: manifests by path, with their media type; blobs by digest; scopes of tokens."""

    def __init__(self, *, referrers: bool = False) -> None:
        """Begin to serve; with the referrers API of OCI 1.1, if it is asked for."""
        self.has_referrers = referrers
        self.seen: list[str] = []
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

    def take_image(self, repository: str, tag: str, blob: Blob) -> None:
        """Have an image, as if it had been pushed."""
        for one in blob.everything().values():
            if "manifest" in one.media_type or "index" in one.media_type:
                path = f"/v2/{repository}/manifests/{one.digest}"
                self.manifests[path] = (one.media_type, one.data)
            self.blobs[one.digest] = one.data
        self.manifests[f"/v2/{repository}/manifests/{tag}"] = (blob.media_type, blob.data)

    def referrers(self, digest: str) -> bytes:
        """The index of the manifests that refer to one."""
        found = {}
        for media_type, content in self.manifests.values():
            document = json.loads(content)
            if document.get("subject", {}).get("digest") == digest:
                name = f"sha256:{hashlib.sha256(content).hexdigest()}"
                told = {key: document.get(key) for key in ("artifactType", "annotations")}
                found[name] = {
                    "mediaType": media_type,
                    "digest": name,
                    "size": len(content),
                    **told,
                }
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(found.values())}
        return json.dumps(index).encode()

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
    disable_nagle_algorithm = True  # as Go, in which registries are written

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        pushed = self.server.pushed
        pushed.seen.append(path)
        if path == "/token":
            self._token()
        elif path == "/v2/":
            self._reply(200)
        elif path in self.server.pushed.manifests:
            media_type, content = self.server.pushed.manifests[path]
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            headers = {"Content-Type": media_type, "Docker-Content-Digest": digest}
            self._reply(200, content, **headers)
        elif "/referrers/" in path and pushed.has_referrers:
            content = pushed.referrers(path.rpartition("/")[2])
            self._reply(200, content, **{"Content-Type": OCI_INDEX})
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
            subject = json.loads(content).get("subject", {}).get("digest", "")
            if subject and self.server.pushed.has_referrers:
                self._reply(201, b"", **{"OCI-Subject": subject})
            else:
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
