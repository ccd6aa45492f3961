"""Whether a fact is what its digest says, as far as that can be told of a fact."""

import hashlib

from elfgate.rootfs.layer import Layer
from elfgate.store.protocol import Kind

ORIGIN = b"delivered"  # all that there is to say of a fact of that kind
_MOST_DIGITS = 8


def is_intact(kind: Kind, digest: str, value: bytes) -> bool:
    """Whether a fact that comes from elsewhere may be believed.

    A document is held against its digest. A layer's index is not the layer, so that only its form
    and its checksums can be looked at: whoever can write to a shared store is trusted with that.
    """
    if kind is Kind.DOCUMENT:
        algorithm, _, digits = digest.partition(":")
        return (
            algorithm in {"sha256", "sha512"}
            and hashlib.new(algorithm, value).hexdigest() == digits
        )
    if kind is Kind.ORIGIN:
        return value == ORIGIN
    if kind is Kind.OVERRUN:
        return value.isdigit() and len(value) < _MOST_DIGITS
    try:
        Layer.decode(value)
    except ValueError:
        return False
    return True
