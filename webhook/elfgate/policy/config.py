"""The settings that policies decide by: which rules deny, what unknown means, where it differs, and what is exempt.

They end in ``data.elfgate.config``. Their JSON Schema is ``policies/schema/config.json``.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from elfgate.errors import UnknownReason
from elfgate.platforms import ARCHITECTURES


def _off(value: object) -> object:
    """Read YAML 1.1's bare ``off``, which is a boolean there, as the word."""
    return "off" if value is False else value


def _pattern(text: str) -> str:
    """Take at most one ``*``: such a pattern is a beginning and an end, and costs nothing to match."""
    if text.count("*") > 1:
        raise ValueError(f"{text!r} has more than one *")
    return text


def _known_architecture(name: str) -> str:
    if name not in ARCHITECTURES:
        raise ValueError(
            f"{name} is none of the known architectures: {', '.join(sorted(ARCHITECTURES))}"
        )
    return name


Mode: TypeAlias = Annotated[Literal["deny", "warn", "dryrun", "off"], BeforeValidator(_off)]
NoteMode: TypeAlias = Annotated[Literal["warn", "dryrun", "off"], BeforeValidator(_off)]
Unknown: TypeAlias = Literal["deny", "warn", "allow"]
Point: TypeAlias = Literal["workload", "pod", "binding", "check", "audit"]
Pattern: TypeAlias = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_pattern)]
ArchitectureName: TypeAlias = Annotated[str, AfterValidator(_known_architecture)]
Line: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class Model(BaseModel):
    """Frozen, and closed: a misspelt key is an error, never silently without effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Layer(Model):
    """Settings that hold somewhere. What is not given is taken from the layer below."""

    require: Annotated[
        Literal["any", "all"] | None,
        Field(
            description="How many of the platforms that a pod may land on must be able to start it"
        ),
    ] = None
    rules: Annotated[
        dict[str, Mode], Field(description="What a rule's findings lead to, by the rule's code")
    ] = {}
    unknown: Annotated[
        dict[UnknownReason, Unknown],
        Field(description="What it leads to that a start cannot be predicted, by reason"),
    ] = {}
    notes: Annotated[
        dict[str, NoteMode],
        Field(
            description="What a rule's notes lead to: findings about a program that starts all the same"
        ),
    ] = {}


class Exemption(Model):
    """What rules do not refuse, for a while. A pattern may have one ``*``; what is not given is anything."""

    namespace: Annotated[Pattern, Field(description="Pattern of namespaces")] = "*"
    image: Annotated[
        Pattern,
        Field(
            description="Pattern of images, as REPOSITORY or REPOSITORY:TAG; no registry means docker.io"
        ),
    ] = "*"
    workload: Annotated[
        Pattern, Field(description="Pattern of NAME or KIND/NAME; needs a namespace beside it")
    ] = "*"
    rules: Annotated[list[str], Field(description="Codes of the rules; none for every rule")] = []
    owner: Annotated[Line, Field(description="Who answers for it")]
    reason: Annotated[Line, Field(description="Why it is granted")]
    expires: Annotated[date, Field(description="The last day (UTC) on which it holds in silence")]
    grace_days: Annotated[
        int,
        Field(
            ge=0,
            le=365,
            description="For so long afterwards it turns denials into warnings that say it ended",
        ),
    ] = 14

    @model_validator(mode="after")
    def _narrow(self) -> Self:
        if self.namespace == self.image == "*":
            raise ValueError(
                "an exemption needs a namespace or an image (to switch a rule off, set its mode)"
            )
        if self.workload != "*" and self.namespace == "*":
            raise ValueError(
                "a workload needs a namespace beside it: names are for tenants to choose"
            )
        return self

    def data(self) -> dict[str, Any]:
        """As policies read it, which can compare dates but not count days."""
        ends = self.expires + timedelta(days=self.grace_days)
        return self.model_dump(mode="json", exclude={"grace_days"}) | {"ends": ends.isoformat()}


class SupportRow(Model):
    """A row of a support matrix: where a project says that a variant of its image is supported."""

    repository: Annotated[
        Pattern, Field(description="Pattern of repositories; no registry means docker.io")
    ]
    variant: Annotated[
        str,
        Field(
            min_length=1,
            description="os-release's ID (alpine, debian, …), ubi, scratch, or * for any",
        ),
    ] = "*"
    architectures: Annotated[
        list[ArchitectureName], Field(min_length=1, description="As kubernetes.io/arch has them")
    ]
    source: Annotated[Line, Field(description="Where the project says so; quoted in refusals")]


class PolicyConfig(Layer):
    """Settings for the whole cluster, and where they differ. A namespace outranks an enforcement point."""

    points: Annotated[dict[Point, Layer], Field(description="By enforcement point")] = {}
    namespaces: Annotated[dict[str, Layer], Field(description="By namespace")] = {}
    exemptions: Annotated[
        list[Exemption],
        Field(description="What is let pass, by whom and until when", max_length=1000),
    ] = []
    support: Annotated[
        list[SupportRow],
        Field(description="Support matrices: what they leave out is refused", max_length=5000),
    ] = []

    def overlay(self) -> dict[str, object]:
        """What to lay over the bundle's own settings: only what was given."""
        given: dict[str, object] = PolicyConfig.model_dump(
            self, mode="json", exclude_unset=True, include=set(PolicyConfig.model_fields)
        )
        if "exemptions" in given:
            given["exemptions"] = [exemption.data() for exemption in self.exemptions]
        if "support" in given:
            given["support"] = [row.model_dump(mode="json") for row in self.support]
        return given

    def codes(self) -> set[str]:
        """Every rule that these settings speak of."""
        return set(self._codes())

    def _codes(self) -> Iterator[str]:
        for layer in (self, *self.points.values(), *self.namespaces.values()):
            yield from layer.rules
            yield from layer.notes
        for exemption in self.exemptions:
            yield from exemption.rules
