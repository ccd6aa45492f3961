"""Signs that a program is ready: it answers on a port, or writes a word.

Source: the kubelet's probes (a connection for ``tcpSocket``; a status from 200 to 399 for
``httpGet``).
"""

import re
import socket
from dataclasses import dataclass
from typing import Self

_SECONDS = 1.0
_FORM = re.compile(r"(?P<kind>tcp|http):(?P<port>[0-9]{1,5})(?P<path>/[^\s]*)?|log:(?P<text>.+)")
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_LINE = 1024
_BOTH = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


@dataclass(frozen=True, slots=True)
class Probe:
    """One sign.

    Attributes:
        kind: ``tcp``, ``http`` or ``log``.
        port: Where it answers; 0 for ``log``.
        path: What is asked for by HTTP.
        text: What it writes.
    """

    kind: str
    port: int = 0
    path: str = "/"
    text: str = ""

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read ``tcp:PORT``, ``http:PORT[/PATH]`` or ``log:TEXT``.

        Raises:
            ValueError: if it is none of them.
        """
        match = _FORM.fullmatch(written)
        if match is None or (match["kind"] == "tcp" and match["path"]):
            raise ValueError(f"{written!r} is not tcp:PORT, http:PORT/PATH or log:TEXT")
        if match["text"]:
            return cls("log", text=match["text"])
        if not 0 < int(match["port"]) < 1 << 16:
            raise ValueError(f"{match['port']} is not a port")
        return cls(match["kind"], int(match["port"]), match["path"] or "/")

    def answers(self) -> bool:
        """Tell whether it answers now, on this network namespace's loopback interface."""
        return bool(self.port) and any(self._answers(family, host) for family, host in _BOTH)

    def _answers(self, family: socket.AddressFamily, host: str) -> bool:
        try:
            with socket.socket(family) as connection:
                connection.settimeout(_SECONDS)
                connection.connect((host, self.port))
                return self.kind == "tcp" or _is_well(connection, self.path)
        except OSError:
            return False


def _is_well(connection: socket.socket, path: str) -> bool:
    """Ask by HTTP/1.0, whose whole answer need not be read."""
    request = f"GET {path} HTTP/1.0\r\nHost: localhost\r\nUser-Agent: elfgate\r\n\r\n"
    connection.sendall(request.encode())
    with connection.makefile("rb") as answer:
        status = _STATUS.match(answer.readline(_LINE))
    return status is not None and 200 <= int(status[1]) < 400
