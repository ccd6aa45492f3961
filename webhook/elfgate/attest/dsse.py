"""Envelopes of signed statements.

Source: the DSSE protocol and envelope v1 (pre-authentication encoding); in-toto attestation v1.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field, ValidationError

from elfgate.keys import Signer, Verifier

MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
_IN_TOTO = "application/vnd.in-toto+json"
_MOST_SIGNATURES = 16


class _Signature(BaseModel):
    sig: Annotated[str, Field(max_length=1024)]


class _Envelope(BaseModel):
    payloadType: Literal["application/vnd.in-toto+json"]  # noqa: N815 - the protocol's name
    payload: str
    signatures: Annotated[list[_Signature], Field(max_length=_MOST_SIGNATURES)]


def envelope(key: Signer, statement: dict[str, Any]) -> bytes:
    """A statement, signed: the same bytes for the same statement and key."""
    payload = orjson.dumps(statement, option=orjson.OPT_SORT_KEYS)
    signature = key.sign(_encoded(payload))
    document = {
        "payloadType": _IN_TOTO,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": signature}],
    }
    return orjson.dumps(document)


def opened(data: bytes, keys: Sequence[Verifier]) -> tuple[bytes, Verifier]:
    """The payload of an envelope that one of some keys has signed, and which key that is.

    Nothing of the payload is looked at.

    Raises:
        ValueError: if the bytes are no envelope, or none of the keys has signed it.
    """
    try:
        found = _Envelope.model_validate_json(data)
        payload = base64.b64decode(found.payload, validate=True)
    except (ValidationError, binascii.Error) as error:
        raise ValueError("it is not an envelope of a signed statement") from error
    content = _encoded(payload)
    for key in keys:
        if any(key.accepts(signature.sig, content) for signature in found.signatures):
            return payload, key
    raise ValueError("it is not signed by a key of this repository")


def _encoded(payload: bytes) -> bytes:
    """The bytes that are signed (PAE)."""
    kind = _IN_TOTO.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
