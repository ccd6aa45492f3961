"""Whether a fact is what its digest says, as far as that can be told of a fact."""

import hashlib

from elfgate.rootfs.layer import Layer
from elfgate.store.protocol import Kind

ORIGIN = b"delivered"  # all that there is to say of a fact of that kind
_MOST_DIGITS = 8
_PARED = b"pared\n"  # before the checksum, and the rest, of a document that its source has pared


def document_fact(digest: str, document: bytes) -> bytes:
    """A document as it is kept, under its digest.

    Args:
        digest: Of the document as its registry has it.
        document: That, verbatim, or what its source has left of it (``images.pared``).
    """
    if _adds_up(digest, document):
        return document
    return _PARED + _checksum(digest, document) + document


def document_in(digest: str, fact: bytes) -> bytes | None:
    """The document that a fact is; None if the fact is damaged."""
    if not fact.startswith(_PARED):
        return fact if _adds_up(digest, fact) else None
    checksum, document = fact[len(_PARED) : _BODY], fact[_BODY:]
    return document if checksum == _checksum(digest, document) else None


def _adds_up(digest: str, document: bytes) -> bool:
    algorithm, _, digits = digest.partition(":")
    known = algorithm in {"sha256", "sha512"}
    return known and hashlib.new(algorithm, document).hexdigest() == digits


def _checksum(digest: str, document: bytes) -> bytes:
    return hashlib.sha256(digest.encode() + document).digest()


_BODY = len(_PARED) + len(_checksum("", b""))


def is_intact(kind: Kind, digest: str, value: bytes) -> bool:
    """Whether a fact that comes from elsewhere may be believed.

    A document is held against its digest. A layer's index is not the layer, and what is left of a
    heavy document is not that document, so that only their form and their checksums can be looked
    at: whoever can write to a shared store is trusted with that.
    """
    if kind is Kind.DOCUMENT:
        return document_in(digest, value) is not None
    if kind is Kind.ORIGIN:
        return value == ORIGIN
    if kind is Kind.OVERRUN:
        return value.isdigit() and len(value) < _MOST_DIGITS
    try:
        Layer.decode(value)
    except ValueError:
        return False
    return True
