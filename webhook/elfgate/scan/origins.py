"""To whom facts may be told: what a source has delivered, whoever asks it may know.

A fact is known by its digest, and digests are no secret: every node's status has some. So where
access to images differs, a digest alone opens nothing. An asker may be told of a digest if its very
bytes were delivered to the asker before, or by the repository that has just let the asker in. That
a registry says yes to a digest proves nothing, as it may be the asker's own.
"""

import hashlib

from elfgate.memory.declared import declare
from elfgate.memory.recent import Recent
from elfgate.scan.located import Located
from elfgate.store.content import ORIGIN
from elfgate.store.protocol import Kind, Store

DELIVERIES = declare(
    "deliveries",
    "what was delivered to whom, by asker and digest, and by repository",
    max_bytes=4 << 20,
)
_HERE = b""


class Origins:
    """Knows to whom a fact may be told. Belongs to one event loop.

    Args:
        near: Where deliveries of repositories are kept, beside the facts themselves.
    """

    def __init__(self, near: Store) -> None:
        self._near = near
        self._delivered: Recent[bytes, bytes] = Recent(DELIVERIES, lambda key, _: len(key) + 80)

    def admit(self, located: Located, kind: Kind, digest: str) -> bool:
        """Whether an asker, whom its source has let in, may be told of a fact; at once."""
        if located.asker is None or self._knows(located, kind, digest):
            return True
        if self._near.get(Kind.ORIGIN, record(located, digest)) != ORIGIN:
            return False
        self.note(located, kind, digest)
        return True

    def admit_image(self, located: Located, manifest: str) -> bool:
        """Whether an asker has been told all of an image, from this repository."""
        key = _key(located.asker, located.repository, f"image {manifest}")
        return located.asker is None or self._delivered.get(key) is not None

    def note(self, located: Located, kind: Kind, digest: str) -> None:
        """Note that an asker has been delivered the bytes of a digest."""
        if located.asker is not None:
            self._delivered.put(_bytes_key(located, kind, digest), _HERE)

    def note_image(self, located: Located, manifest: str) -> None:
        """Note that an asker has been told all of an image."""
        if located.asker is not None:
            key = _key(located.asker, located.repository, f"image {manifest}")
            self._delivered.put(key, _HERE)

    def _knows(self, located: Located, kind: Kind, digest: str) -> bool:
        return self._delivered.get(_bytes_key(located, kind, digest)) is not None


def record(located: Located, digest: str) -> str:
    """By what a store keeps that a repository has delivered a digest."""
    named = f"{located.repository}\0{digest}".encode()
    return f"sha256:{hashlib.sha256(named).hexdigest()}"


def _bytes_key(located: Located, kind: Kind, digest: str) -> bytes:
    """An image is its repository's; a layer is the same in all that have it, and long to read."""
    repository = "" if kind is Kind.LAYER else located.repository
    return _key(located.asker, repository, digest)


def _key(asker: str | None, repository: str, what: str) -> bytes:
    return hashlib.blake2b(f"{asker}\0{repository}\0{what}".encode(), digest_size=16).digest()
