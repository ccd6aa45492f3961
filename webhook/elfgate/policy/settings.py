"""The settings ``policies`` of ``elfgate serve``: the bundle, your own rules, the engine."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PositiveFloat, field_validator, model_validator

from elfgate.policy.config import Model, PolicyConfig


class BundleKey(Model):
    """A key that may sign a bundle. Two keys at a time let one be exchanged without a gap."""

    key: Path = Field(description="PEM file of the public key.")
    key_id: str = Field(min_length=1, description="The key's name in signatures.")


class PolicyBundle(Model):
    """A signed bundle that is looked for now and then.

    Until the first is in force, the other policy settings apply.
    """

    location: str = Field(
        min_length=1,
        description="An https URL, or an image whose only layer is the bundle: in a registry, "
        "`oci:DIR` or an archive.",
    )
    keys: tuple[BundleKey, ...] = Field(
        min_length=1, description="Public keys. A bundle is signed with one of them (ES256)."
    )
    poll_seconds: PositiveFloat = Field(
        default=60.0, description="Seconds between checks for a new bundle."
    )
    keep: Path | None = Field(
        default=None,
        description="Folder of the last good bundle. A restart judges by it while the location "
        "is away.",
    )
    required: bool = Field(
        default=False, description="The webhook is not ready before a bundle is in force."
    )
    allow_rollback: bool = Field(
        default=False, description="A bundle with a lower serial than the one in force is taken."
    )

    @field_validator("keys")
    @classmethod
    def _named_apart(cls, keys: tuple[BundleKey, ...]) -> tuple[BundleKey, ...]:
        """Refuse two keys of one name: a signature says by its key's name which of them counts."""
        names = [key.key_id for key in keys]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two keys have the key_id {twice[0]}")
        return keys


class Policies(PolicyConfig):
    """The policies that judge, and settings that differ from the bundle's own."""

    folder: Path | None = Field(
        default=None,
        description="Folder of a policy bundle. Default: the bundle that comes with elfgate.",
    )
    own_rules: Path | None = Field(
        default=None,
        description="Folder of your own rules in Rego, such as a ConfigMap's volume.",
    )
    bundle: PolicyBundle | None = Field(default=None, description=PolicyBundle.__doc__)
    engine: Literal["embedded", "opa"] = Field(
        default="embedded",
        description="Policy engine: in this process, or an OPA server beside it.",
    )
    opa_socket: Path | None = Field(default=None, description="Unix socket of the OPA server.")
    seconds: PositiveFloat = Field(
        default=1.0,
        le=30,
        description="Seconds that OPA or your own rules may take for a review. A rule that "
        "takes longer is left out.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.engine == "opa" and self.opa_socket is None:
            raise ValueError("the engine opa needs opa_socket")
        if self.engine == "embedded" and self.opa_socket is not None:
            raise ValueError("opa_socket is for the engine opa, and engine is embedded")
        if self.bundle is not None and (self.engine == "opa" or self.own_rules is not None):
            raise ValueError("a bundle has its own rules, and OPA looks for its bundles itself")
        return self
