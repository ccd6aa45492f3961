"""The settings that policies decide by.

Which rules deny, what unknown means, where it differs, and what is exempt.

They end in ``data.elfgate.config``. Their JSON Schema is ``policies/schema/config.json``.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from elfgate.errors import UnknownReason
from elfgate.platforms import ARCHITECTURES
from elfgate.policy.names import (
    ImagePattern,
    NamespaceKey,
    NamespacePattern,
    RepositoryPattern,
    WorkloadPattern,
)


def _off(value: object) -> object:
    """Read YAML 1.1's bare ``off``, which is a boolean there, as the word."""
    return "off" if value is False else value


def _lower(value: object) -> object:
    """Write a variant as os-release does: in lower case."""
    return value.lower() if isinstance(value, str) else value


def _day(value: object) -> object:
    """Take a day as YAML and JSON have it, and nothing that only contains one."""
    is_date = isinstance(value, date) and not isinstance(value, datetime)
    is_text = isinstance(value, str) and _is_day(value)
    if not (is_date or is_text):
        raise ValueError("write a day, such as 2027-06-30")
    return value


def _is_day(text: str) -> bool:
    """Whether a text is a day of the calendar, written with hyphens."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _one_line(text: str) -> str:
    """Take what can be said within a sentence: refusals and tables show it in one line."""
    if not _LINE.fullmatch(text):
        raise ValueError("write one line, without tabs and other control characters")
    return text


def _variant(text: str) -> str:
    """Take an os-release's ID.

    Source: os-release(5): lower-case letters, digits, and the characters ., _ and -.
    """
    if not _VARIANT.fullmatch(text):
        raise ValueError(f"{text!r} is no variant: write an os-release's ID, such as debian, or *")
    return text


def _known_architecture(name: str) -> str:
    if name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ValueError(f"no architecture is called {name}: there are {known}")
    return name


_LINE = re.compile(r"^[^\x00-\x1f\x7f]+$")
_VARIANT = re.compile(r"^([a-z0-9._-]+|\*)$")

Mode: TypeAlias = Annotated[Literal["deny", "warn", "dryrun", "off"], BeforeValidator(_off)]
NoteMode: TypeAlias = Annotated[Literal["warn", "dryrun", "off"], BeforeValidator(_off)]
Unknown: TypeAlias = Literal["deny", "warn", "dryrun", "allow"]
Most: TypeAlias = Literal["dryrun", "warn", "deny"]
Point: TypeAlias = Literal["workload", "pod", "binding", "check"]
ArchitectureName: TypeAlias = Annotated[str, AfterValidator(_known_architecture)]
Line: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=512, json_schema_extra={"pattern": _LINE.pattern}),
    AfterValidator(_one_line),
]


_UNKNOWN_RULE = "linkage_unknown"
DECISION = "no_common_platform"
"""The code of what the decision itself says, beside what rules find."""


class Model(BaseModel):
    """Frozen, and closed: a misspelt key is an error, never silently without effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _given(cls, fields: Any) -> Any:
        """Take null for what is not given."""
        if not isinstance(fields, dict):
            return fields
        return {name: value for name, value in fields.items() if value is not None}


class Layer(Model):
    """Settings that hold somewhere. What is not given is taken from the layer below."""

    require: Annotated[
        Literal["any", "all"] | None,
        Field(
            description="How many of the platforms that a pod may land on must be able to start it"
        ),
    ] = None
    most: Annotated[
        Most | None,
        Field(
            description="The most that anything may do, rules of later versions too: nothing "
            "denies under warn, and nobody is told of anything under dryrun"
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
            description="What a rule's notes lead to: findings about a program that starts all "
            "the same"
        ),
    ] = {}
    daemonsets: Annotated[
        Literal["any", "all"] | None,
        Field(
            description="The same for DaemonSets, which run on every node; any takes them as "
            "require says"
        ),
    ] = None
    help: Annotated[
        Line | None,
        Field(description="The owner's own line beside a refusal, such as whom to ask"),
    ] = None
    rule_help: Annotated[
        dict[str, Line],
        Field(description="The same for one rule's refusals, by its code"),
    ] = {}


class Exemption(Model):
    """An exemption: starts that rules do not refuse, for a while.

    A pattern may have one ``*``; what is not given is anything.
    """

    namespace: Annotated[NamespacePattern, Field(description="Pattern of namespaces")] = "*"
    image: Annotated[
        ImagePattern,
        Field(
            description="Pattern of images, as REPOSITORY, REPOSITORY:TAG or REPOSITORY@DIGEST; "
            "no registry means docker.io, and * stands for slashes and colons too. A tag does "
            "not match an image that names a digest, as runtimes pass over its tag"
        ),
    ] = "*"
    workload: Annotated[
        WorkloadPattern,
        Field(description="Pattern of NAME or KIND/NAME; needs a namespace beside it"),
    ] = "*"
    rules: Annotated[list[str], Field(description="Codes of the rules; none for every rule")] = []
    owner: Annotated[Line, Field(description="Who answers for it")]
    reason: Annotated[Line, Field(description="Why it is granted")]
    expires: Annotated[
        date,
        BeforeValidator(_day),
        Field(description="The last day (UTC) on which it holds in silence"),
    ]
    grace_days: Annotated[
        int,
        Field(
            strict=True,
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

    def only(self, codes: set[str]) -> "Exemption | None":
        """Return the exemption for these rules alone; None if it is for none of them."""
        rules = [code for code in self.rules if code in codes]
        if self.rules and not rules:
            return None
        return self.model_copy(update={"rules": rules})

    def data(self) -> dict[str, Any]:
        """The form that policies read, which can compare dates but not count days."""
        days = min(self.grace_days, (date.max - self.expires).days)
        ends = self.expires + timedelta(days=days)
        return self.model_dump(mode="json", exclude={"grace_days"}) | {"ends": ends.isoformat()}


class SupportRow(Model):
    """A row of a support matrix: where a project says that a variant of its image is supported."""

    repository: Annotated[
        RepositoryPattern, Field(description="Pattern of repositories; no registry means docker.io")
    ]
    variant: Annotated[
        str,
        BeforeValidator(_lower),
        AfterValidator(_variant),
        Field(
            json_schema_extra={"pattern": _VARIANT.pattern},
            description="os-release's ID (alpine, debian, …), ubi, scratch, or * for any",
        ),
    ] = "*"
    architectures: Annotated[
        list[ArchitectureName], Field(min_length=1, description="As kubernetes.io/arch has them")
    ]
    source: Annotated[Line, Field(description="Where the project says so; quoted in refusals")]


def _values(fields: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return list(fields.get(key, {}).values())


class PolicyConfig(Layer):
    """Settings for the whole cluster, and where they differ.

    A namespace outranks an enforcement point.

    Labels of a namespace come first, the most of them last; then patterns, the longest last; then
    its own name, which has the very last word. While its labels are not known, nothing does more
    than warn.
    """

    points: Annotated[dict[Point, Layer], Field(description="By enforcement point")] = {}
    namespaces: Annotated[
        dict[NamespaceKey, Layer],
        Field(
            description="By namespace, by a pattern of namespaces with at most one *, or by labels "
            "of theirs, as stage=prod or stage=prod,tier=web"
        ),
    ] = {}
    exemptions: Annotated[
        list[Exemption],
        Field(description="What is let pass, by whom and until when", max_length=1000),
    ] = []
    exempting_namespaces: Annotated[
        list[NamespacePattern],
        Field(
            description="Patterns of the namespaces that may exempt objects of their own, by a "
            "ConfigMap called elfgate-exemptions",
            max_length=1000,
        ),
    ] = []
    support: Annotated[
        list[SupportRow],
        Field(description="Support matrices: what they leave out is refused", max_length=5000),
    ] = []
    parameters: Annotated[
        dict[str, dict[str, Any]],
        Field(description="By rule: values for the parameters that its METADATA names"),
    ] = {}

    @model_validator(mode="after")
    def _in_earnest(self) -> Self:
        """Refuse an unknown that is to deny where the rule that denies unknowns may only warn."""
        self._check_unknowns("", {}, self)
        for name, layer in (*self.points.items(), *self.namespaces.items()):
            self._check_unknowns(f" in {name}", self.rules, layer)
        return self

    def _check_unknowns(self, where: str, rules: Mapping[str, str], layer: Layer) -> None:
        mode = layer.rules.get(_UNKNOWN_RULE) or rules.get(_UNKNOWN_RULE, "deny")
        denying = sorted(reason for reason, what in layer.unknown.items() if what == "deny")
        if mode != "deny" and denying:
            raise ValueError(
                f"unknown.{denying[0]}: deny{where} never denies, as rules.{_UNKNOWN_RULE} is "
                f"{mode}"
            )

    def overlay(self) -> dict[str, object]:
        """The settings to lay over the bundle's own: only those given; null is not given."""
        given: dict[str, object] = PolicyConfig.model_dump(
            self,
            mode="json",
            exclude_unset=True,
            exclude_none=True,
            include=set(PolicyConfig.model_fields),
        )
        if "exemptions" in given:
            given["exemptions"] = [exemption.data() for exemption in self.exemptions]
        if "support" in given:
            given["support"] = [row.model_dump(mode="json") for row in self.support]
        return given

    def only(self, codes: set[str]) -> "PolicyConfig":
        """Return these settings without those of other rules than these."""
        codes = codes | {DECISION}
        fields = PolicyConfig.model_dump(
            self, exclude_unset=True, include=set(PolicyConfig.model_fields)
        )
        for layer in (fields, *_values(fields, "points"), *_values(fields, "namespaces")):
            for of_rules in ("rules", "notes", "rule_help"):
                if of_rules in layer:
                    given = layer[of_rules].items()
                    layer[of_rules] = {code: mode for code, mode in given if code in codes}
        if "parameters" in fields:
            given = fields["parameters"].items()
            fields["parameters"] = {code: values for code, values in given if code in codes}
        exemptions = [exemption.only(codes) for exemption in self.exemptions]
        if exemptions:
            fields["exemptions"] = [each.model_dump() for each in exemptions if each]
        return PolicyConfig.model_validate(fields)

    def codes(self) -> set[str]:
        """Every rule that these settings speak of."""
        return set(self._codes())

    def _codes(self) -> Iterator[str]:
        yield from self.parameters
        for layer in (self, *self.points.values(), *self.namespaces.values()):
            yield from layer.rules
            yield from layer.notes
            yield from layer.rule_help.keys() - {DECISION}
        for exemption in self.exemptions:
            yield from exemption.rules
