"""Where registries may lead.

A pod's author names a registry, the registry names further places, and elfgate stands inside the cluster. So link-local
and cloud metadata addresses are never reached, this machine's own only on behalf of a registry on it. Private addresses
are: clusters have their registries there.
"""

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from elfgate.errors import UnknownReason, UnreadableError

_METADATA = frozenset(
    # Cloud metadata services outside the link-local ranges: AWS (IPv6), Alibaba, Oracle.
    ipaddress.ip_address(address)
    for address in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192")
)


def is_loopback_host(host: str) -> bool:
    """Whether a host names this machine by its very form (RFC 6761, 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: str) -> SplitResult:
    """Split an absolute URL that a peer named.

    Raises:
        UnreadableError: REGISTRY_UNREACHABLE if it is none that can be asked.
    """
    try:
        parts = urlsplit(url)
        sound = (
            parts.scheme in {"http", "https"}
            and parts.hostname
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        raise UnreadableError(
            f"{url[:200]!r} is not a usable URL", reason=UnknownReason.REGISTRY_UNREACHABLE
        )
    return parts


def check_literal(host: str) -> None:
    """Check a host that is an address, in any form that resolvers take (``2852039166``, ``127.1``); names pass.

    Raises:
        UnreadableError: as ``check_address`` does.
    """
    try:
        address = host if ":" in host else socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return
    check_address(host, address, loopback=False)


def check_address(host: str, address: str, *, loopback: bool) -> None:
    """Refuse what no registry is at.

    Args:
        host: What was asked for, for the message.
        address: Where it is.
        loopback: Whether this machine's own addresses may be reached.

    Raises:
        UnreadableError: REGISTRY_UNREACHABLE, naming the address.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if parsed.is_loopback and loopback:
        return
    if (
        parsed.is_loopback
        or parsed.is_link_local
        or parsed.is_multicast
        or parsed.is_unspecified
        or parsed in _METADATA
    ):
        named = address if host == address else f"{host} ({address})"
        raise UnreadableError(
            f"{named} is not asked: a loopback, link-local or metadata address",
            reason=UnknownReason.REGISTRY_UNREACHABLE,
        )
