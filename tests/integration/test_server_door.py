"""What one client may cost: heads, handshakes, connections and bytes have an end, and others are served meanwhile."""

import asyncio
import json
import socket
import threading
import time
from contextlib import suppress

import pytest
from uvicorn.protocols.http import auto
from uvicorn.protocols.http.h11_impl import H11Protocol

from elfgate.server import descriptors, doorway, line, reviews
from elfgate.server.protocol import HEAD_BYTES
from elfgate.server.tls import Certificate
from elfgate.server.visitor import Visitor
from support.serving import (
    REVIEW,
    UID,
    Answer,
    Body,
    Judging,
    Pki,
    Server,
    against,
    answer,
    until_metric,
)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
BODY = json.dumps(REVIEW).encode()


@pytest.fixture(params=["httptools", "h11"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "h11":
        monkeypatch.setattr(auto, "AutoHTTPProtocol", H11Protocol)
    return str(request.param)


async def connect(server: Server, pki: Pki, source: str = "127.0.0.1") -> Streams:
    return await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=pki.trusting(), local_addr=(source, 0)
    )


async def status(reader: asyncio.StreamReader) -> int:
    """The status of the next answer; 0 if the connection ends instead."""
    with suppress(OSError):
        line = await asyncio.wait_for(reader.readline(), 10)
        return int(line.split()[1]) if line else 0
    return 0


async def reset(streams: Streams) -> None:
    """Leave without a word."""
    streams[1].transport.abort()
    await asyncio.sleep(0)


def head(length: int, *fields: str, path: str = "/validate?timeout=5s") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {length}", *fields, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.usefixtures("parser")
def test_a_head_without_end_is_refused(pki: Pki) -> None:
    async def check(server: Server) -> None:
        streams = await connect(server, pki)
        streams[1].write(b"GET /healthz HTTP/1.1\r\nx: ")
        for _ in range(1 + HEAD_BYTES // 1024):
            streams[1].write(b"y" * 1024)
            await asyncio.sleep(0)
        assert await status(streams[0]) == 431
        await reset(streams)

    against(pki, check)


@pytest.mark.usefixtures("parser")
def test_a_large_head_is_refused_though_it_comes_whole(pki: Pki) -> None:
    async def check(server: Server) -> None:
        streams = await connect(server, pki)
        streams[1].write(head(len(BODY), "x: " + "y" * 2 * HEAD_BYTES) + BODY)
        assert await status(streams[0]) == 431
        await reset(streams)

    against(pki, check)


@pytest.mark.usefixtures("parser")
def test_empty_lines_without_end_are_refused(pki: Pki) -> None:
    async def check(server: Server) -> None:
        streams = await connect(server, pki)
        streams[1].write(b"\r\n" * HEAD_BYTES)
        assert await status(streams[0]) in {400, 431}
        await reset(streams)

    against(pki, check)


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 60, 200])
def test_a_large_review_may_follow_its_head_in_any_pieces(pki: Pki, cut: int) -> None:
    async def check(server: Server) -> None:
        large = json.dumps({**REVIEW, "filler": "x" * 100_000}).encode()
        start = head(len(large))
        whole = start + large
        streams = await connect(server, pki)
        at = len(start) - cut
        streams[1].write(whole[:at])
        await streams[1].drain()
        await asyncio.sleep(0.02)
        streams[1].write(whole[at:])
        assert await status(streams[0]) == 200
        await reset(streams)

    against(pki, check)


@pytest.mark.usefixtures("parser")
def test_half_a_head_is_given_up_after_a_while(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(doorway, "SWEEP_SECONDS", 0.05)

    async def check(server: Server) -> None:
        streams = await connect(server, pki)
        streams[1].write(b"GET /healthz HTTP/1.1\r\nhost:")
        assert await status(streams[0]) == 408
        assert 'elfgate_connections_refused_total{cause="head"} 1.0' in await metrics(server)
        await reset(streams)

    against(pki, check)


def test_a_handshake_that_does_not_end_is_given_up(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "HANDSHAKE_SECONDS", 0.1)

    async def check(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"\x16\x03\x01\x02\x00\x01")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        assert 'elfgate_connections_refused_total{cause="handshake"} 1.0' in await metrics(server)

    against(pki, check)


def test_one_client_gets_half_of_the_connections_and_its_idle_ones_make_way(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "IDLE_SECONDS", 0.0)

    async def judge(body: bytes, _deadline: float) -> Answer:
        await leave.wait()
        return answer(body)

    async def check(server: Server) -> None:
        flood = [await connect(server, pki, "127.0.0.2") for _ in range(8)]
        for streams in flood:
            streams[1].write(head(len(BODY)) + BODY)
        await until_metric(server, "elfgate_reviews_in_flight 8.0")
        waiting = asyncio.create_task(connect(server, pki, "127.0.0.2"))
        assert (await server.client.get("/healthz")).status_code == 200
        await until_metric(server, "elfgate_connections 10.0")
        assert not waiting.done()  # all of its own are busy
        leave.set()
        assert [await status(streams[0]) for streams in flood] == [200] * 8
        another = await waiting  # they are idle now
        another[1].write(head(len(BODY)) + BODY)
        assert await status(another[0]) == 200
        for streams in (*flood, another):
            await reset(streams)

    leave = asyncio.Event()
    against(pki, check, judge=Judging(judge), listen={"connections": 17})


def test_a_connection_too_many_to_wait_is_refused(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "WAITING", 1)

    async def check(server: Server) -> None:
        flood = [
            await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.2", 0))
            for _ in range(20)
        ]
        await until_metric(server, 'elfgate_connections_refused_total{cause="room"}')
        assert (await server.client.get("/healthz")).status_code == 200
        for streams in flood:
            await reset(streams)

    against(pki, check, listen={"connections": 8})


def test_a_client_that_has_enough_connections_waits_where_more_comes_than_can_be_judged(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "HURRIED_SECONDS", 60.0)
    greeted: asyncio.Queue[str] = asyncio.Queue()

    class Greeter(asyncio.Protocol):
        busy = False

        def __init__(self, visitor: Visitor) -> None:
            self._visitor = visitor

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._visitor.speaker = self
            self._transport = transport
            greeted.put_nowait(self._visitor.peer)

        def hang_up(self) -> None:
            self._transport.close()

        def refuse(self, status: int) -> None:
            raise AssertionError(status)

    async def hello(port: int, source: str) -> Streams:
        context, address = pki.trusting(), (source, 0)
        return await asyncio.open_connection("127.0.0.1", port, ssl=context, local_addr=address)

    async def check() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        entrance = doorway.Doorway(
            listener,
            Certificate(pki.certificate, pki.key).context,
            Greeter,
            most=256,
            most_waiting=256,
            idle_seconds=60.0,
            turned_away=lambda _cause: None,
            press=lambda _clients: None,
            hurried=lambda: bool(hurry),
        )
        port = listener.getsockname()[1]
        flood = [asyncio.create_task(hello(port, "127.0.0.2")) for _ in range(doorway.ENOUGH + 4)]
        first = [await greeted.get() for _ in range(doorway.ENOUGH)]
        other = await hello(port, "127.0.0.3")
        assert [*first, await greeted.get()] == ["127.0.0.2"] * doorway.ENOUGH + ["127.0.0.3"]
        hurry.clear()
        assert [await greeted.get() for _ in range(4)] == ["127.0.0.2"] * 4
        for streams in (other, *await asyncio.gather(*flood)):
            await reset(streams)
        entrance.close()

    hurry = [True]
    asyncio.run(asyncio.wait_for(check(), 30))


def test_of_a_flood_most_reviews_are_answered_unread(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STANDS_SECONDS", "STANDING_SECONDS"):
        monkeypatch.setattr(line, name, 0.0)
    monkeypatch.setattr(line, "FEW_KNOWN", 1.0)
    read: list[bytes] = []

    class Slow(Judging):
        def read(self, body: bytes) -> Body:
            read.append(body)
            if len(read) == 12:
                stands.set()
            return super().read(body)

    async def judge(body: bytes, _deadline: float) -> Answer:
        time.sleep(0.02)  # noqa: ASYNC251  # as the policies do
        return answer(body)

    async def check(server: Server) -> None:
        flood = [await connect(server, pki) for _ in range(60)]
        for number, streams in enumerate(flood):
            if number == 12:
                await stands.wait()
            body = written(f"u{number}")
            streams[1].write(head(len(body)) + body)
        uids = [await answered(streams[0]) for streams in flood]
        assert uids == [f"u{number}" for number in range(60)]
        assert len(read) < 60
        await until_metric(server, 'elfgate_failures_total{cause="overload"}')
        flood[0][1].write(head(len(BODY)) + BODY)  # it is read as any other
        assert await answered(flood[0][0]) == UID
        for streams in flood:
            await reset(streams)

    stands = asyncio.Event()
    against(pki, check, judge=Slow(judge))


def written(uid: str) -> bytes:
    """A review as an API server writes it."""
    request = {"uid": uid, "namespace": "shop", "operation": "CREATE", "object": {}}
    review = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
    return json.dumps(review, separators=(",", ":")).encode()


async def answered(reader: asyncio.StreamReader) -> str:
    """The uid of the next answer."""
    start = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = int(start.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return str(json.loads(await reader.readexactly(length))["response"]["uid"])


def test_half_handshakes_make_way_for_another_client(pki: Pki) -> None:
    async def check(server: Server) -> None:
        flood = [
            await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.2", 0))
            for _ in range(20)
        ]
        assert (await server.review()).status_code == 200
        for streams in flood:
            await reset(streams)

    against(pki, check, listen={"connections": 8})


def test_bytes_are_counted_before_they_are_read(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "BODIES_BYTES", 100_000)

    async def check(server: Server) -> None:
        flood = [await connect(server, pki, "127.0.0.2") for _ in range(5)]
        for streams in flood[:4]:
            streams[1].write(head(12_500) + b"{")
        await until_metric(server, "elfgate_review_bytes 50000.0")
        flood[4][1].write(head(12_500) + b"{")
        assert await status(flood[4][0]) == 503
        assert (await server.review()).status_code == 200
        for streams in flood:
            await reset(streams)
        await until_metric(server, "elfgate_review_bytes 0.0")
        await until_metric(server, 'elfgate_failures_total{cause="room"} 1.0')

    against(pki, check, body_bytes=12_500)


def test_bytes_that_are_not_announced_are_counted_as_they_come(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "BODIES_BYTES", 4800)
    start = b"POST /validate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"

    async def check(server: Server) -> None:
        flood = [await connect(server, pki, "127.0.0.2") for _ in range(5)]
        for streams in flood[:4]:
            streams[1].write(start + b"%x\r\n%b\r\n" % (600, b" " * 600))
        await until_metric(server, "elfgate_review_bytes 2400.0")
        flood[4][1].write(start + b"%x\r\n%b\r\n" % (300, b" " * 300))
        assert await status(flood[4][0]) == 503
        for streams in flood:
            await reset(streams)

    against(pki, check, body_bytes=600)


def test_a_body_that_trickles_is_given_up_whatever_its_deadline(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "BODY_SECONDS", 0.1)

    async def check(server: Server) -> None:
        streams = await connect(server, pki)
        streams[1].write(head(100, path="/validate?timeout=30s") + b"{")
        assert await status(streams[0]) == 408
        await reset(streams)

    against(pki, check)


@pytest.mark.usefixtures("parser")
def test_requests_behind_one_another_have_an_end(pki: Pki) -> None:
    async def check(server: Server) -> None:
        streams = await connect(server, pki)
        streams[1].write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 5000)
        assert await status(streams[0]) in {200, 400}
        await reset(streams)
        assert (await server.review()).json()["response"]["uid"] == UID

    against(pki, check)


def test_a_reviews_deadline_counts_from_when_the_kernel_had_it(pki: Pki) -> None:
    left: list[float] = []
    stalled = threading.Event()

    @Judging
    async def judge(body: bytes, deadline: float) -> Answer:
        left.append(deadline)
        return answer(body)

    def stall() -> None:
        stalled.set()
        time.sleep(0.6)

    def ask(port: int, loop: asyncio.AbstractEventLoop) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            pki.trusting().wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            loop.call_soon_threadsafe(stall)
            stalled.wait()
            connection.sendall(head(len(BODY)) + BODY)
            return connection.recv(65536)

    async def check(server: Server) -> None:
        loop = asyncio.get_running_loop()
        assert b"200 OK" in await asyncio.to_thread(ask, server.port, loop)

    against(pki, check, judge=judge)
    assert left[0] <= 4.2  # of 5 seconds, less the margin, less what was stalled


async def metrics(server: Server) -> str:
    return (await server.client.get("/metrics")).text
