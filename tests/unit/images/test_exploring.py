"""Whoever names an address learns nothing of what is there: listeners of this machine, asked for real."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.api import Api
from elfgate.images.connections import Connections
from elfgate.images.dial import Dial
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries, RegistryOptions
from support.background import Background
from support.registry import Answer
from support.registry import Registry as RegistryServer


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_server((host, 0)) as listener:
        yield listener


class Speaking(Background):
    """Answers whoever connects with bytes that are no HTTP, then hangs up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def work(self) -> None:
        try:
            while True:
                peer, _ = self._listener.accept()
                with peer:
                    peer.recv(1 << 16)
                    peer.sendall(self._data)
        except OSError:
            pass

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def asked(port: int, dial: Dial) -> str:
    """The words for what comes of asking 127.0.0.1 at a port, without the port."""
    connections = Connections(connect_seconds=0.5, read_seconds=0.5)
    try:
        with (
            pytest.raises(UnreadableError) as raised,
            connections.exchange(
                "GET", f"http://127.0.0.1:{port}/", {}, loopback=True, dial=dial
            ) as reply,
        ):
            reply.read()
    finally:
        connections.close()
    assert raised.value.reason is UnknownReason.REGISTRY_UNREACHABLE
    return str(raised.value).replace(str(port), "PORT")


def every_way(ask: Callable[[int], str]) -> set[str]:
    """The words for a closed port, a silent one, and two that speak something else."""
    with listening() as closed:
        port = closed.getsockname()[1]
    said = {ask(port)}
    with listening() as silent:
        said.add(ask(silent.getsockname()[1]))
    for data in (b"SSH-2.0-OpenSSH_9.6\r\n", b""):
        with Speaking(data) as speaking:
            said.add(ask(speaking.port))
    return said


def test_every_failure_at_an_address_within_reads_the_same() -> None:
    assert every_way(lambda port: asked(port, Dial())) == {"127.0.0.1:PORT cannot be reached"}


def test_whoever_runs_the_machine_is_told_what_went_wrong() -> None:
    assert len(every_way(lambda port: asked(port, Dial(own=True)))) > 2


def own_address() -> str:
    """An address of an interface of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(("203.0.113.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("needs an interface besides loopback, with a route")
        return str(way.getsockname()[0])


def test_this_machines_own_interfaces_are_not_asked() -> None:
    address = own_address()
    with listening(address) as listener:
        host = f"{address}:{listener.getsockname()[1]}"
        registries = Registries(options=RegistryOptions(loopback=False, plain_http=frozenset()))
        with pytest.raises(UnreadableError, match="is not contacted"):
            registries.repository(Reference.parse(f"{host}/example/app")).resolve("1.0")
        registries.close()
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):  # nobody has come
            listener.accept()


def redirected(registry: RegistryServer, port: int) -> str:
    """The words for what comes of a registry that sends its clients to a port of 127.0.0.1."""
    location = {"Location": f"http://127.0.0.1:{port}/admin?secret"}
    registry.answer("/v2/example/app/manifests/1.0", Answer(307, headers=location))
    connections = Connections(connect_seconds=0.5, read_seconds=0.5)
    api = Api(
        f"http://{registry.host}/v2/example/app/", "example/app", None, connections, loopback=True
    )
    try:
        with pytest.raises(UnreadableError) as raised, api.get("manifests/1.0", "it"):
            pass
    finally:
        connections.close()
    return f"{raised.value} ({raised.value.reason})".replace(str(port), "PORT")


def test_a_status_of_a_place_that_a_registry_names_is_not_told() -> None:
    said = set()
    with RegistryServer({}) as registry:
        for status in (b"404 Not Found", b"500 Oops", b"418 Teapot", b"302 Found"):
            answer = b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status
            with Speaking(answer) as speaking:
                said.add(redirected(registry, speaking.port))
        with listening() as closed:
            port = closed.getsockname()[1]
        said.add(redirected(registry, port))
    assert said == {"127.0.0.1:PORT cannot be reached (registry_unreachable)"}
