"""Policies evaluated by an OPA server beside this process, over a unix socket.

A socket needs no TLS, no token and no port, and no HTTP proxy of the environment can come between.
OPA loads and verifies its bundles itself, and may come to have another one at any time: what it
answers must be of a revision that has proved itself on the golden documents.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from opa_client import AsyncOpaClient

from elfgate.policy.active import Told
from elfgate.policy.document import Document
from elfgate.policy.engine import EngineError, EngineTimeoutError, accept
from elfgate.policy.golden import GOOD, prove
from elfgate.policy.verdict import Verdict

_REFUSED_SECONDS = 60.0  # a revision that did not prove itself is not tried again before


def _tell_nobody(_result: str, _what: str) -> None:
    pass


class OpaEngine:
    """Asks an OPA server.

    Args:
        socket: Where it listens (``--addr unix://SOCKET``).
        revision: The revision of the bundle that it is to have first.
        seconds: How long an answer may take, connecting included.
        told: Who is told what came of other revisions that it came to have since.
    """

    def __init__(
        self, socket: Path, *, revision: str, seconds: float = 1.5, told: Told = _tell_nobody
    ) -> None:
        self._client = _SocketClient(socket, seconds)
        self._socket = socket
        self._revision = revision
        self._told = told
        self._refused = ("", 0.0)
        self._proving = asyncio.Lock()

    @property
    def revision(self) -> str:
        """The revision that verdicts are of: the latest that has proved itself."""
        return self._revision

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document.

        Raises:
            EngineError: if there is no verdict that can be trusted. An undefined rule, which OPA
                answers with 200 and ``{}``, is no verdict.
        """
        try:
            result = await self.result(document)
        except EngineTimeoutError:
            raise
        except EngineError:
            await self._look()  # a rule may have failed that came with another bundle
            raise
        await self._notice(result)
        return accept(result, self._revision)

    async def _look(self) -> None:
        """Find out whether OPA has another bundle.

        It is asked of a document that it judges without rules of the user's own.
        """
        with suppress(EngineError):
            await self._notice(await self.result(GOOD))

    async def result(self, document: Document) -> object:
        """OPA's answer as it came, of whatever revision.

        Raises:
            EngineError: if there is none.
        """
        answer = await self._ask(document)
        if not isinstance(answer, dict) or "result" not in answer:
            raise EngineError(
                "OPA has no verdict: data.elfgate.main.verdict is undefined",
                hint="is its bundle loaded?",
            )
        return answer["result"]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close_connection()

    async def _notice(self, result: object) -> None:
        """Let a revision that OPA has come to have prove itself.

        If it does not, the one before stays the right one.
        """
        revision = result.get("revision") if isinstance(result, dict) else None
        if not isinstance(revision, str) or revision == self._revision:
            return
        async with self._proving:
            refused, until = self._refused
            if revision == self._revision or (revision == refused and time.monotonic() < until):
                return
            try:
                await prove(_Revision(self, revision))
            except EngineTimeoutError:
                raise  # which says nothing about the bundle
            except EngineError as error:
                self._refused = (revision, time.monotonic() + _REFUSED_SECONDS)
                self._told("refused", f"{revision}: {error}")
                return
            self._revision = revision
            self._told("activated", revision)

    async def _ask(self, document: Document) -> object:
        try:
            await self._client.connected()
            return await self._client.verdict(document)
        except TimeoutError as error:
            raise EngineTimeoutError(
                f"OPA did not answer within {self._client.timeout} s"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise EngineError(f"OPA cannot be asked at {self._socket}: {error}") from error


class _Revision:
    """A revision that is to prove itself: the server, as long as it answers with that one.

    Args:
        server: Who answers.
        revision: Of which all that it answers must be.
    """

    def __init__(self, server: OpaEngine, revision: str) -> None:
        self._server = server
        self.revision = revision

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document by that revision.

        Raises:
            EngineError: if there is no verdict that can be trusted, or it is of another one.
        """
        return accept(await self._server.result(document), self.revision)

    async def close(self) -> None:
        """The server goes on."""


class _SocketClient(AsyncOpaClient):  # type: ignore[misc]  # opa_client has no types
    """The client, over a unix socket, and telling what OPA says of an error.

    It does not try again: after a 500, which is OPA's answer to a policy that fails, it would wait
    for nothing.
    """

    _session: aiohttp.ClientSession | None

    def __init__(self, socket: Path, seconds: float) -> None:
        super().__init__(host="opa", retries=0, timeout=seconds)
        self._path = socket

    async def connected(self) -> None:
        """Make the session, once: it belongs to the event loop that asks first."""
        if self._session is None:
            await self._init_session()

    async def _init_session(self) -> None:
        self._connector = aiohttp.UnixConnector(path=str(self._path), limit=0)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            timeout=aiohttp.ClientTimeout(total=self.timeout),
            headers={"Content-Type": "application/json"},
        )

    async def verdict(self, document: Document) -> object:
        """OPA's answer.

        Documents of hundreds of containers are written and read faster than the client itself does.

        Raises:
            ValueError: if it is not JSON.
        """
        asked = b'{"input":%b}' % document.json_bytes()
        async with self._request(
            "POST", f"{self.root_url}/data/elfgate/main/verdict", data=asked
        ) as response:
            return orjson.loads(await response.read())

    @asynccontextmanager
    async def _request(
        self, method: str, url: str, **kwargs: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        async with super()._request(method, url, **kwargs) as response:
            if response.status != 200:
                raise EngineError(f"OPA answered {response.status}: {await _complaint(response)}")
            yield response


async def _complaint(response: aiohttp.ClientResponse) -> str:
    """OPA's error, on one line."""
    text = (await response.content.read(65_536)).decode(errors="replace")
    try:
        fault = orjson.loads(text)
        told = [fault["message"], *(detail["message"] for detail in fault.get("errors", []))]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        told = [text]
    return " ".join(" ".join(map(str, told)).split())[:500]
