"""Who asks a registry: tokens, credentials, and where they may not go."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries, RegistryOptions, Repository
from support.asking import APP, LAYER, PATH, SECRET, asking, descriptor, refused, serving
from support.oci import OCI_MANIFEST
from support.registry import Answer, Registry


def test_a_token_is_asked_for_once_and_used_until_it_runs_out() -> None:
    with (
        serving(auth="bearer", username="user", password=SECRET) as registry,
        asking(registry, password=SECRET) as source,
    ):
        source.resolve("1.0")
        source.document(descriptor(APP))
        source.layer(descriptor(LAYER))
        tokens = [seen for seen in registry.seen if seen.path.startswith("/token")]
        assert len(tokens) == 1
        assert "scope=repository%3Aexample%2Fapp%3Apull" in tokens[0].path
        assert "service=test" in tokens[0].path
        assert tokens[0].authorization == registry.basic
        assert registry.seen[-1].authorization == "Bearer token-1"


def test_a_token_that_the_registry_no_longer_takes_is_renewed() -> None:
    with serving(auth="bearer") as registry, asking(registry) as source:
        source.resolve("1.0")
        registry.tokens = {"Bearer other"}
        source.resolve("1.0")
        assert registry.seen[-1].authorization == "Bearer token-2"


def test_a_token_that_ran_out_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(auth="bearer", expires_in=100) as registry, asking(registry) as source:
        source.resolve("1.0")
        later = time.monotonic() + 95
        monkeypatch.setattr(time, "monotonic", lambda: later)
        source.resolve("1.0")
        assert [seen.authorization for seen in registry.seen if "/v2/" in seen.path] == [
            "", "Bearer token-1", "", "Bearer token-2",
        ]  # fmt: skip


def test_threads_that_ask_at_once_share_one_token() -> None:
    with (
        serving(auth="bearer") as registry,
        asking(registry) as source,
        ThreadPoolExecutor(6) as pool,
    ):
        list(pool.map(source.resolve, ["1.0"] * 12))
        assert len(registry.tokens) == 1


@pytest.mark.parametrize("auth", ["basic", "bearer"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_without_the_right_credentials_there_is_no_image(auth: str, password: str) -> None:
    with (
        serving(auth=auth, username="user", password=SECRET) as registry,
        asking(registry, password=password) as source,
    ):
        with refused(UnknownReason.NO_CREDENTIALS):
            source.resolve("1.0")
        assert len(registry.seen) <= 3


def test_of_several_challenges_one_that_can_be_answered_is() -> None:
    with (
        serving(auth="basic", username="user", password=SECRET) as registry,
        asking(registry, password=SECRET) as source,
    ):
        challenges = Answer(401, {"WWW-Authenticate": 'Negotiate\nBasic realm="test"'})
        content = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": APP.digest}
        registry.answer(f"{PATH}/manifests/1.0", challenges, Answer(headers=content, body=APP.data))
        source.resolve("1.0")
        assert registry.seen[-1].authorization == registry.basic


def test_a_secret_is_in_no_message() -> None:
    with (
        serving(auth="basic", username="user", password="other") as registry,
        asking(registry, password=SECRET) as source,
    ):
        with pytest.raises(UnreadableError) as raised:
            source.resolve("1.0")
        assert SECRET not in str(raised.value)
        assert SECRET not in repr(Credential("user", SECRET))


@pytest.mark.parametrize(
    "realm",
    [
        "http://169.254.169.254/latest/api/token",
        "https://[fe80::1]/token",
        "http://100.100.100.200/",
        "ftp://127.0.0.1/",
        "no url",
    ],
)
def test_a_token_service_where_none_is_is_not_asked(
    registry: Registry, repository: Repository, realm: str
) -> None:
    registry.answer(
        f"{PATH}/manifests/1.0", Answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'})
    )
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "is not contacted|not a usable URL"):
        repository.resolve("1.0")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"token": 5}', b'{"token": "a\\r\\nX: y"}', b" " * 100_000]
)
def test_a_token_that_is_none_is_not_used(
    registry: Registry, repository: Repository, body: bytes
) -> None:
    realm = f'Bearer realm="{registry.url}/token"'
    registry.answer(f"{PATH}/manifests/1.0", Answer(401, {"WWW-Authenticate": realm}))
    registry.answer("/token", Answer(body=body))
    with pytest.raises(UnreadableError) as raised:
        repository.resolve("1.0")
    assert raised.value.reason in {UnknownReason.REGISTRY_UNREACHABLE, UnknownReason.LIMIT_EXCEEDED}


def test_a_registry_elsewhere_may_not_lead_to_this_machine(registry: Registry) -> None:
    # A name that is not loopback by its form but has a loopback address, as in a rebinding attack.
    host = registry.host.replace("127.0.0.1", "127.1")
    registries = Registries(options=RegistryOptions(plain_http=frozenset({host})))
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "loopback"):
        registries.repository(Reference.parse(f"{host}/example/app")).resolve("1.0")
    registries.close()
    assert registry.seen == []


def test_this_machines_registries_may_be_closed_to_references(registry: Registry) -> None:
    registries = Registries(options=RegistryOptions(loopback=False))
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "loopback"):
        registries.repository(Reference.parse(registry.reference("example/app"))).resolve("1.0")
    registries.close()
    assert registry.seen == []


@pytest.mark.parametrize("leave", ["plain_http", "named"])
def test_this_machines_registries_stay_open_to_whoever_runs_it(
    registry: Registry, leave: str
) -> None:
    left = frozenset({registry.host})
    given = {"plain_http": RegistryOptions(loopback=False, plain_http=left)}
    given["named"] = RegistryOptions(loopback=False, named=left)
    registries = Registries(options=given[leave])
    source = registries.repository(Reference.parse(registry.reference("example/app")))
    assert source.resolve("1.0").digest == APP.digest
    registries.close()


def test_a_bounded_number_of_repositories_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elfgate.images.registry._MOST_REPOSITORIES", 3)
    registries = Registries()
    first = registries.repository(Reference.parse("r.example/0"))
    for number in range(1, 4):
        assert registries.repository(Reference.parse("r.example/0")) is first
        registries.repository(Reference.parse(f"r.example/{number}"))
    assert len(registries._repositories) == 3
    assert registries.repository(Reference.parse("r.example/0")) is first
    registries.close()
