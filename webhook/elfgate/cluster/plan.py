"""What is set of a self-made certificate."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat


class SelfMade(BaseModel):
    """A certificate that replicas make and renew themselves, instead of files; `caBundle` follows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.:-]*$")], ...] = Field(
        min_length=1,
        description="What the API server calls this: `SERVICE.NAMESPACE.svc`; or an IP address.",
    )
    webhooks: tuple[str, ...] = Field(
        description="Names of the Validating- and MutatingWebhookConfigurations that are to trust it; takes the rights "
        "to get and patch these of both kinds."
    )
    secret: str = Field(
        default="elfgate-tls",
        description="The Secret (Opaque) that it is kept in; takes the rights to get and update it, and to create "
        "secrets if it is not there. Emptied, a new certificate is made.",
    )
    lease: str = Field(
        default="elfgate-tls",
        description="The Lease that keeps replicas apart; takes the rights to create leases, "
        "and to get and update this one.",
    )
    namespace: str = Field(
        default="", description="Where Secret and Lease are; else where the pod itself is."
    )
    days: PositiveFloat = Field(
        default=90.0, description="How long it is valid; renewed when two thirds have passed."
    )
    settle_seconds: NonNegativeFloat = Field(
        default=10.0,
        description="From when API servers are told of a new authority to when its certificate is served.",
    )
    overlap_seconds: NonNegativeFloat = Field(
        default=86400.0, description="From then to when the old authority is no longer trusted."
    )
    wait_seconds: PositiveFloat = Field(default=60.0, description="How long a start waits for it.")
