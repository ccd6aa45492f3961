"""The common part of all documents: frozen and closed, with the schema that each follows."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from elfgate import SITE, __version__


class Model(BaseModel):
    """Frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Headed(Model):
    """A whole document: it says of which shape it is, and which program wrote it."""

    schema_: str = Field(default="", alias="$schema")
    version: Literal[2] = Field(default=2, description="of this shape")
    elfgate: str = Field(default=__version__, description="the program's version")

    def json_text(self) -> str:
        """The document as JSON."""
        return self.model_dump_json(indent=2, by_alias=True) + "\n"

    def yaml_text(self) -> str:
        """The document as YAML."""
        import yaml  # noqa: PLC0415 - a verb loads what it needs

        plain = self.model_dump(mode="json", by_alias=True)
        return str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120))


def schema_url(name: str) -> str:
    """The place where the schema of a document is published."""
    return f"{SITE}/docs/schemas/{name}.json"


def schema(name: str) -> Any:
    """The field that names a document's schema: an editor finds it by ``$schema``."""
    description = "where the schema of this document is published"
    return Field(default=schema_url(name), alias="$schema", description=description)
