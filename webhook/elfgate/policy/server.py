"""Policies evaluated by an OPA server beside this process, over a unix socket.

A socket needs no TLS, no token and no port, and no HTTP proxy of the environment can come between. OPA loads and
verifies its bundle itself; what it answers must be of the revision that is expected of it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from opa_client import AsyncOpaClient

from elfgate.policy.document import Document
from elfgate.policy.engine import EngineError, EngineTimeoutError, accept
from elfgate.policy.verdict import Verdict


class OpaServer:
    """Asks an OPA server.

    Args:
        socket: Where it listens (``--addr unix://SOCKET``).
        revision: The revision of the bundle that it is to have.
        seconds: How long an answer may take, connecting included.
    """

    def __init__(self, socket: Path, *, revision: str, seconds: float = 1.5) -> None:
        self._client = _SocketClient(socket, seconds)
        self._socket = socket
        self._revision = revision

    @property
    def revision(self) -> str:
        """The revision that verdicts must be of."""
        return self._revision

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document.

        Raises:
            EngineError: if there is no verdict that can be trusted. An undefined rule, which OPA answers with 200 and
                ``{}``, is no verdict.
        """
        answer = await self._ask(document.model_dump(mode="json"))
        if not isinstance(answer, dict) or "result" not in answer:
            raise EngineError(
                "OPA has no verdict: data.elfgate.main.verdict is undefined", hint="is its bundle loaded?"
            )
        return accept(answer["result"], self.revision)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close_connection()

    async def _ask(self, document: dict[str, Any]) -> object:
        try:
            await self._client.connected()
            answer: object = await self._client.query_rule(document, "elfgate.main", "verdict")
        except TimeoutError as error:
            raise EngineTimeoutError(f"OPA did not answer within {self._client.timeout} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise EngineError(f"OPA cannot be asked at {self._socket}: {error}") from error
        return answer


class _SocketClient(AsyncOpaClient):  # type: ignore[misc]  # opa_client has no types
    """The client, over a unix socket, and telling what OPA says of an error.

    It does not try again: after a 500, which is OPA's answer to a policy that fails, it would wait for nothing.
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
            json_serialize=lambda value: orjson.dumps(value).decode(),
        )

    @asynccontextmanager
    async def _request(self, method: str, url: str, **kwargs: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        async with super()._request(method, url, **kwargs) as response:
            if response.status != 200:
                raise EngineError(f"OPA answered {response.status}: {await _complaint(response)}")
            yield response


async def _complaint(response: aiohttp.ClientResponse) -> str:
    """What OPA says is wrong, on one line."""
    text = (await response.content.read(65_536)).decode(errors="replace")
    try:
        fault = orjson.loads(text)
        told = [fault["message"], *(detail["message"] for detail in fault.get("errors", []))]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        told = [text]
    return " ".join(" ".join(map(str, told)).split())[:500]
