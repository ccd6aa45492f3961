"""A part of an API server on loopback: it keeps objects, and refuses writes of what has changed since (409).

with ObjectApi() as server:
    server.put(CONFIGURATIONS, {"metadata": {"name": "elfgate"}, "webhooks": [...]})
    server.get(f"{SECRETS}/elfgate-tls")
"""

import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import orjson

from elfgate.cluster.access import Access
from support.loopback import Loopback

SECRETS = "/api/v1/namespaces/elfgate/secrets"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/elfgate/leases"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


class ObjectApi(Loopback):
    """A context manager.

    Attributes:
        clock: What time it tells, in seconds since the epoch; None for the machine's.
        written: The paths of all writes that were made, in order.
        refusing: A status that every write is answered with, if any.
    """

    def __init__(self) -> None:
        self.clock: float | None = None
        self.written: list[str] = []
        self.refusing = 0
        self._objects: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._version = 0
        api = self

        class Handler(_Handler):
            server_state = api

        super().__init__(Handler)

    def access(self, folder: Path) -> Access:
        """The way here."""
        return Access(self.kubeconfig(folder))

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at a path."""
        with self._lock:
            return self._objects.get(path)

    def put(self, collection: str, obj: dict[str, Any]) -> None:
        """Write an object, whatever is there."""
        with self._lock:
            self._keep(f"{collection}/{obj['metadata']['name']}", obj)

    def delete(self, path: str) -> None:
        """Delete an object."""
        with self._lock:
            del self._objects[path]

    def write(self, method: str, path: str, obj: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Do what a client asks; the status and the answer."""
        with self._lock:
            if self.refusing:
                return self.refusing, {"message": "not now"}
            if method == "POST":
                path = f"{path}/{obj['metadata']['name']}"
                if path in self._objects:
                    return 409, {"message": "already exists"}
            else:
                found = self._objects.get(path)
                if found is None:
                    return 404, {"message": "not found"}
                if found["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
                    return 409, {"message": "the object has been modified"}
                obj = _patched(found, obj) if method == "PATCH" else obj
            self.written.append(path)
            return 200, self._keep(path, obj)

    def _keep(self, path: str, obj: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        kept = obj | {"metadata": obj["metadata"] | {"resourceVersion": str(self._version)}}
        self._objects[path] = kept
        return kept


def _patched(found: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A strategic merge of webhooks: by name, and member by member."""
    by_name = {hook["name"]: hook["clientConfig"] for hook in change["webhooks"]}
    hooks = [
        hook | {"clientConfig": hook["clientConfig"] | by_name.get(hook["name"], {})}
        for hook in found["webhooks"]
    ]
    return found | {"webhooks": hooks}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: ObjectApi

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.server_state.clock or timestamp, usegmt=True)

    def do_GET(self) -> None:
        found = self.server_state.get(self.path)
        self._send(200 if found else 404, found or {"message": "not found"})

    def do_POST(self) -> None:
        self._write()

    def do_PUT(self) -> None:
        self._write()

    def do_PATCH(self) -> None:
        self._write()

    def _write(self) -> None:
        body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._send(*self.server_state.write(self.command, self.path, body))

    def _send(self, status: int, obj: object) -> None:
        body = orjson.dumps(obj)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
