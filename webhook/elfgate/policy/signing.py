"""Signed bundles, as OPA signs and verifies them: a JWT over the hash of every file.

Sources: OPA docs, "Bundles: Signing"; OPA ``v1/bundle/{hash,sign,verify}.go``; RFC 7515 and 7518
(ES256: ECDSA on P-256, the signature as two numbers of 32 bytes).

Stricter than OPA: the algorithm is ES256, the key's id must be given and must be the one named, and
the signature covers exactly the files that are there.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from elfgate import keys
from elfgate.errors import InputError
from elfgate.policy.archive import DATA, MANIFEST, SIGNATURES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

_ALGORITHM = "ES256"
_HASH = "SHA-256"
_NUMBER = 32  # bytes of r and of s


class SignatureError(InputError):
    """A bundle that is not signed, or not by whom it should be."""


def sign(contents: Mapping[str, bytes], private_key: bytes, key_id: str) -> bytes:
    """Sign files.

    Args:
        contents: By path; a signature among them is passed over.
        private_key: PEM, of an unencrypted key on P-256.
        key_id: Names the key.

    Returns:
        The bytes of ``.signatures.json``: the same for the same files and key (RFC 6979).

    Raises:
        InputError: if the key is none that can sign.
    """
    hashes = [
        {"name": name, "hash": digest, "algorithm": _HASH}
        for name, digest in _digests(contents).items()
    ]
    header = _encoded(orjson.dumps({"alg": _ALGORITHM, "kid": key_id, "typ": "JWT"}))
    payload = _encoded(orjson.dumps({"files": hashes, "keyid": key_id}))
    signed = header + b"." + payload
    token = signed + b"." + _encoded(_sign(keys.private_key(private_key), signed))
    return orjson.dumps({"signatures": [token.decode()]})


def verify(contents: Mapping[str, bytes], public_key: bytes, key_id: str) -> None:
    """Verify that all files are signed, with this key.

    Args:
        contents: By path, the signature among them.
        public_key: PEM.
        key_id: What the key must be called.

    Raises:
        SignatureError: if they are not.
        InputError: if the key is none.
    """
    header, payload, signature, signed = _token(contents)
    if header.get("alg") != _ALGORITHM:
        raise SignatureError(
            f"the bundle is signed with {str(header.get('alg'))[:40]!r}, not {_ALGORITHM}"
        )
    if (named := _named(header, payload)) != {key_id}:
        raise SignatureError(
            f"the bundle is signed with the key {', '.join(sorted(named))[:80]!r}, not {key_id!r}"
        )
    if not _verifies(keys.public_key(public_key), signed, signature):
        raise SignatureError(f"the bundle's signature is not of the key {key_id!r}")
    if payload.get("scope"):
        raise SignatureError("the bundle is signed for another scope")
    _compare(payload.get("files"), _digests(contents))


def verify_any(contents: Mapping[str, bytes], public_keys: Mapping[str, bytes]) -> None:
    """Verify that all files are signed with one of some keys.

    A key can so be exchanged without a gap.

    Args:
        contents: By path, the signature among them.
        public_keys: PEM, by the key's id.

    Raises:
        SignatureError: if they are not.
        InputError: if the key that is named is none.
    """
    if SIGNATURES not in contents:
        raise SignatureError("the bundle is not signed")
    named = key_ids(contents)
    key_id = next((each for each in named if each in public_keys), None)
    if key_id is None:
        trusted = ", ".join(repr(each) for each in sorted(public_keys))
        signer = ", ".join(named)[:80]
        raise SignatureError(
            f"the bundle is signed with the key {signer!r}; the trusted keys are {trusted}"
        )
    verify(contents, public_keys[key_id], key_id)


def key_ids(contents: Mapping[str, bytes]) -> list[str]:
    """The name that a signature gives its key, unverified; empty if there is none."""
    if SIGNATURES not in contents:
        return []
    header, payload, _, _ = _token(contents)
    return sorted(_named(header, payload))


def digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    """The hash of each file, as it is signed."""
    return _digests(contents)


def _token(contents: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    if SIGNATURES not in contents:
        raise SignatureError("the bundle is not signed")
    try:
        (token,) = orjson.loads(contents[SIGNATURES])["signatures"]
        signed, _, signature = token.encode().rpartition(b".")
        header, payload = (dict(orjson.loads(_decoded(part))) for part in signed.split(b"."))
        return header, payload, _decoded(signature), signed
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SignatureError(f"the bundle's {SIGNATURES} does not hold one signature") from None


def _named(header: Mapping[str, Any], payload: Mapping[str, Any]) -> set[str]:
    """The key's name: in the header, and in the claim that OPA used before."""
    return {str(name) for name in (header.get("kid"), payload.get("keyid")) if name is not None}


def _compare(claimed: object, found: Mapping[str, str]) -> None:
    try:
        hashes = {
            entry["name"]: (entry["hash"], entry["algorithm"])
            for entry in claimed  # type: ignore[attr-defined]
        }
    except (KeyError, TypeError):
        raise SignatureError("the bundle's signature names no files") from None
    for name in sorted(hashes.keys() | found.keys()):
        if hashes.get(name) != (found.get(name), _HASH):
            raise SignatureError(f"{str(name)[:200]!r} is not what was signed")


def _digests(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {
        path: hashlib.sha256(_hashed(path, content)).hexdigest()
        for path, content in sorted(contents.items())
        if path != SIGNATURES
    }


def _hashed(path: str, content: bytes) -> bytes:
    """The part of a file that is hashed.

    Of data and manifest the JSON as Go writes it, keys sorted; of others the bytes.
    """
    if path.rpartition("/")[2] not in {DATA, MANIFEST}:
        return content
    try:
        plain = orjson.dumps(orjson.loads(content), option=orjson.OPT_SORT_KEYS)
    except ValueError:
        raise InputError(f"{path} of the bundle is not JSON") from None
    # Go's encoder escapes these two, which JavaScript once took for the ends of lines.
    return plain.replace("\u2028".encode(), b"\\u2028").replace("\u2029".encode(), b"\\u2029")


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _sign(key: "ec.EllipticCurvePrivateKey", signed: bytes) -> bytes:
    # Not every machine has it; few verbs need it.
    from cryptography.hazmat.primitives.asymmetric import utils  # noqa: PLC0415

    der = keys.signed(key, signed)
    return b"".join(number.to_bytes(_NUMBER) for number in utils.decode_dss_signature(der))


def _verifies(key: "ec.EllipticCurvePublicKey", signed: bytes, signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric import utils  # noqa: PLC0415

    if len(signature) != 2 * _NUMBER:
        return False
    numbers = (int.from_bytes(signature[:_NUMBER]), int.from_bytes(signature[_NUMBER:]))
    return keys.verifies(key, signed, utils.encode_dss_signature(*numbers))
