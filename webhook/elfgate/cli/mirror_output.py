"""The output of ``elfgate mirror``, whose schema is published."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from elfgate.results.model import Headed, Model, schema
from elfgate.wiring.mirror import Mirrored


class MirroredOutput(Model):
    """One artefact."""

    image: str = Field(description="the artefact as it was named")
    target: str = Field(description="its reference in the other registry")
    digest: str = Field(description="of its index or manifest; the same in both")
    sent: int = Field(description="blobs that were sent")
    there: int = Field(description="blobs that the other registry had already")
    bytes: int = Field(description="bytes that were sent")
    signatures: list[str] = Field(description="tags of signatures and statements that went along")


class MirrorOutput(Headed):
    """``elfgate mirror -o json``."""

    schema_: str = schema("mirror")

    images: list[MirroredOutput]

    @classmethod
    def of(cls, mirrored: Sequence[Mirrored]) -> Self:
        """From what was copied."""
        return cls(images=[_of(each) for each in mirrored])


def _of(each: Mirrored) -> MirroredOutput:
    return MirroredOutput(
        image=each.image,
        target=each.target,
        digest=each.digest,
        sent=each.copied.blobs,
        there=each.copied.there,
        bytes=each.copied.bytes,
        signatures=each.signatures,
    )
