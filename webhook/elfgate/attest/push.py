"""Attaches attestations to an image in its registry."""

from collections.abc import Sequence
from dataclasses import dataclass

from elfgate.attest import cosign
from elfgate.attest.referrers import EMPTY, fallback_tag, manifest, with_entry
from elfgate.attest.statements import VERDICT
from elfgate.images import mediatypes
from elfgate.images.digests import digest_of
from elfgate.images.source import Descriptor
from elfgate.images.upload import Upload


@dataclass(frozen=True, slots=True)
class Attestation:
    """A signed statement about a manifest.

    Attributes:
        subject: The manifest.
        predicate_type: What is stated.
        envelope: The signed statement.
        blobs: Indexes of layers that it refers to.
    """

    subject: Descriptor
    predicate_type: str
    envelope: bytes
    blobs: Sequence[bytes] = ()

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return len(self.envelope) + sum(map(len, self.blobs))


async def attach(upload: Upload, attestation: Attestation, index_type: str) -> str:
    """Push an attestation, and list it where the registry does not; return its digest.

    Raises:
        InputError: if the registry does not take it.
    """
    for blob in (EMPTY, attestation.envelope, *attestation.blobs):
        await upload.put_blob(blob)
    blobs = [_descriptor(index_type, blob) for blob in attestation.blobs]
    content = manifest(attestation.subject, attestation.predicate_type, attestation.envelope, blobs)
    described = _descriptor(mediatypes.OCI_MANIFEST, content)
    if not await upload.put_referrer(content, described.digest):
        await _list(upload, attestation, described)
    if attestation.predicate_type == VERDICT:
        await tell_cosign(upload, attestation.subject.digest, attestation.envelope, VERDICT)
    return described.digest


async def tell_cosign(upload: Upload, digest: str, envelope: bytes, predicate_type: str) -> None:
    """Put a statement that is for others where cosign looks for it.

    Args:
        upload: The repository.
        digest: The manifest or index that is stated about.
        envelope: The signed statement.
        predicate_type: What it states.

    Raises:
        InputError: if the registry does not take it.
    """
    tag = cosign.tag(digest)
    listed = await upload.get_manifest(tag)
    stated, config = cosign.with_statement(listed, envelope, predicate_type)
    if stated == listed:
        return
    for blob in (envelope, config):
        await upload.put_blob(blob)
    await upload.put_manifest(stated, name=tag)


async def _list(upload: Upload, attestation: Attestation, described: Descriptor) -> None:
    """List an attestation under the fallback tag of its subject."""
    tag = fallback_tag(attestation.subject.digest)
    listed = await upload.get_manifest(tag)
    content = with_entry(listed, described, attestation.predicate_type)
    if content == listed:
        return
    await upload.put_manifest(content, name=tag, media_type=mediatypes.OCI_INDEX)


def _descriptor(media_type: str, content: bytes) -> Descriptor:
    return Descriptor(media_type, digest_of(content), len(content))
