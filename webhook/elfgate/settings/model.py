"""The kind of model that all settings are."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen, and closed: a misspelt key is an error, never silently without effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")
