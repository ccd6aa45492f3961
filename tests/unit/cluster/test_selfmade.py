"""A self-made certificate against an API server on loopback: who makes it, and in what order it comes into use."""

import base64
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elfgate.cluster import authority
from elfgate.cluster.api import Api
from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.authority import Pair
from elfgate.cluster.lease import Lease
from elfgate.cluster.owned import Owned
from elfgate.cluster.selfmade import Held, Plan, SelfMade
from support.object_api import CONFIGURATIONS, LEASES, SECRETS, ObjectApi

DAY = 86400
NAMES = ("elfgate.elfgate.svc", "127.0.0.1")
SECRET, LEASE, CONFIGURATION = (
    f"{SECRETS}/elfgate-tls",
    f"{LEASES}/elfgate-tls",
    f"{CONFIGURATIONS}/elfgate",
)
Replica = Callable[..., SelfMade]


@pytest.fixture
def server() -> Iterator[ObjectApi]:
    with ObjectApi() as running:
        hooks = [
            {"name": name, "clientConfig": {"service": {"name": "elfgate"}}}
            for name in ("a.dev", "b.dev")
        ]
        running.put(CONFIGURATIONS, {"metadata": {"name": "elfgate"}, "webhooks": hooks})
        yield running


@pytest.fixture
def owned(server: ObjectApi, tmp_path: Path) -> Iterator[Owned]:
    with Api(server.access(tmp_path)) as api:
        yield Owned(
            api,
            namespace="elfgate",
            secret="elfgate-tls",
            lease="elfgate-tls",
            configurations=["elfgate"],
        )


@pytest.fixture
def replica(owned: Owned) -> Replica:
    def make(
        *, settle: float = 0.0, overlap: float = DAY, names: tuple[str, ...] = NAMES
    ) -> SelfMade:
        return SelfMade(owned, Plan(names, 90, settle, overlap))

    return make


def trusted(server: ObjectApi) -> bytes:
    """What all webhooks of the configuration trust."""
    (bundle,) = {
        hook["clientConfig"].get("caBundle", "")
        for hook in (server.get(CONFIGURATION) or {})["webhooks"]
    }
    return base64.b64decode(bundle)


def held(server: ObjectApi) -> Held:
    return Held.of(server.get(SECRET) or {})


def rest(replica: SelfMade) -> Pair:
    """Look until there is nothing to do."""
    for _ in range(5):
        pair, at_rest = replica.look()
        if at_rest and pair:
            return pair
    raise AssertionError("it does not come to rest")


def test_the_first_look_makes_a_certificate_and_has_it_trusted(
    server: ObjectApi, replica: Replica
) -> None:
    pair, _ = replica(settle=60).look()
    assert pair
    assert held(server).served == pair
    assert trusted(server) == authority.merged(pair.authority)
    assert (server.get(CONFIGURATION) or {})["webhooks"][0]["clientConfig"]["service"] == {
        "name": "elfgate"
    }


def test_it_is_trusted_before_it_is_to_be_served(server: ObjectApi, replica: Replica) -> None:
    replica().look()
    assert [path for path in server.written if path != LEASE] == [SECRET, CONFIGURATION, SECRET]


def test_what_is_made_is_what_a_client_takes(tmp_path: Path) -> None:
    pair = authority.make(NAMES, days=90, now=time.time())
    (tmp_path / "crt").write_bytes(pair.certificate)
    (tmp_path / "key").write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    client = ssl.create_default_context(cadata=pair.authority.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=NAMES[0])
    far = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (near, far, near):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert near.getpeercert()


def test_replicas_take_the_one_that_is_there(server: ObjectApi, replica: Replica) -> None:
    first = rest(replica())
    assert rest(replica()) == first


def test_replicas_that_start_at_once_make_one(server: ObjectApi, replica: Replica) -> None:
    found: list[Pair] = []
    replicas = [replica() for _ in range(4)]
    start = threading.Barrier(len(replicas))

    def run(one: SelfMade) -> None:
        start.wait()
        pair = None
        while pair is None:
            pair, _ = one.look()
        found.append(pair)

    threads = [threading.Thread(target=run, args=[one]) for one in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [held(server).served] * len(replicas)


def test_nothing_is_written_while_nothing_is_to_be_done(
    server: ObjectApi, replica: Replica
) -> None:
    one = replica()
    rest(one)
    before = len(server.written)
    for _ in range(3):
        one.look()
    assert len(server.written) == before


def test_a_certificate_is_renewed_when_two_thirds_have_passed(
    server: ObjectApi, replica: Replica
) -> None:
    one, now = replica(), time.time()
    first = rest(one)
    server.clock = now + 59 * DAY
    assert rest(one) == first
    server.clock = now + 61 * DAY
    assert rest(one) != first


def test_the_old_one_is_served_until_the_new_one_has_long_been_trusted(
    server: ObjectApi, replica: Replica
) -> None:
    first = rest(replica())
    server.clock = time.time() + 61 * DAY
    one = replica(settle=60)
    assert [one.look() for _ in range(3)] == [(first, False)] * 3
    staged = held(server).staged
    assert staged
    assert held(server).served == first
    assert trusted(server) == authority.merged(first.authority, staged.authority)


def test_the_old_authority_is_trusted_for_the_overlap_and_no_longer(
    server: ObjectApi, replica: Replica
) -> None:
    first, now = rest(replica()), time.time()
    one = replica(overlap=DAY)
    server.clock = now + 61 * DAY
    second = rest(one)
    assert trusted(server) == authority.merged(first.authority, second.authority)
    server.clock = now + 62 * DAY - 60
    assert rest(one) == second
    assert trusted(server) == authority.merged(first.authority, second.authority)
    server.clock = now + 62 * DAY + 60
    assert rest(one) == second
    assert trusted(server) == second.authority


def test_another_replica_goes_on_where_one_ended(server: ObjectApi, replica: Replica) -> None:
    first = rest(replica())
    server.clock = time.time() + 61 * DAY
    replica(settle=60).look()
    staged = held(server).staged
    server.delete(LEASE)
    assert rest(replica()) == staged != first


@pytest.mark.parametrize(
    "data", [{}, {"tls.crt": "AAAA", "tls.key": "!", "ca.crt": "eA==", "served-since": "eA=="}]
)
def test_a_secret_without_a_certificate_gets_one_and_the_old_authority_stays_trusted(
    server: ObjectApi, replica: Replica, data: dict[str, str]
) -> None:
    first = rest(replica())
    server.put(SECRETS, {"metadata": {"name": "elfgate-tls"}, "data": data})
    second = rest(replica())
    assert trusted(server) == authority.merged(first.authority, second.authority)


def test_a_deleted_secret_is_made_anew(server: ObjectApi, replica: Replica) -> None:
    one = replica()
    first = rest(one)
    server.delete(SECRET)
    assert rest(one) != first


def test_a_new_name_takes_a_new_certificate(server: ObjectApi, replica: Replica) -> None:
    first = rest(replica())
    second = rest(replica(names=(*NAMES, "other.elfgate.svc")))
    assert second != first
    assert rest(replica()) == second


def test_an_expired_certificate_is_not_served(server: ObjectApi, replica: Replica) -> None:
    rest(replica())
    server.clock = time.time() + 100 * DAY
    assert replica(settle=60).look() == (None, False)


def test_times_are_the_api_servers_not_this_machines(server: ObjectApi, replica: Replica) -> None:
    server.clock = 1e9
    pair = rest(replica())
    validity = pair.validity(NAMES)
    assert validity
    assert validity == pytest.approx((1e9 - DAY, 1e9 + 90 * DAY), abs=5)


def test_what_a_configuration_has_lost_comes_back(server: ObjectApi, replica: Replica) -> None:
    one = replica()
    first = rest(one)
    hooks = [{"name": "new.dev", "clientConfig": {"caBundle": "Cg=="}}]
    server.put(CONFIGURATIONS, {"metadata": {"name": "elfgate"}, "webhooks": hooks})
    assert rest(one) == first
    assert trusted(server) == first.authority


def test_a_cluster_without_the_configuration_gets_a_certificate_all_the_same(
    server: ObjectApi, replica: Replica
) -> None:
    server.delete(CONFIGURATION)
    assert replica(settle=60).look()[0]


def test_who_read_a_configuration_before_it_changed_cannot_change_it(
    server: ObjectApi, owned: Owned
) -> None:
    (before,) = owned.configurations()
    owned.trust(before, b"one")
    with pytest.raises(ApiError, match="409"):
        owned.trust(before, b"two")
    assert trusted(server) == b"one"


def test_a_replica_without_cryptography_serves_what_others_made(
    server: ObjectApi, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = replica()
    monkeypatch.setattr(authority, "available", lambda: False)
    assert one.look() == (None, True)
    monkeypatch.undo()
    first = rest(replica())
    monkeypatch.setattr(authority, "available", lambda: False)
    assert one.look() == (first, True)


def test_a_refusal_is_told_with_what_was_refused(server: ObjectApi, replica: Replica) -> None:
    server.refusing = 403
    with pytest.raises(
        ApiError, match=r"does not let the lease elfgate/elfgate-tls be written: 403 not now"
    ):
        replica().look()


def test_a_lease_is_held_by_one_until_it_gives_it_back(owned: Owned) -> None:
    one, other = Lease(owned), Lease(owned)
    assert one.acquire()
    assert not other.acquire()
    assert one.acquire()
    one.release()
    assert other.acquire()
    assert not one.acquire()


def test_a_lease_that_does_not_change_any_more_is_taken_over(
    owned: Owned, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, now = Lease(owned), Lease(owned), time.monotonic()
    assert one.acquire()
    assert not other.acquire()
    monkeypatch.setattr("elfgate.cluster.lease.time.monotonic", lambda: now + 10)
    assert one.acquire()
    assert not other.acquire()
    monkeypatch.setattr("elfgate.cluster.lease.time.monotonic", lambda: now + 20)
    assert not other.acquire()
    monkeypatch.setattr("elfgate.cluster.lease.time.monotonic", lambda: now + 26)
    assert other.acquire()
    assert not one.acquire()
