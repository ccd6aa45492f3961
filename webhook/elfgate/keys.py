"""Keys on P-256, in PEM files, and ECDSA signatures with SHA-256 by them.

Sources: RFC 6979 (the same signature for the same bytes); RFC 5480 (the form of public keys), by
which cosign and OPA take keys too. The package that computes has no wheel for some machines, and is
imported only where a key is used.
"""

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any, cast

from elfgate.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec


def private_key(pem: bytes) -> "ec.EllipticCurvePrivateKey":
    """Read a private key.

    Raises:
        InputError: if it is not an unencrypted PEM key on P-256.
    """
    serialization, curves = _cryptography()
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, curves.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise InputError("the signing key is not an unencrypted PEM key on P-256")
    return cast("ec.EllipticCurvePrivateKey", key)


def public_key(pem: bytes) -> "ec.EllipticCurvePublicKey":
    """Read a public key.

    Raises:
        InputError: if it is not a PEM public key on P-256.
    """
    serialization, curves = _cryptography()
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError:
        key = None
    if not isinstance(key, curves.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise InputError("the verification key is not a PEM public key on P-256")
    return cast("ec.EllipticCurvePublicKey", key)


class Signer:
    """Signs by a private key.

    Args:
        pem: The key.

    Raises:
        InputError: if it is none.
    """

    def __init__(self, pem: bytes) -> None:
        self._key = private_key(pem)

    def sign(self, content: bytes) -> str:
        """The signature of some bytes in base64, as ``cosign verify-blob`` takes it."""
        return base64.b64encode(signed(self._key, content)).decode()

    @property
    def public(self) -> bytes:
        """The public half, as PEM."""
        serialization, _ = _cryptography()
        pem: bytes = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return pem


class Verifier:
    """Verifies by a public key.

    Args:
        pem: The key.

    Raises:
        InputError: if it is none.
    """

    def __init__(self, pem: bytes) -> None:
        self._key = public_key(pem)
        serialization, _ = _cryptography()
        der = self._key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.fingerprint = hashlib.sha256(der).hexdigest()

    def accepts(self, signature: str, content: bytes) -> bool:
        """Tell whether a signature in base64 is of this key, over these bytes."""
        try:
            der = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        return verifies(self._key, content, der)


def signed(key: "ec.EllipticCurvePrivateKey", content: bytes) -> bytes:
    """The signature of some bytes, in DER: the same for the same bytes and key."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return key.sign(content, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def verifies(key: "ec.EllipticCurvePublicKey", content: bytes, signature: bytes) -> bool:
    """Tell whether a signature in DER is of a key, over some bytes."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    try:
        key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _cryptography() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "signatures need the package cryptography, which has no wheel for this machine",
            hint="install it from your distribution; policy bundles can be verified by OPA",
        ) from None
    return serialization, ec
