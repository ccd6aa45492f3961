"""The documents of ``elfgate rules`` and ``elfgate explain``."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from elfgate.policy.rulebook import link_to
from elfgate.results.model import Headed, Model, schema

if TYPE_CHECKING:
    from elfgate.policy.metadata import Rule


class RuleOutput(Model):
    """A rule."""

    code: str
    title: str
    description: str
    link: str = Field(default="", description="the page that explains it; empty for one's own")
    remedy: str = Field(description="the way out")
    mode: str = Field(description="what its findings lead to by these settings, in words")
    own: bool = Field(description="it did not come with elfgate")
    example: str = Field(
        description="what people are told, in a case of it; empty if there is none"
    )

    @classmethod
    def of(cls, rule: "Rule", example: str = "") -> Self:
        """From the policies'."""
        link = "" if rule.own else link_to(rule.code)
        return cls.model_validate({**asdict(rule), "link": link, "example": example})


class ExplainOutput(RuleOutput, Headed):
    """``elfgate explain -o json``."""

    schema_: str = schema("explain")


class ExemptionOutput(Model):
    """An exemption, and how long it holds."""

    state: Literal["holds", "ends soon", "warns", "ended"] = Field(
        description="today: within 30 days of its last day it ends soon, in its days of grace it "
        "warns"
    )
    namespace: str
    image: str
    workload: str
    rules: list[str] = Field(description="none for every rule")
    owner: str
    reason: str
    expires: str = Field(description="the last day (UTC) on which it holds in silence")
    ends: str = Field(description="the last day of grace")


class RulesOutput(Headed):
    """``elfgate rules -o json``."""

    schema_: str = schema("rules")

    revision: str = Field(description="of the policies")
    rules: list[RuleOutput]
    exemptions: list[ExemptionOutput] = Field(default=[])
    cautions: list[str] = Field(default=[], description="what the settings' owner should know")
