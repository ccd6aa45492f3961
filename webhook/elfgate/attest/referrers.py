"""Attestations beside an image: written as a registry lists them, and found again.

Sources: OCI image spec 1.1 ("Guidelines for Artifact Usage", ``subject``); OCI distribution spec
1.1 ("Listing Referrers", "Referrers Tag Schema"); cosign's form of attestations (an envelope as a
layer, with its ``predicateType``).
"""

import base64
import binascii
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Protocol, runtime_checkable

import orjson
from pydantic import BaseModel, Field, ValidationError

from elfgate.attest.dsse import MEDIA_TYPE, opened
from elfgate.attest.statements import FACTS, read_facts
from elfgate.errors import UnreadableError
from elfgate.images import mediatypes
from elfgate.images.digests import digest_of
from elfgate.images.source import Descriptor
from elfgate.keys import Verifier

log = logging.getLogger(__name__)

EMPTY_TYPE, EMPTY = "application/vnd.oci.empty.v1+json", b"{}"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_MOST_LISTED, _MOST_TRIED = 1000, 8
_MOST_ENVELOPE_BYTES = 1 << 20
_WITHIN_BYTES = 64 << 10  # of an envelope that its manifest has within


@runtime_checkable
class Referred(Protocol):
    """A source that knows what refers to a manifest."""

    def referrers(self, digest: str) -> bytes:
        """The index of manifests that refer to one.

        Raises:
            UnreadableError: if there is none, or it cannot be had.
        """

    def whole(self, descriptor: Descriptor, limit: int) -> bytes:
        """The bytes of a manifest or a blob, of which there may be so many: digest verified.

        Raises:
            UnreadableError: if they cannot be had, or are not what they should be.
        """


class _Entry(BaseModel):
    """A descriptor, of which a short content may be part (OCI image spec, ``data``)."""

    mediaType: str = ""  # noqa: N815 - the spec's name
    digest: str
    size: Annotated[int, Field(ge=0)] = 0
    artifactType: str = ""  # noqa: N815 - the spec's name
    annotations: Mapping[str, str] = {}
    data: Annotated[str, Field(max_length=2 * _MOST_ENVELOPE_BYTES)] = ""


class _Listed(BaseModel):
    manifests: Annotated[list[_Entry], Field(max_length=_MOST_LISTED)]


class _Manifest(BaseModel):
    layers: Annotated[list[_Entry], Field(min_length=1, max_length=_MOST_LISTED)]


def manifest(
    subject: Descriptor, predicate_type: str, envelope: bytes, blobs: Sequence[Descriptor]
) -> bytes:
    """The manifest of an attestation: its envelope, and what the statement refers to.

    A short envelope is within it too, so that whoever reads it is spared a way.

    Args:
        subject: The image's manifest.
        predicate_type: What is stated.
        envelope: The signed statement, which is a blob as well.
        blobs: Indexes of layers.
    """
    described = Descriptor(MEDIA_TYPE, digest_of(envelope), len(envelope))
    is_short = len(envelope) <= _WITHIN_BYTES
    within = {"data": base64.b64encode(envelope).decode()} if is_short else {}
    about = {_SIGNATURE: "", "predicateType": predicate_type}
    document = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_MANIFEST,
        "artifactType": MEDIA_TYPE,
        "config": _plain(EMPTY_DESCRIPTOR),
        "layers": [_plain(described) | within | {"annotations": about}, *map(_plain, blobs)],
        "subject": _plain(subject),
        "annotations": {"predicateType": predicate_type},
    }
    return orjson.dumps(document)


def with_entry(index: bytes | None, attestation: Descriptor, predicate_type: str) -> bytes:
    """The index of the fallback tag, with an attestation; what others have put there stays."""
    listed = orjson.loads(index)["manifests"] if index else []
    if index and any(entry.get("digest") == attestation.digest for entry in listed):
        return index
    about = {"artifactType": MEDIA_TYPE, "annotations": {"predicateType": predicate_type}}
    document = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_INDEX,
        "manifests": [*listed, _plain(attestation) | about],
    }
    return orjson.dumps(document)


def fallback_tag(digest: str) -> str:
    """The tag under which registries without the API have a manifest's referrers."""
    return digest.replace(":", "-")


def attested(
    source: Referred, manifest_digest: str, keys: Sequence[Verifier]
) -> tuple[dict[str, Descriptor], Verifier] | None:
    """Find the indexes of an image's layers by the first attestation that holds; blocks.

    Args:
        source: Has the image.
        manifest_digest: Its manifest.
        keys: Whose statements are believed.

    Returns:
        The indexes by their layers' digests, and the key that signed them; None if no attestation
        holds.
    """
    try:
        listed = list(_facts_among(source.referrers(manifest_digest)))
    except (UnreadableError, ValueError) as error:
        log.debug("attestations of %s: %s", manifest_digest, error)
        return None
    for entry in listed[:_MOST_TRIED]:
        try:
            payload, key = opened(_envelope(source, entry), keys)
            return read_facts(payload, manifest_digest), key
        except (UnreadableError, ValueError) as error:
            log.info("attestation %s is passed over: %s", entry.digest, error)
    return None


def _facts_among(data: bytes) -> Iterator[Descriptor]:
    """The attestations of an index that say that they state facts."""
    try:
        listed = _Listed.model_validate_json(data)
    except ValidationError as error:
        raise ValueError("the list of referrers is not one") from error
    for entry in listed.manifests:
        if entry.annotations.get("predicateType") == FACTS:
            yield Descriptor(mediatypes.OCI_MANIFEST, entry.digest, entry.size)


def _envelope(source: Referred, entry: Descriptor) -> bytes:
    """The signed statement of an attestation."""
    try:
        found = _Manifest.model_validate_json(source.whole(entry, _MOST_ENVELOPE_BYTES))
    except ValidationError as error:
        raise ValueError("it is not a manifest") from error
    first = found.layers[0]
    if first.mediaType != MEDIA_TYPE or not 0 < first.size <= _MOST_ENVELOPE_BYTES:
        raise ValueError("it has no signed statement, or one that is too large")
    described = Descriptor(first.mediaType, first.digest, first.size)
    return _within(first) or source.whole(described, _MOST_ENVELOPE_BYTES)


def _within(entry: _Entry) -> bytes:
    """The content that is part of its descriptor; nothing if there is none, or it is another."""
    try:
        content = base64.b64decode(entry.data, validate=True)
    except binascii.Error:
        return b""
    is_right = len(content) == entry.size and digest_of(content) == entry.digest
    return content if is_right else b""


def _plain(descriptor: Descriptor) -> dict[str, Any]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }


EMPTY_DESCRIPTOR = Descriptor(
    EMPTY_TYPE,
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    len(EMPTY),
)
