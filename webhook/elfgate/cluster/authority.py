"""Certificates for the webhook's own name, each by an authority of its own.

The authority's key is forgotten once it has signed: nobody can sign a second certificate that the
API server would take, and there is no key to keep. Sources: RFC 5280 (extensions), RFC 6125 and
Go's ``crypto/x509`` (only alternative names count), the Kubernetes API reference (``caBundle``: PEM
certificates).
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from elfgate.errors import InputError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

_DAY = 86400
_BACK_DATED = _DAY  # so that a clock that is late takes the certificate at once
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and what belongs to it, each PEM.

    Attributes:
        certificate: What is served.
        key: Its private key.
        authority: The certificate that signed it.
    """

    certificate: bytes
    key: bytes
    authority: bytes

    def validity(self, names: Iterable[str]) -> tuple[float, float] | None:
        """From when to when it can serve under all of these names, in seconds since the epoch.

        None if it cannot.
        """
        from cryptography import x509  # noqa: PLC0415  (see available)
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_pem_private_key,
        )

        try:
            certificate = x509.load_pem_x509_certificate(self.certificate)
            certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(self.authority))
            own = load_pem_private_key(self.key, None).public_key() == certificate.public_key()
            found = set(
                certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            )
        except Exception:  # noqa: BLE001  (whatever else somebody has put there is no pair)
            return None
        if not own or not {_name(each) for each in names} <= found:
            return None
        return (
            certificate.not_valid_before_utc.timestamp(),
            certificate.not_valid_after_utc.timestamp(),
        )


def available() -> bool:
    """Whether certificates can be made and read here.

    ``cryptography`` has no wheel for every machine.
    """
    return find_spec("cryptography") is not None


def make(names: Iterable[str], *, days: float, now: float) -> Pair:
    """Make a certificate and its authority.

    Args:
        names: The DNS names and IP addresses that it is for.
        days: How long both are valid, from now.
        now: Seconds since the epoch. Both begin a day earlier.

    Raises:
        InputError: if one of the names is none.
    """
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415

    alternatives = [_name(name) for name in names]
    above, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    # A subject of its own: two authorities of one name would be taken for each other by clients
    # that go by names.
    authority_name = _subject(f"elfgate authority {x509.random_serial_number():x}"[:64])
    dates = (
        datetime.fromtimestamp(now - _BACK_DATED, UTC),
        datetime.fromtimestamp(now, UTC) + timedelta(days=days),
    )
    authority = _signed(
        above,
        above.public_key(),
        authority_name,
        authority_name,
        dates=dates,
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_usage(key_cert_sign=True), True),
        ],
    )
    certificate = _signed(
        above,
        own.public_key(),
        authority_name,
        _subject("elfgate"),
        dates=dates,
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName(alternatives), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), False),
        ],
    )
    key = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM), key, authority.public_bytes(Encoding.PEM))


def merged(*bundles: bytes) -> bytes:
    """The certificates of PEM bundles, each once and in one order.

    Equal ones are so equal bytes.

    What is no certificate is left out.
    """
    found = {certificate for bundle in bundles for certificate in _PEM.findall(bundle)}
    return b"".join(certificate + b"\n" for certificate in sorted(found))


def _signed(
    by: "EllipticCurvePrivateKey",
    key: "EllipticCurvePublicKey",
    issuer: "x509.Name",
    subject: "x509.Name",
    *,
    dates: tuple[datetime, datetime],
    extensions: list[tuple[Any, bool]],
) -> "x509.Certificate":
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), *dates)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(by, SHA256())


def _usage(**granted: bool) -> "x509.KeyUsage":
    from cryptography import x509  # noqa: PLC0415

    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{usage: granted.get(usage, False) for usage in every})


def _subject(name: str) -> "x509.Name":
    from cryptography import x509  # noqa: PLC0415

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _name(text: str) -> "x509.GeneralName":
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return x509.DNSName(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no DNS name that a certificate can be for") from error
