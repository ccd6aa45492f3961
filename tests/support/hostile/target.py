"""What is attacked, as a process of its own sees it, and the means to ask it things."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

STRANGER = "127.0.0.2"  # the attacker's address; who else asks does so from 127.0.0.1


@dataclass(frozen=True)
class Target:
    """The replicas, and what an attacker has prepared.

    Attributes:
        ports: Of the replicas, on 127.0.0.1.
        ca: The file of their authority.
        images: References of images that were prepared, by name.
    """

    ports: tuple[int, ...]
    ca: str
    images: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``write`` has written."""
        fields = json.loads(path.read_text())
        return cls(tuple(fields["ports"]), fields["ca"], fields["images"])

    def write(self, path: Path) -> None:
        """Write it for another process."""
        path.write_text(json.dumps(asdict(self)))

    def trust(self) -> ssl.SSLContext:
        """A client's context."""
        return ssl.create_default_context(cafile=self.ca)


class Line:
    """A connection to a replica, over TLS or before that.

    Args:
        reader: What comes.
        writer: What goes.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(
        cls, port: int, context: ssl.SSLContext | None, source: str = STRANGER
    ) -> "Line":
        """Connect; without a context, no handshake is begun."""
        streams = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, local_addr=(source, 0), limit=1 << 20
        )
        return cls(*streams)

    async def send(self, data: bytes) -> None:
        """Send some bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def post(self, body: bytes, path: str = "/validate?timeout=5s") -> dict[str, Any]:
        """Ask for a review's answer.

        Raises:
            OSError: if the connection ends instead, or another status comes.
        """
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        await self.send(head.encode() + body)
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        """The response to a review.

        Raises:
            OSError: if there is none.
        """
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("no answer") from error
        length = int(head.partition("content-length:")[2].split()[0])
        body = await self._reader.readexactly(length)
        if not head.startswith("http/1.1 200"):
            raise ConnectionRefusedError(head.partition("\r\n")[0])
        response: dict[str, Any] = json.loads(body)["response"]
        return response

    def drop(self) -> None:
        """Close at once."""
        with suppress(OSError):
            self._writer.transport.abort()
