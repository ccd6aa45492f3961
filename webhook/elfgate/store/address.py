"""The address of a shared store.

A URL, checked before anything is asked, and shown without its password.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from elfgate.errors import InputError

_TLS = {"valkey": False, "redis": False, "valkeys": True, "rediss": True}
_SOCKET = "unix"
_PORT = 6379
_FORMS = "valkey://[USER@]HOST[:PORT][/DATABASE], valkeys:// for TLS, or unix:///PATH/OF/SOCKET"


@dataclass(frozen=True, slots=True)
class Address:
    """A server and a database on it.

    Attributes:
        shown: As people see it: without a password.
        options: As the client takes it.
    """

    shown: str
    options: Mapping[str, str | int | bool] = field(repr=False)

    def __str__(self) -> str:
        return self.shown


def is_url(text: str) -> bool:
    """Whether ``text`` is meant to be a URL, not the name of a file."""
    return "://" in text


def parse(url: str, *, password: str = "") -> Address:
    """Read the URL of a store. ``redis`` may stand for ``valkey`` in it.

    Args:
        url: The URL.
        password: What to log in with, if the URL itself has no password.

    Raises:
        InputError: if it is no such URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong(url.partition("@")[2] or url) from None
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    options: dict[str, str | int | bool] = {"protocol": 2}
    secret = unquote(parts.password or "") or password
    if secret:
        options |= {"password": secret}
    if parts.username:
        options |= {"username": unquote(parts.username)}
    if parts.query or parts.fragment:
        raise InputError(
            f"the store {shown} has more to its URL than a store takes", hint=f"write {_FORMS}"
        )
    if parts.scheme == _SOCKET and parts.path and not parts.hostname:
        return Address(shown, options | {"unix_socket_path": unquote(parts.path)})
    database = parts.path.strip("/") or "0"
    if (
        parts.scheme not in _TLS
        or not parts.hostname
        or not database.isdecimal()
        or len(database) > 4
    ):
        raise _wrong(shown)
    options |= {
        "host": parts.hostname,
        "port": port or _PORT,
        "db": int(database),
        "ssl": _TLS[parts.scheme],
    }
    return Address(shown, options)


def _wrong(shown: str) -> InputError:
    return InputError(f"the store {shown} is not the URL of a store", hint=f"write {_FORMS}")
