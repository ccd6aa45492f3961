"""The output of ``elfgate attest``: a model whose schema is published."""

import base64
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from elfgate.results.model import Headed, Model, schema
from elfgate.wiring.attest import Attested, Made


class StatementOutput(Model):
    """One signed statement."""

    kind: Literal["verdict", "facts"]
    size: int = Field(description="bytes, those of layers' indexes among them")
    envelope: str = Field(description="the DSSE envelope, in base64")

    @classmethod
    def of(cls, made: Made) -> "StatementOutput":
        """From what was made."""
        envelope = base64.b64encode(made.attestation.envelope).decode()
        return cls.model_validate({"kind": made.kind, "size": made.size, "envelope": envelope})


class AttestedOutput(Model):
    """The statements about one manifest."""

    digest: str
    platforms: list[str]
    statements: list[StatementOutput]


class AttestOutput(Headed):
    """``elfgate attest -o json``."""

    schema_: str = schema("attest")
    image: str
    pushed: bool
    manifests: list[AttestedOutput]

    @classmethod
    def of(cls, image: str, made: Sequence[Attested], *, pushed: bool) -> "AttestOutput":
        """From what was made."""
        manifests = [
            AttestedOutput(
                digest=each.subject.digest,
                platforms=[str(platform) for platform in each.platforms],
                statements=[StatementOutput.of(one) for one in each.statements],
            )
            for each in made
        ]
        return cls(image=image, pushed=pushed, manifests=manifests)
