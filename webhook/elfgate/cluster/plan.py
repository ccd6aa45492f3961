"""The settings of a self-made certificate."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat


class SelfMade(BaseModel):
    """A certificate that replicas make and renew themselves, instead of files.

    `caBundle` follows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.:-]*$")], ...] = Field(
        min_length=1,
        description="Name by which the API server calls the webhook: `SERVICE.NAMESPACE.svc`, "
        "or an IP address.",
    )
    webhooks: tuple[str, ...] = Field(
        description="Names of the Validating- and MutatingWebhookConfigurations that trust the "
        "certificate. Needs the rights to get and patch both kinds by these names."
    )
    secret: str = Field(
        default="elfgate-tls",
        description="Secret (Opaque) that holds the certificate. Needs the rights to get and "
        "update it, and to create secrets where it is missing. Empty the Secret to have a new "
        "certificate made.",
    )
    lease: str = Field(
        default="elfgate-tls",
        description="Lease by which one replica at a time renews. Needs the rights to create "
        "leases, and to get and update this one.",
    )
    namespace: str = Field(
        default="", description="Namespace of Secret and Lease. Default: the pod's own."
    )
    days: PositiveFloat = Field(
        default=90.0,
        description="Days that a certificate is valid. It is renewed after two thirds of them.",
    )
    settle_seconds: NonNegativeFloat = Field(
        default=10.0,
        description="Seconds between publishing a new authority and serving its certificate.",
    )
    overlap_seconds: NonNegativeFloat = Field(
        default=86400.0,
        description="Seconds that the old authority stays trusted after the new certificate is "
        "served.",
    )
    wait_seconds: PositiveFloat = Field(
        default=60.0, description="Seconds that a start waits for a certificate."
    )
