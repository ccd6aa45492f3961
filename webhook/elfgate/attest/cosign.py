"""Verdicts where cosign looks for attestations: under the tag ``sha256-….att``.

Kyverno and policy-controller look there too, as they are built on cosign.

Source: cosign's specification of attestations (``specs/ATTESTATION_SPEC.md``): an image whose
layers are envelopes, each with its ``predicateType``.
"""

from typing import Any

import orjson

from elfgate.attest.dsse import MEDIA_TYPE
from elfgate.errors import InputError
from elfgate.images import mediatypes
from elfgate.images.digests import digest_of

_SIGNATURE = "dev.cosignproject.cosign/signature"
_TYPE = "predicateType"


def tag(digest: str) -> str:
    """The tag of a manifest's attestations."""
    return f"{digest.replace(':', '-')}.att"


def with_statement(
    listed: bytes | None, envelope: bytes, predicate_type: str
) -> tuple[bytes, bytes]:
    """The image of a manifest's attestations, with one more in place of an older one of its type.

    Args:
        listed: The image as it is; None if there is none. What others have stated stays.
        envelope: The signed statement.
        predicate_type: What it states.

    Returns:
        The image's manifest, the same bytes if nothing is new; and its config.

    Raises:
        InputError: if what is there is not such an image.
    """
    about = {_SIGNATURE: "", _TYPE: predicate_type}
    stated = _described(MEDIA_TYPE, envelope) | {"annotations": about}
    others = [layer for layer in _layers(listed) if _type(layer) != predicate_type]
    layers = [*others, stated]
    diff_ids = [layer["digest"] for layer in layers]
    config = orjson.dumps(
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )
    document = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_MANIFEST,
        "config": _described(mediatypes.OCI_CONFIG, config),
        "layers": layers,
    }
    is_there = listed is not None and stated["digest"] in map(_digest, _layers(listed))
    return (listed if listed and is_there else orjson.dumps(document)), config


def _layers(listed: bytes | None) -> list[dict[str, Any]]:
    if not listed:
        return []
    try:
        layers = orjson.loads(listed)["layers"]
        if all(isinstance(_digest(layer), str) for layer in layers):
            return list(layers)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise InputError("what the registry has under the tag of cosign's attestations is not an image")


def _digest(layer: dict[str, Any]) -> Any:
    return layer["digest"]


def _type(layer: dict[str, Any]) -> Any:
    return (layer.get("annotations") or {}).get(_TYPE)


def _described(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
