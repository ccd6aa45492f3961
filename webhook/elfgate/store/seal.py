"""Seals: what a shared server holds is believed if whoever wrote it has a key of the installation.

A sealed value is its HMAC-SHA256 over its place and itself, and then the value. So who can write to
the server, and has no key, can neither make a fact up nor put one in another's place.
"""

import hmac
from collections.abc import Sequence

from elfgate.errors import InputError

KEY_CHARACTERS = 32
_BYTES = 32
_PLAIN, _SEALED = b"1", b"2"  # before every value: an empty one is no missing one


class Seal:
    """Writes with the first key, and reads what any of them has sealed.

    Args:
        keys: The newest first; none to believe whoever can write.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._keys = tuple(keys)

    def close(self, place: str, value: bytes) -> bytes:
        """A value as it is stored.

        Args:
            place: The key that it is stored under.
            value: What is stored.
        """
        if not self._keys:
            return _PLAIN + value
        return _SEALED + _mac(self._keys[0], place, value) + value

    def open(self, place: str, stored: bytes) -> bytes | None:
        """The value; None if there is none, or nobody with a key has put it there."""
        if not self._keys:
            return stored[1:] if stored.startswith(_PLAIN) else None
        mac, value = stored[1 : 1 + _BYTES], stored[1 + _BYTES :]
        sealed = stored.startswith(_SEALED) and any(
            hmac.compare_digest(mac, _mac(key, place, value)) for key in self._keys
        )
        return value if sealed else None


UNSEALED = Seal()


def read_keys(text: str) -> tuple[bytes, ...]:
    """Keys, the newest first, with white space between them.

    Raises:
        InputError: if one of them is short.
    """
    keys = tuple(word.encode() for word in text.split())
    if any(len(key) < KEY_CHARACTERS for key in keys):
        raise InputError(
            f"a key of the shared store has fewer than {KEY_CHARACTERS} characters",
            hint="make a key with: openssl rand -hex 32",
        )
    return keys


def _mac(key: bytes, place: str, value: bytes) -> bytes:
    name = place.encode()
    return hmac.digest(key, len(name).to_bytes(4) + name + value, "sha256")
