"""An HTTP server on loopback that plays a part of an API server, as long as a context lasts."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson

from support.background import Background


class Loopback(Background):
    """A context manager.

    Args:
        handler: Answers requests.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    def work(self) -> None:
        """Serve."""
        with self._server:
            self._server.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        """Serve no longer."""
        self._server.shutdown()

    def kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig that leads here."""
        config = {
            "clusters": [
                {
                    "name": "lab",
                    "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"},
                }
            ],
            "users": [{"name": "me", "user": {"token": "x"}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
            "current-context": "lab",
        }
        path = folder / "kubeconfig"
        path.write_bytes(orjson.dumps(config))
        return path
