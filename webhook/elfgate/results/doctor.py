"""The documents of ``elfgate doctor``, also with ``--breakglass``."""

from typing import Literal

from pydantic import Field

from elfgate.results.model import Headed, Model, schema


class CheckedOutput(Model):
    """One thing that was looked at."""

    subject: str = Field(
        description="what was looked at, such as `webhook validate.elfgate.dev: certificate`"
    )
    state: Literal["ok", "wrong", "unknown"]
    message: str
    remedy: str = Field(description="how to repair it; empty if nothing is wrong")


class DoctorOutput(Headed):
    """The document that ``elfgate doctor`` prints."""

    schema_: str = schema("doctor")

    cluster: str = Field(description="the API server's URL")
    checks: list[CheckedOutput]


class ObstacleOutput(Model):
    """A webhook configuration by which the API server asks elfgate."""

    resource: str = Field(
        description="as kubectl names it, such as `validatingwebhookconfiguration`"
    )
    name: str
    webhooks: list[str] = Field(description="the webhooks of elfgate's in it")
    refuses: bool = Field(description="whether requests fail when one of them cannot be asked")
    let_pass: str = Field(description="the command that sets them to Ignore")
    remove: str = Field(
        description="the command that deletes it; empty if webhooks of others are in it"
    )
    done: str = Field(
        description="`deleted`, `set to Ignore` or `gone already`; empty without --yes"
    )


class BreakglassOutput(Headed):
    """The document that ``elfgate doctor --breakglass`` prints."""

    schema_: str = schema("breakglass")

    cluster: str = Field(description="the API server's URL")
    configurations: list[ObstacleOutput]
