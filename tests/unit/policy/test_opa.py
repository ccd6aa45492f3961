"""What an OPA server that is ill, slow or absent says is a failure, and told as one."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from elfgate.policy.engine import EngineError
from elfgate.policy.opa import OpaEngine
from support.documents import pod

ASKED = b"POST /v1/data/elfgate/main/verdict HTTP/1.1\r\n"


@pytest.fixture
def socket() -> Iterator[Path]:
    """Where a server may listen: a unix socket's path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="opa") as folder:
        yield Path(folder) / "opa.sock"


@asynccontextmanager
async def answering(socket: Path, answer: bytes | None) -> AsyncIterator[list[bytes]]:
    """Listen, and answer each request with these bytes; with none, never."""
    asked: list[bytes] = []
    done = asyncio.Semaphore(0)

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n"))
        if answer is None:
            await reader.read()  # until the client gives up
        else:
            writer.write(answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        done.release()

    async with await asyncio.start_unix_server(answered, socket):
        yield asked
    for _ in asked:
        await done.acquire()


def http(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
    return head.encode() + b"\r\n\r\n" + body


async def ask(socket: Path, *, seconds: float = 10) -> None:
    engine = OpaEngine(socket, revision="r", seconds=seconds)
    try:
        await engine.evaluate(pod())
    finally:
        await engine.close()


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (http("200 OK", b"{}"), "data.elfgate.main.verdict is undefined: is its bundle loaded?"),
        (http("200 OK", b"[]"), "data.elfgate.main.verdict is undefined"),
        (http("200 OK", b'{"result": {}}'), "is no verdict: version: Field required"),
        (http("200 OK", b'{"result": {"version": 0}}'), "is no verdict"),
        (
            http(
                "200 OK",
                b'{"result": {"version": 1, "revision": "r", "allowed": "yes", "denials": [], "warnings": []}}',
            ),
            "is no verdict: allowed",
        ),
        (http("200 OK", b"{"), "cannot be asked at .*/opa.sock"),
        (
            http(
                "500 Internal Server Error",
                b'{"code": "x", "message": "it failed", "errors": [{"message": "here"}]}',
            ),
            "OPA answered 500: it failed here",
        ),
        (http("401 Unauthorized", b"no\nJSON"), "OPA answered 401: no JSON"),
        (b"SSH-2.0-OpenSSH\r\n", "cannot be asked at"),
        (b"", "cannot be asked at"),
    ],
)
def test_a_bad_answer_is_a_failure(socket: Path, answer: bytes, complaint: str) -> None:
    async def asked() -> list[bytes]:
        async with answering(socket, answer) as requests:
            with pytest.raises(EngineError, match=complaint) as told:
                await ask(socket)
            assert "\n" not in str(told.value)
            return requests

    # Once: nothing is asked again. Then a known document, to see whether another bundle is why.
    assert asyncio.run(asked()) in ([ASKED], [ASKED, ASKED])


def test_an_answer_of_another_revision_is_a_failure_until_that_has_proved_itself(
    socket: Path,
) -> None:
    other = b'{"result": {"version": 1, "revision": "other", "allowed": true, "denials": [], "warnings": []}}'

    async def asked() -> list[bytes]:
        async with answering(socket, http("200 OK", other)) as requests:
            engine = OpaEngine(socket, revision="r")
            for _ in range(2):
                with pytest.raises(EngineError, match="of revision 'other', not 'r'"):
                    await engine.evaluate(pod())
            await engine.close()
            return requests

    # The document, two known ones of which the second is judged wrongly, and the document again.
    assert asyncio.run(asked()) == [ASKED] * 4


def test_an_answer_that_does_not_come_is_a_failure(socket: Path) -> None:
    async def asked() -> None:
        async with answering(socket, None):
            with pytest.raises(EngineError, match=r"OPA did not answer within 0.05 s"):
                await ask(socket, seconds=0.05)

    asyncio.run(asked())


def test_a_server_that_is_not_there_is_a_failure(socket: Path) -> None:
    with pytest.raises(EngineError, match=r"OPA cannot be asked at .*/opa.sock"):
        asyncio.run(ask(socket))


def test_a_proxy_of_the_environment_does_not_come_between(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")

    async def asked() -> list[bytes]:
        async with answering(socket, http("200 OK", b"{}")) as requests:
            with pytest.raises(EngineError, match="undefined"):
                await ask(socket)
            return requests

    assert len(asyncio.run(asked())) == 2
