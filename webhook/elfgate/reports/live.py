"""A page, served to this machine only.

It listens on loopback, answers GET and HEAD of one path, changes nothing and keeps nothing. A page
of somebody else's cannot read it through a name of its own (DNS rebinding): the Host header has to
be this very address. Source: RFC 9110, section 7.2 (Host) and 15.5 (client errors).
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

from elfgate.errors import ElfgateError

LOOPBACK = "127.0.0.1"
_FRESH_SECONDS = 5.0  # a page that is so young is shown again
_PATIENCE_SECONDS = 5.0  # for a client to say what it wants
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Live(HTTPServer):
    """Serves a page that is made when it is asked for.

    One client is served after the other: it is one person's.

    Args:
        port: Where to listen; 0 for any that is free.
        make: Makes the page.

    Raises:
        OSError: if the port cannot be had.
    """

    def __init__(self, port: int, make: Callable[[], str]) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self._make = make
        self._made = b""
        self._until = 0.0

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def is_own(self, host: str) -> bool:
        """Tell whether a Host header is this server's address."""
        return host.lower() in {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}

    def page(self) -> bytes:
        """The page, made anew unless it is young.

        Raises:
            ElfgateError: if it cannot be made.
        """
        if time.monotonic() >= self._until:
            self._made = self._make().encode()
            self._until = time.monotonic() + _FRESH_SECONDS
        return self._made


class _Handler(BaseHTTPRequestHandler):
    """Answers one client."""

    server: Live
    timeout = _PATIENCE_SECONDS
    server_version = "elfgate"
    sys_version = ""

    def do_GET(self) -> None:
        """Send the page."""
        status, kind, body = self._answer()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the standard library's name

    def _answer(self) -> tuple[HTTPStatus, str, bytes]:
        if not self.server.is_own(self.headers.get("Host", "")):
            return HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"this is not the host asked for\n"
        if self.path != "/":
            return HTTPStatus.NOT_FOUND, "text/plain", b"there is one page: /\n"
        try:
            return HTTPStatus.OK, "text/html", self.server.page()
        except ElfgateError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", f"{error}\n".encode()

    # The standard library's.
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: a person looks at the page, not at the terminal."""
