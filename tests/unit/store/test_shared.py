"""What is particular to the store on a Valkey or Redis server: a real one, which goes away."""

import multiprocessing
import multiprocessing.synchronize
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from elfgate.errors import InputError
from elfgate.store import shared
from elfgate.store.address import parse
from elfgate.store.protocol import Kind, StoreError
from elfgate.store.shared import ValkeyStore
from support import valkey

DIGEST = "sha256:" + "a" * 64


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server(tmp_path: Path) -> Iterator[valkey.Server]:
    with valkey.server(tmp_path) as running:
        yield running


def test_a_server_that_went_away_is_a_store_that_keeps_nothing_until_it_is_back(
    server: valkey.Server,
) -> None:
    clock = Clock()
    with closing(ValkeyStore(parse(server.url), clock=clock)) as store:
        store.put(Kind.LAYER, DIGEST, b"index")
        server.stop()
        assert store.get(Kind.LAYER, DIGEST) is None
        store.put(Kind.LAYER, DIGEST, b"index")
        store.tag("docker.io/example/app", "1", DIGEST)
        assert list(store.tags("docker.io/example/app")) == []
        assert list(store.facts(Kind.LAYER)) == []
        server.start()
        clock.now += 1.5
        store.put(Kind.LAYER, DIGEST, b"index")
        assert store.get(Kind.LAYER, DIGEST) == b"index"


def test_a_server_that_is_gone_is_asked_ever_more_seldom(server: valkey.Server) -> None:
    clock = Clock()
    with closing(ValkeyStore(parse(server.url), clock=clock)) as store:
        server.stop()
        failures = []
        for _ in range(64):
            store.get(Kind.LAYER, DIGEST)
            failures.append(store._failures)
            clock.now += 1
    asked = [
        second for second in range(64) if second == 0 or failures[second] > failures[second - 1]
    ]
    assert asked == [0, 1, 3, 7, 15, 31, 61]


def test_a_server_that_stays_away_is_told_of_once(
    server: valkey.Server, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    with closing(ValkeyStore(parse(server.url), clock=clock)) as store:
        for away in (1, 2):
            server.stop()
            for _ in range(3):
                assert store.get(Kind.LAYER, DIGEST) is None
                clock.now += 60
            assert len(caplog.records) == away
            server.start()
            store.put(Kind.LAYER, DIGEST, b"index")
            assert store.get(Kind.LAYER, DIGEST) == b"index"


def test_a_restarted_server_costs_no_miss(server: valkey.Server) -> None:
    with closing(ValkeyStore(parse(server.url))) as store:
        store.put(Kind.LAYER, DIGEST, b"index")
        server.stop()
        server.start()
        store.put(Kind.LAYER, DIGEST, b"index")
        assert store.get(Kind.LAYER, DIGEST) == b"index"
        assert store._failures == 0


def test_a_server_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = parse(f"valkey://127.0.0.1:{silent.getsockname()[1]}")
        with closing(ValkeyStore(address, clock=Clock())) as store:
            for _ in range(50):
                assert store.get(Kind.LAYER, DIGEST) is None
            assert store._failures == 1


def test_what_is_no_such_server_is_a_store_that_keeps_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with closing(
            ValkeyStore(parse(f"redis://127.0.0.1:{listening.getsockname()[1]}"), clock=Clock())
        ) as store:
            assert store.get(Kind.LAYER, DIGEST) is None
            assert store._failures == 1
        thread.join()


def test_a_full_server_drops_what_is_put_and_answers_on(tmp_path: Path) -> None:
    with (
        valkey.server(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as server,
        closing(ValkeyStore(parse(server.url))) as store,
    ):
        store.put(Kind.LAYER, DIGEST, b"index")
        for number in range(8):
            store.put(Kind.LAYER, f"sha256:{number:064x}", bytes(1_000_000))
        assert store.get(Kind.LAYER, DIGEST) == b"index"
        assert store.get(Kind.LAYER, f"sha256:{7:064x}") is None
        assert store.statistics()["failures"] > 0


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "volatile-ttl"])
def test_a_server_that_evicts_takes_what_is_new(tmp_path: Path, policy: str) -> None:
    with (
        valkey.server(tmp_path, "--maxmemory", "5mb", "--maxmemory-policy", policy) as server,
        closing(ValkeyStore(parse(server.url))) as store,
    ):
        for number in range(12):
            store.put(Kind.LAYER, f"sha256:{number:064x}", bytes(1_000_000))
            assert store.get(Kind.LAYER, f"sha256:{number:064x}") == bytes(1_000_000)
        assert store.statistics()["failures"] == 0


def test_what_others_wrote_under_our_keys_is_no_fact(server: valkey.Server) -> None:
    with server.client() as client, closing(ValkeyStore(parse(server.url))) as store:
        client.set(f"elfgate:{Kind.LAYER}:{DIGEST}", b"2 a later form")
        assert store.get(Kind.LAYER, DIGEST) is None
        client.delete(f"elfgate:{Kind.LAYER}:{DIGEST}")
        client.lpush(f"elfgate:{Kind.LAYER}:{DIGEST}", b"a list")
        assert store.get(Kind.LAYER, DIGEST) is None


def test_a_lease_is_granted_to_one_at_a_time(server: valkey.Server) -> None:
    with (
        closing(ValkeyStore(parse(server.url))) as one,
        closing(ValkeyStore(parse(server.url))) as other,
    ):
        assert one.claim(DIGEST)
        assert not other.claim(DIGEST)
        assert other.claim("sha256:something else")
        one.release(DIGEST)
        assert other.claim(DIGEST)
        one.release(DIGEST)  # it is not its own any longer
        assert not one.claim(DIGEST)


def test_a_lease_is_renewed_while_its_holder_lives(server: valkey.Server) -> None:
    with (
        closing(ValkeyStore(parse(server.url), lease_seconds=3)) as store,
        server.client() as client,
    ):
        store.claim(DIGEST)
        left = [client.pttl(f"elfgate:lease:{DIGEST}")]
        while left[-1] <= left[0]:
            assert left[-1] > 0, "it expired"
            left = [min(left), client.pttl(f"elfgate:lease:{DIGEST}")]


def test_closing_gives_leases_back(server: valkey.Server) -> None:
    one = ValkeyStore(parse(server.url))
    one.claim(DIGEST)
    one.close()
    with closing(ValkeyStore(parse(server.url))) as other:
        assert other.claim(DIGEST)


def _hold(url: str, held: "multiprocessing.synchronize.Event") -> None:
    ValkeyStore(parse(url), lease_seconds=2).claim(DIGEST)
    held.set()
    time.sleep(60)


def test_the_lease_of_one_who_died_expires(server: valkey.Server) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=_hold, args=(server.url, held), daemon=True)
    process.start()
    assert held.wait(60)
    with closing(ValkeyStore(parse(server.url))) as other:
        assert not other.claim(DIGEST)
        process.kill()
        process.join()
        until = time.monotonic() + 20
        while not other.claim(DIGEST):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_without_a_server_everyone_may_do_the_work() -> None:
    with closing(ValkeyStore(parse("unix:///nowhere/valkey.sock"))) as store:
        assert store.claim(DIGEST)
        store.release(DIGEST)
        assert store.claim(DIGEST)


def test_checking_a_server_that_is_not_there_says_so_without_the_password() -> None:
    with (
        closing(ValkeyStore(parse("valkey://me:secret@127.0.0.1:1/3"))) as store,
        pytest.raises(
            StoreError, match=r"the store valkey://127\.0\.0\.1:1/3 cannot be used"
        ) as caught,
    ):
        store.check()
    assert "secret" not in str(caught.value)


def test_a_password_is_asked_for_and_given(tmp_path: Path) -> None:
    with valkey.server(tmp_path) as server:
        with server.client() as client:
            client.config_set("requirepass", "s3cret")
        with closing(ValkeyStore(parse(server.url))) as store:
            store.put(Kind.LAYER, DIGEST, b"index")
            assert store.get(Kind.LAYER, DIGEST) is None
        with closing(ValkeyStore(parse(server.url, password="s3cret"))) as store:
            store.put(Kind.LAYER, DIGEST, b"index")
            assert store.get(Kind.LAYER, DIGEST) == b"index"


def test_a_user_with_few_rights_suffices(server: valkey.Server) -> None:
    rights = "on >pw ~elfgate:* +@read +@write +@scripting +@transaction +@connection"
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "elfgate", *rights.split())
    address = parse(server.url.replace("unix://", "unix://elfgate:pw@"))
    with closing(ValkeyStore(address)) as store:
        store.check()
        store.put(Kind.LAYER, DIGEST, b"index")
        store.tag("docker.io/example/app", "1", DIGEST)
        assert store.claim(DIGEST)
        store.release(DIGEST)
        assert store.claim(DIGEST)
        assert dict(store.facts(Kind.LAYER)) == {DIGEST: b"index"}
        assert store.tags("docker.io/example/app") == [("1", DIGEST)]
        assert store.statistics()["failures"] == 0


@pytest.mark.parametrize(
    ("url", "shown", "expected"),
    [
        ("redis://cache", "redis://cache", {"host": "cache", "port": 6379, "db": 0, "ssl": False}),
        (
            "valkeys://a:b%40@[::1]:7000/2",
            "valkeys://[::1]:7000/2",
            {"host": "::1", "db": 2, "password": "b@"},
        ),
        (
            "unix:///run/valkey.sock",
            "unix:///run/valkey.sock",
            {"unix_socket_path": "/run/valkey.sock"},
        ),
    ],
)
def test_a_url_says_where_the_server_is(url: str, shown: str, expected: dict[str, object]) -> None:
    address = parse(url)
    assert str(address) == shown
    assert expected.items() <= dict(address.options).items()


@pytest.mark.parametrize(
    "url",
    [
        "http://cache",
        "redis://",
        "redis://:x@:99999",
        "redis://h/name",
        "unix://",
        "redis://h?ssl=no",
        "redis://[::",
    ],
)
def test_what_is_no_url_of_a_store_is_one_clear_line(url: str) -> None:
    with pytest.raises(InputError, match="the store"):
        parse(url)


def test_tls_verifies_who_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = (
        "--tls-cert-file",
        str(tmp_path / "cert.pem"),
        "--tls-key-file",
        str(tmp_path / "key.pem"),
    )
    trusted = tmp_path / "trusted.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with valkey.server(tmp_path, "--tls-port", str(port), *files, "--tls-auth-clients", "no"):
        stranger.cert_pem.write_to_path(trusted)
        with (
            closing(ValkeyStore(parse(f"valkeys://localhost:{port}"))) as store,
            pytest.raises(StoreError, match="cannot be used"),
        ):
            store.check()
        authority.cert_pem.write_to_path(trusted)
        with closing(ValkeyStore(parse(f"valkeys://127.0.0.1:{port}"))) as store:
            store.put(Kind.LAYER, DIGEST, b"index")
            assert store.get(Kind.LAYER, DIGEST) is None
        with closing(ValkeyStore(parse(f"valkeys://localhost:{port}"))) as store:
            store.put(Kind.LAYER, DIGEST, b"index")
            assert store.get(Kind.LAYER, DIGEST) == b"index"
