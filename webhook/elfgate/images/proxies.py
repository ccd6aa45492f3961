"""Which proxy stands between this machine and a URL, by the rules of nodes.

Source: golang.org/x/net/http/httpproxy, which containerd, CRI-O and Docker use through net/http:
``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``, in capitals or else not. ``ALL_PROXY`` counts for
none of them.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

import httpcore2 as httpcore

from elfgate.errors import UnknownReason, UnreadableError

_PORTS = {"http": 80, "https": 443}
_SCHEMES = {"http", "https", "socks5", "socks5h"}
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):(\d*)")


def proxy_for(target: SplitResult, environment: Mapping[str, str] = os.environ) -> str:
    """The proxy's URL as the environment has it; empty if the target is asked directly."""
    url = _either(environment, f"{target.scheme}_proxy")
    host = (target.hostname or "").lower()
    if not url or _is_direct(host, target.port or _PORTS[target.scheme], environment):
        return ""
    return url


def proxy_of(url: str) -> httpcore.Proxy:
    """A proxy as the environment names it.

    ``http://user:password@host:port``, often without the scheme.

    Raises:
        UnreadableError: REGISTRY_UNREACHABLE if it is none that can be used.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise UnreadableError(
            "the environment's proxy is neither an HTTP nor a SOCKS5 one",
            reason=UnknownReason.REGISTRY_UNREACHABLE,
        )
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return httpcore.Proxy(place.geturl(), auth=login)


def _either(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _is_direct(host: str, port: int, environment: Mapping[str, str]) -> bool:
    """Whether ``NO_PROXY`` has the host, or it is this machine's own."""
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    entries = _either(environment, "no_proxy").lower().split(",")
    return any(_matches(entry.strip(), host, port) for entry in entries)


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        return address is not None and _is_within(address, entry)
    with_port = _HOST_AND_PORT.fullmatch(entry)
    name, wanted = with_port.groups() if with_port else (entry, "")
    name = name.strip("[]")
    if not name or (wanted and int(wanted) != port):
        return False
    if (own := _address(name)) is not None:
        return own == address
    suffix = name.removeprefix("*") if name.startswith("*.") else name
    return host.endswith(suffix if suffix.startswith(".") else f".{suffix}") or host == suffix


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
