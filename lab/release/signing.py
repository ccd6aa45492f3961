"""Signatures in cosign's forms, by a key file.

Of blobs, of images and artifacts, and of statements about them.

Sources: cosign's SIGNATURE_SPEC.md (simple signing; the tags ``sha256-….sig`` and
``sha256-….att``); the DSSE protocol v1 (pre-authentication encoding).
"""

import base64
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lab.fetched import LabError
from lab.layout import OCI, Layout

_SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
_IN_TOTO = "application/vnd.in-toto+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"


class Key:
    """A private key.

    Args:
        path: A PEM file: PKCS#8, ECDSA on P-256, without a password.

    Raises:
        LabError: if the file holds no such key.
    """

    def __init__(self, path: Path) -> None:
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise LabError(f"{path}: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise LabError(f"{path} is no ECDSA key")
        self._key = key

    def sign(self, content: bytes) -> str:
        """The signature of some bytes, as ``cosign verify-blob`` takes it."""
        return base64.b64encode(self._key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()

    @property
    def public(self) -> bytes:
        """The public half, as PEM."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def tag(digest: str, suffix: str) -> str:
    """The tag that cosign looks for: ``sha256-….sig`` or ``sha256-….att``."""
    return f"{digest.replace(':', '-')}.{suffix}"


def sign_image(layout: Layout, key: Key, name: str, digest: str, repository: str) -> None:
    """Write the signature of an image or artifact beside it.

    Args:
        layout: The layout that holds it.
        key: The key.
        name: Its repository in the layout.
        digest: Its digest.
        repository: The repository that users pull it from.
    """
    critical = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    payload = json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()
    blob = layout.blob(_SIMPLE, payload) | {"annotations": {_SIGNATURE: key.sign(payload)}}
    _write(layout, f"{name}:{tag(digest, 'sig')}", blob)


def attest(layout: Layout, key: Key, name: str, digest: str, statement: dict[str, Any]) -> None:
    """Write a signed statement about an image or artifact beside it."""
    blob = layout.blob(_ENVELOPE, envelope(key, statement))
    about = {_SIGNATURE: "", "predicateType": statement["predicateType"]}
    _write(layout, f"{name}:{tag(digest, 'att')}", blob | {"annotations": about})


def envelope(key: Key, statement: dict[str, Any]) -> bytes:
    """A statement in a DSSE envelope."""
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    kind = _IN_TOTO.encode()
    encoded = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    document = {
        "payloadType": _IN_TOTO,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": key.sign(encoded)}],
    }
    return json.dumps(document).encode()


def _write(layout: Layout, name: str, blob: dict[str, Any]) -> None:
    rootfs = {"type": "layers", "diff_ids": [blob["digest"]]}
    config = layout.document(
        f"{OCI}.config.v1+json", {"architecture": "", "os": "", "config": {}, "rootfs": rootfs}
    )
    layout.artifact(name, config, [blob])
