"""Proxies by the rules of Go's httpproxy, which nodes use."""

from urllib.parse import urlsplit

import pytest

from elfgate.errors import UnreadableError
from elfgate.images.proxies import proxy_for, proxy_of

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_direct"),
    [
        ("", "https://registry.example/", False),
        ("*", "https://registry.example/", True),
        ("registry.example", "https://registry.example/", True),
        ("registry.example", "https://a.registry.example/", True),
        (".registry.example", "https://registry.example/", False),
        (".registry.example", "https://a.registry.example/", True),
        ("*.registry.example", "https://a.registry.example/", True),
        ("*.registry.example", "https://registry.example/", False),
        ("registry.example:5000", "https://registry.example:5000/", True),
        ("registry.example:5000", "https://registry.example/", False),
        ("registry.example:443", "https://registry.example/", True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3", "https://10.1.2.3:5000/", True),
        ("10.1.2.3:5000", "https://10.1.2.3/", False),
        ("fd12::/16", "https://[fd12::1]/", True),
        ("[fd12::1]:5000", "https://[fd12::1]:5000/", True),
        (" other , REGISTRY.example ", "https://Registry.Example/", True),
        (":5000", "https://registry.example:5000/", False),
        ("gistry.example", "https://registry.example/", False),
        ("", "https://localhost/", True),
        ("", "https://127.0.0.2/", True),
    ],
)
def test_no_proxy_is_read_as_nodes_read_it(no_proxy: str, url: str, is_direct: bool) -> None:
    environment = {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}
    assert (proxy_for(urlsplit(url), environment) == "") is is_direct


def test_capitals_come_first_and_each_scheme_has_its_own() -> None:
    environment = {"https_proxy": "http://a", "HTTPS_PROXY": "http://b", "http_proxy": "http://c"}
    assert proxy_for(urlsplit("https://x.example/"), environment) == "http://b"
    assert proxy_for(urlsplit("http://x.example/"), environment) == "http://c"


def test_all_proxy_counts_for_nothing_as_on_nodes() -> None:
    assert proxy_for(urlsplit("https://x.example/"), {"ALL_PROXY": PROXY, "all_proxy": PROXY}) == ""


@pytest.mark.parametrize(
    ("written", "url", "login"),
    [
        ("http://proxy.example:3128", b"http://proxy.example:3128/", None),
        ("proxy.example:3128", b"http://proxy.example:3128/", None),
        ("https://us%40er:p%3Aw@proxy.example", b"https://proxy.example/", (b"us@er", b"p:w")),
        ("socks5://proxy.example:1080", b"socks5://proxy.example:1080/", None),
    ],
)
def test_a_proxy_is_read_as_the_environment_writes_it(
    written: str, url: bytes, login: tuple[bytes, bytes] | None
) -> None:
    proxy = proxy_of(written)
    assert bytes(proxy.url) == url
    assert proxy.auth == login


@pytest.mark.parametrize("written", ["ftp://proxy.example:1080", "http://:3128", "socks4://x"])
def test_a_proxy_of_another_kind_is_refused(written: str) -> None:
    with pytest.raises(UnreadableError, match="neither an HTTP nor a SOCKS5"):
        proxy_of(written)
