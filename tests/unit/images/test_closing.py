"""Connections that are closed while readers that were given up are under way."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme

from elfgate.errors import UnreadableError
from elfgate.images.connections import Connections
from elfgate.images.dial import Dial
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.images.source import Descriptor
from support.oci import image
from support.registry import Answer, Registry
from support.tarball import program, tarball

NAME = "example/app"
APP = image([tarball({"bin/app": program("#!/x\n"), "data": "x" * 90_000})], compression="plain")
LAYER = APP.children[-1]
PATH = f"/v2/{NAME}/blobs/{LAYER.digest}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({NAME: {"1.0": APP}}, ranges=True) as running:
        yield running


def cut_after(first: bytes, began: threading.Event, goes_on: threading.Event) -> Iterator[bytes]:
    yield first
    began.set()
    goes_on.wait(20)


def test_a_reader_under_way_makes_no_connection_after_they_were_closed(registry: Registry) -> None:
    began, goes_on = threading.Event(), threading.Event()
    length = {"Content-Length": str(len(LAYER.data))}
    cut = Answer(200, length, cut_after(LAYER.data[:50_000], began, goes_on))
    registry.answer(PATH, cut, None)
    registries = Registries()
    source = registries.repository(Reference.parse(registry.reference(f"{NAME}:1.0")))
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(source.layer, Descriptor(LAYER.media_type, LAYER.digest))
        assert began.wait(20)
        registries.close()
        goes_on.set()
        with pytest.raises(UnreadableError):
            reading.result(20)
    assert registry.paths() == [PATH]  # it was not asked once more


def test_an_exchange_that_ends_after_they_were_closed_leaves_no_connection(
    registry: Registry,
) -> None:
    began, goes_on = threading.Event(), threading.Event()

    def late() -> Iterator[bytes]:
        began.set()
        goes_on.wait(20)
        yield b"{}"

    registry.answer("/v2/example/app/manifests/1.0", Answer(200, {"Content-Length": "2"}, late()))
    registries = Registries()
    source = registries.repository(Reference.parse(registry.reference(f"{NAME}:1.0")))
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(source.resolve, "1.0")
        assert began.wait(20)
        began_at = time.monotonic()
        registries.close()
        goes_on.set()
        with pytest.raises(UnreadableError):
            asking.result(20)
    assert time.monotonic() - began_at < 10


def test_a_connection_that_is_being_made_while_they_are_closed_is_closed_too() -> None:
    """No pool has it: its handshake takes longer than the closing."""
    certificate = trustme.CA().issue_cert("localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    connected, closed = threading.Event(), threading.Event()
    connections = Connections()

    def serve(server: socket.socket) -> bytes:
        raw, _ = server.accept()
        connected.set()
        assert closed.wait(20)
        with tls.wrap_socket(raw, server_side=True) as client:
            client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            return client.recv(1)

    def ask(port: int) -> bytes:
        url, dial = f"https://127.0.0.1:{port}/", Dial(skip_verify=True)
        with connections.exchange("GET", url, {}, loopback=True, dial=dial) as reply:
            return reply.read()

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(2) as threads:
        serving = threads.submit(serve, server)
        asking = threads.submit(ask, server.getsockname()[1])
        assert connected.wait(20)
        connections.close()
        closed.set()
        assert asking.result(20) == b"{}"
        assert serving.result(20) == b""  # the client has hung up
