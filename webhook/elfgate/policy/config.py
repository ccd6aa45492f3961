"""The settings that policies decide by: which rules deny, what unknown means, and where it differs.

They end in ``data.elfgate.config``. Their JSON Schema is ``policies/schema/config.json``.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from elfgate.errors import UnknownReason


def _off(value: object) -> object:
    """Read YAML 1.1's bare ``off``, which is a boolean there, as the word."""
    return "off" if value is False else value


Mode: TypeAlias = Annotated[Literal["deny", "warn", "dryrun", "off"], BeforeValidator(_off)]
NoteMode: TypeAlias = Annotated[Literal["warn", "dryrun", "off"], BeforeValidator(_off)]
Unknown: TypeAlias = Literal["deny", "warn", "allow"]
Point: TypeAlias = Literal["workload", "pod", "binding", "check", "audit"]


class Layer(BaseModel):
    """Settings that hold somewhere. What is not given is taken from the layer below."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    require: Annotated[
        Literal["any", "all"] | None,
        Field(description="How many of the platforms that a pod may land on must be able to start it"),
    ] = None
    rules: Annotated[dict[str, Mode], Field(description="What a rule's findings lead to, by the rule's code")] = {}
    unknown: Annotated[
        dict[UnknownReason, Unknown], Field(description="What it leads to that a start cannot be predicted, by reason")
    ] = {}
    notes: Annotated[
        dict[str, NoteMode],
        Field(description="What a rule's notes lead to: findings about a program that starts all the same"),
    ] = {}


class PolicyConfig(Layer):
    """Settings for the whole cluster, and where they differ. A namespace outranks an enforcement point."""

    points: Annotated[dict[Point, Layer], Field(description="By enforcement point")] = {}
    namespaces: Annotated[dict[str, Layer], Field(description="By namespace")] = {}

    def overlay(self) -> dict[str, object]:
        """What to lay over the bundle's own settings: only what was given."""
        return self.model_dump(mode="json", exclude_unset=True)

    def codes(self) -> set[str]:
        """Every rule that these settings speak of."""
        layers = [self, *self.points.values(), *self.namespaces.values()]
        return {code for layer in layers for code in (*layer.rules, *layer.notes)}
