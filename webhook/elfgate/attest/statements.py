"""The two statements about an image's manifest: its verdict, and the facts of its layers.

Source: in-toto attestation v1 (statement, subject, predicateType).
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from elfgate.elf import sparse
from elfgate.images.source import Descriptor
from elfgate.rootfs import form

VERDICT = "https://elfgate.dev/attestations/verdict/v1"
FACTS = "https://elfgate.dev/attestations/facts/v1"
INDEX_TYPE = "application/vnd.elfgate.layer-index.v1"
FORM = f"{form.VERSION}.{sparse.VERSION}"
"""The form of layers' indexes that this program writes and reads."""

_STATEMENT = "https://in-toto.io/Statement/v1"
_MOST_LAYERS = 1000
_MOST_INDEX_BYTES = 64 << 20

_Digest = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]


class _Subject(BaseModel):
    digest: Mapping[str, str]


class _Index(BaseModel):
    digest: _Digest
    size: Annotated[int, Field(gt=0, le=_MOST_INDEX_BYTES)]


class _Layer(BaseModel):
    digest: _Digest
    index: _Index


class _Facts(BaseModel):
    form: str
    layers: Annotated[tuple[_Layer, ...], Field(max_length=_MOST_LAYERS)]


class _Statement(BaseModel):
    kind: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: Annotated[list[_Subject], Field(max_length=16)]
    predicateType: Literal["https://elfgate.dev/attestations/facts/v1"]  # noqa: N815 - in-toto's
    predicate: _Facts


def statement(
    name: str, manifest: str, predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """A statement about a manifest.

    Args:
        name: The image's repository.
        manifest: The manifest's digest.
        predicate_type: ``VERDICT`` or ``FACTS``.
        predicate: What is stated.
    """
    algorithm, _, value = manifest.partition(":")
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {algorithm: value}}],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def facts(indexes: Sequence[tuple[str, Descriptor]]) -> dict[str, Any]:
    """The predicate about layers: by each layer's digest, where its index is."""
    layers = [
        {"digest": digest, "index": {"digest": index.digest, "size": index.size}}
        for digest, index in indexes
    ]
    return {"form": FORM, "layers": layers}


def read_facts(payload: bytes, manifest: str) -> dict[str, Descriptor]:
    """Read the place of each layer's index from a verified statement about a manifest.

    Raises:
        ValueError: if it is no statement of facts, is about another manifest, or its indexes are of
            a form that this program does not read.
    """
    try:
        found = _Statement.model_validate_json(payload)
    except ValidationError as error:
        raise ValueError("it is not a statement of facts") from error
    algorithm, _, value = manifest.partition(":")
    if not any(subject.digest.get(algorithm) == value for subject in found.subject):
        raise ValueError("it is about another image")
    if found.predicate.form != FORM:
        raise ValueError("its indexes are of another version")
    return {
        layer.digest: Descriptor(INDEX_TYPE, layer.index.digest, layer.index.size)
        for layer in found.predicate.layers
    }
