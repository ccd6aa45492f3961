"""Signatures in cosign's forms, by a key file.

Of blobs, of images and artifacts, and of statements about them.

Sources: cosign's SIGNATURE_SPEC.md (simple signing; the tags ``sha256-….sig`` and
``sha256-….att``).
"""

import json
from pathlib import Path
from typing import Any

from elfgate.attest import dsse
from elfgate.errors import InputError
from elfgate.keys import Signer
from lab.fetched import LabError
from lab.layout import OCI, Layout

_SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"


class Key(Signer):
    """A private key.

    Args:
        path: A PEM file: PKCS#8, ECDSA on P-256, without a password.

    Raises:
        LabError: if the file holds no such key.
    """

    def __init__(self, path: Path) -> None:
        try:
            super().__init__(path.read_bytes())
        except (OSError, InputError) as error:
            raise LabError(f"{path}: {error}") from error


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
    blob = layout.blob(dsse.MEDIA_TYPE, dsse.envelope(key, statement))
    about = {_SIGNATURE: "", "predicateType": statement["predicateType"]}
    _write(layout, f"{name}:{tag(digest, 'att')}", blob | {"annotations": about})


def _write(layout: Layout, name: str, blob: dict[str, Any]) -> None:
    rootfs = {"type": "layers", "diff_ids": [blob["digest"]]}
    config = layout.document(
        f"{OCI}.config.v1+json", {"architecture": "", "os": "", "config": {}, "rootfs": rootfs}
    )
    layout.artifact(name, config, [blob])
