"""Settings of how reviews are answered."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from elfgate.cluster.template import Template
from elfgate.settings.model import Model
from elfgate.settings.names import NamespaceName


class Admission(Model):
    """How a review is answered."""

    fail: Literal["allow", "deny"] = Field(
        default="allow",
        description="The answer when elfgate itself fails or runs out of time; `allow` comes "
        "with a warning.",
    )
    exempt_namespaces: tuple[NamespaceName, ...] = Field(
        default=(),
        description="Namespaces whose objects are admitted unjudged, as are `kube-system`'s and "
        "those of the webhook's own.",
    )
    kinds: tuple[Template, ...] = Field(
        default=(),
        description="Further kinds that hold a pod template: `group`, `kind`, the template's "
        "`path` (a list, such as `[spec, template]`; empty for the object itself), and "
        "`every_node` for kinds that run on each node.",
    )
    steer: bool = Field(
        default=False,
        description="Answer `POST /mutate`: pods get a required node affinity for the "
        "architectures they can start on.",
    )
    first_sight_seconds: NonNegativeFloat = Field(
        default=2.0,
        description="Seconds that a review waits for an image seen for the first time. Then the "
        "image is unknown; reading goes on.",
    )
    bindings: bool = Field(
        default=False,
        description="Judge bindings too, where the webhook receives them. Needs the right to "
        "get pods.",
    )
    events: bool = Field(
        default=False,
        description="Write an Event on an object and its owner if the object was admitted as "
        "unknown and then turns out unable to start. Needs the rights to create and patch "
        "events.",
    )
    namespace_labels: bool = Field(
        default=False,
        description="Tell your own rules the labels of namespaces, if they look at them. Needs the "
        "right to get namespaces.",
    )
    margin_seconds: NonNegativeFloat = Field(
        default=0.5,
        description="Seconds between the answer and the API server's own deadline.",
    )
    default_timeout_seconds: PositiveFloat = Field(
        default=10.0,
        le=30,
        description="Deadline of a review without `?timeout=`. Kubernetes' own default is the "
        "same.",
    )
    body_bytes: PositiveInt = Field(
        default=3 << 20, description="Most bytes of a review; larger ones are refused unread (413)."
    )
    in_flight: PositiveInt = Field(
        default=256,
        description="Most reviews judged at once; further ones get the answer set by `fail`.",
    )
    drain_seconds: NonNegativeFloat = Field(
        default=5.0,
        description="Seconds after SIGTERM in which the webhook still answers, while endpoints drain.",
    )
