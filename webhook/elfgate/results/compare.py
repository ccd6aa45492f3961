"""The document of ``elfgate compare``."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from elfgate.policy.rulebook import Rulebook
from elfgate.results.image import ImageOutput, PlatformOutput
from elfgate.results.model import Headed, Model, schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elfgate.compare import Row

ChangeWord = Literal["lost", "doubted", "changed", "gained", "same"]


class RowOutput(Model):
    """One platform."""

    platform: str
    change: ChangeWord = Field(
        description="lost: it started, and does not any more; doubted: it started, and whether "
        "it still does is not known; changed: it needs something else; gained: it starts, and "
        "did not"
    )
    notes: list[str] = Field(description="what it needs that it did not need before")
    old: PlatformOutput
    new: PlatformOutput

    @classmethod
    def of(cls, row: "Row", book: Rulebook) -> Self:
        """From what was found."""
        return cls(
            platform=str(row.platform),
            change=row.change.value,
            notes=list(row.notes),
            old=PlatformOutput.of(row.old, book),
            new=PlatformOutput.of(row.new, book),
        )


class CompareOutput(Headed):
    """``elfgate compare -o json``."""

    schema_: str = schema("compare")
    old: str
    new: str
    old_digest: str | None
    new_digest: str | None
    platforms: list[RowOutput]

    @classmethod
    def of(cls, old: str, new: str, rows: "Sequence[Row]", book: Rulebook) -> Self:
        """From what was found."""
        return cls(
            old=old,
            new=new,
            old_digest=ImageOutput.of(old, [row.old for row in rows], book).digest,
            new_digest=ImageOutput.of(new, [row.new for row in rows], book).digest,
            platforms=[RowOutput.of(row, book) for row in rows],
        )
