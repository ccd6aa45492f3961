"""What is decided about addresses before anything is sent to them."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.addresses import check_address, check_url, is_loopback_host
from elfgate.images.client import redirected
from elfgate.images.connections import Connections
from elfgate.images.dial import Dial
from support.registry import Answer, Registry


def test_a_redirect_may_not_leave_tls() -> None:
    assert redirected("https://a.example/v2/", "https://b.example/x", 1) == "https://b.example/x"
    assert redirected("http://a.example/v2/", "https://b.example/x", 1) == "https://b.example/x"
    with pytest.raises(UnreadableError, match="without TLS") as raised:
        redirected("https://a.example/v2/", "http://a.example/v2/", 1)
    assert raised.value.reason is UnknownReason.REGISTRY_UNREACHABLE


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "100.100.100.200",
        "192.0.0.192",
        "0.0.0.0",  # noqa: S104 - to be refused
        "::",
        "224.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::a9fe:a9fe",
        "::7f00:1",
        "fd00::5efe:a9fe:a9fe",
        "2001:0:a9fe:a9fe::1",
        "fd00:ec2::23",
        "fd20:ce::254",
        "168.63.129.16",
        "255.255.255.255",
        "0.1.2.3",
        "fec0::1",
    ],
)
@pytest.mark.parametrize("loopback", [False, True])
def test_addresses_that_no_registry_has_are_never_reached(address: str, loopback: bool) -> None:
    with pytest.raises(UnreadableError, match="is not contacted"):
        check_address("name", address, loopback=loopback)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_reached_only_on_behalf_of_its_own_registries(address: str) -> None:
    check_address("name", address, loopback=True)
    with pytest.raises(UnreadableError, match=r"name \(.*\) is not contacted"):
        check_address("name", address, loopback=False)


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "192.168.1.1", "172.16.0.9", "203.0.113.7", "fd12::1", "2001:db8::1"]
)
def test_other_addresses_may_be_reached_inside_the_cluster_too(address: str) -> None:
    check_address("name", address, loopback=False)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("10.0.0.1", False),
    ],
)
def test_a_host_is_this_machine_by_its_form(host: str, is_loopback: bool) -> None:
    assert is_loopback_host(host) is is_loopback


@pytest.mark.parametrize(
    "url", ["https://a.example", "http://a.example:80/x?y=z", "https://[2001:db8::1]:5000/"]
)
def test_urls_that_can_be_asked_are_taken(url: str) -> None:
    assert check_url(url).hostname


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "//a.example",
        "ftp://a.example",
        "https://",
        "https://a:b:c/",
        "http://a b/",
        "http://a/\n",
    ],
)
def test_urls_that_cannot_are_refused(url: str) -> None:
    with pytest.raises(UnreadableError, match="not a usable URL"):
        check_url(url)


def test_behind_a_proxy_addresses_are_checked_by_their_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    asked = Connections()
    for url, words in (
        ("http://169.254.169.254/", "is not contacted"),
        ("http://2852039166/", "is not contacted"),
        ("http://[fe80::1]/", "is not contacted"),
        ("http://registry.example/", "cannot be reached"),  # nobody is at the proxy's port
    ):
        with (
            pytest.raises(UnreadableError, match=words),
            asked.exchange("GET", url, {}, loopback=False),
        ):
            pass
    asked.close()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secured(authority: trustme.CA) -> Iterator[Registry]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with Registry({}, tls=context) as registry:
        registry.answer("/", Answer(body=b"secured"))
        yield registry


def test_tls_is_trusted_by_the_machines_authorities(
    authority: trustme.CA, secured: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    asked = Connections()
    with asked.exchange("GET", f"https://localhost:{secured.port}/", {}, loopback=True) as reply:
        assert reply.read_bounded(100, "it") == b"secured"
    asked.close()


def test_a_certificate_of_nobody_known_is_not_trusted(secured: Registry) -> None:
    asked = Connections()
    own, url = Dial(own=True), f"https://localhost:{secured.port}/"
    with (
        pytest.raises(UnreadableError, match="certificate verify failed") as raised,
        asked.exchange("GET", url, {}, loopback=True, dial=own),
    ):
        pass
    assert raised.value.reason is UnknownReason.REGISTRY_UNREACHABLE
    assert secured.seen == []
    asked.close()
