"""Addresses that registries may lead to, and others.

A pod's author names a registry, the registry names further places, and elfgate stands inside the
cluster. So link-local and cloud metadata addresses are never reached, this machine's own only on
behalf of a registry on it. Private addresses are: clusters have their registries there. An IPv6
address that carries an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is held to be
both.

Whoever names an address must not learn from words what is behind it: each failure there reads the
same (``UNREACHABLE``).
"""

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from elfgate.errors import UnknownReason, UnreadableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNREACHABLE = "cannot be reached"

_METADATA = frozenset(
    # Metadata services outside the link-local ranges: AWS (IPv6; pod identity), Alibaba, Oracle,
    # Google (IPv6); Azure's host agent.
    ipaddress.ip_address(address)
    for address in (
        "fd00:ec2::254",
        "fd00:ec2::23",
        "100.100.100.200",
        "192.0.0.192",
        "fd20:ce::254",
        "168.63.129.16",
    )
)
_NOBODYS = tuple(
    ipaddress.ip_network(network) for network in ("0.0.0.0/8", "255.255.255.255/32", "fec0::/10")
)
_NAT64 = tuple(ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")
_ISATAP = frozenset({0x5EFE, 0x2005EFE})  # before the IPv4 address in an interface's identifier


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
    """Check a host that is an address, in any form that resolvers take (``2852039166``, ``127.1``).

    Names pass.

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
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    if mapped.is_loopback and loopback:
        return
    if any(_is_refused(one) for one in (parsed, *_carried(parsed))):
        raise _refused(host, address)


def check_not_own(host: str, address: str) -> None:
    """Refuse an address of this machine's own interfaces: its other listeners are no registries.

    Loopback is ``check_address``'s matter.

    Raises:
        UnreadableError: REGISTRY_UNREACHABLE, naming the address.
    """
    is_loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    if not is_loopback and _is_own(address):
        raise _refused(host, address)


def is_within(address: str) -> bool:
    """Whether an address is not of the internet: what is behind it is nobody's to find out."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return any(not one.is_global for one in (parsed, *_carried(parsed)))


def _is_refused(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in _METADATA
        or any(address in network for network in _NOBODYS if network.version == address.version)
    )


def _carried(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address carries."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    number = int(address)
    last = ipaddress.IPv4Address(number & 0xFFFFFFFF)
    carried: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    carried += address.teredo or ()
    if (
        any(address in network for network in (*_NAT64, _COMPATIBLE))
        or (number >> 32) & 0xFFFFFFFF in _ISATAP
    ):
        carried.append(last)
    return [one for one in carried if one is not None]


def _is_own(address: str) -> bool:
    """Whether a way to an address begins there: nothing is sent to find out."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((address, 9))
            return str(way.getsockname()[0]) == address
    except OSError:
        return False  # there is no way at all, and so no connection


def _refused(host: str, address: str) -> UnreadableError:
    named = address if host == address else f"{host} ({address})"
    return UnreadableError(
        f"{named} is not contacted for a pod: a loopback, link-local or metadata address, or "
        f"one of this machine",
        reason=UnknownReason.REGISTRY_UNREACHABLE,
    )
