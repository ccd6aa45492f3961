"""The output of ``elfgate bases``: a table for people, and a model whose schema is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import Field

from elfgate.bases.table import Base
from elfgate.cli.text import plain
from elfgate.linkage.report import Effect, Outcome
from elfgate.needs.answer import Answer, Gives
from elfgate.platforms import Platform
from elfgate.printable import printable
from elfgate.rebase import Rebased
from elfgate.reports.table import Table
from elfgate.results.model import Headed, Model, schema

_WORDS = {Gives.ALL: "yes", Gives.NOT: "no", Gives.UNKNOWN: "unknown"}
_GIVES = {
    Outcome.STARTS: Gives.ALL,
    Outcome.CANNOT_START: Gives.NOT,
    Outcome.UNKNOWN: Gives.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One base.

    Attributes:
        name: As people call it.
        image: Its image.
        predicted: The program was put upon it; else the table tells.
        answers: By platform.
        released: When; None if that is not known.
        until: The last day of its support; None if that is not known.
        size: Its packed bytes on all platforms together; 0 if that is not known.
        sources: Where the table has it from.
    """

    name: str
    image: str
    predicted: bool
    answers: Mapping[Platform, Answer]
    released: date | None = None
    until: date | None = None
    size: int = 0
    sources: tuple[str, ...] = ()

    @property
    def gives(self) -> Gives:
        """The worst of its answers."""
        found = {each.gives for each in self.answers.values()}
        return next(each for each in (Gives.NOT, Gives.UNKNOWN, Gives.ALL) if each in found)


def of_table(base: Base, answers: Mapping[Platform, Answer]) -> Row:
    """The row of a base of the table."""
    return Row(
        base.name,
        base.image,
        predicted=False,
        answers=answers,
        released=base.released,
        until=base.until,
        sources=base.sources,
    )


def of_image(image: str, found: Sequence[Rebased]) -> Row:
    """The row of an image that the program was put upon."""
    answers = {each.platform: _answer(each) for each in found}
    size = sum(each.size for each in found)
    return Row(image, image, predicted=True, answers=answers, size=size)


def _answer(found: Rebased) -> Answer:
    telling = [each for each in found.prediction.findings if each.effect is not Effect.NOTE]
    because = telling[0].message if telling else ""
    return Answer(_GIVES[found.prediction.outcome], because)


class AnswerOutput(Model):
    """One base on one platform."""

    platform: str
    gives: Literal["all", "not", "unknown"]
    because: str = Field(description="why not, or what is not known; empty where it gives all")


class BaseOutput(Model):
    """One base."""

    name: str
    image: str
    gives: Literal["all", "not", "unknown"] = Field(description="the worst of its platforms")
    predicted: bool = Field(
        description="the program was put upon the image and predicted; else the table tells"
    )
    released: date | None
    until: date | None = Field(description="the last day of support; null if it is not known")
    size: int | None = Field(description="packed bytes, on all platforms together")
    platforms: list[AnswerOutput]
    sources: list[str] = Field(description="where the table has it from")

    @classmethod
    def of(cls, row: Row) -> "BaseOutput":
        """From what was found."""
        return cls(
            name=row.name,
            image=row.image,
            gives=row.gives.value,
            predicted=row.predicted,
            released=row.released,
            until=row.until,
            size=row.size or None,
            platforms=[
                AnswerOutput(
                    platform=str(platform), gives=each.gives.value, because=printable(each.because)
                )
                for platform, each in row.answers.items()
            ],
            sources=list(row.sources),
        )


class BasesOutput(Headed):
    """``elfgate bases -o json``."""

    schema_: str = schema("bases")
    image: str
    bases: list[BaseOutput]

    @classmethod
    def of(cls, image: str, rows: Sequence[Row]) -> "BasesOutput":
        """From what was found."""
        bases = [BaseOutput.of(row) for row in rows]
        return cls(image=image, bases=bases)


def bases_table(rows: Sequence[Row]) -> Table:
    """One row a base, one column a platform."""
    platforms = list(rows[0].answers) if rows else []
    columns = ("base", "until", "size", *map(str, platforms))
    cells = [_cells(row, platforms) for row in rows]
    return Table(columns, cells)


def _cells(row: Row, platforms: Sequence[Platform]) -> tuple[str, ...]:
    until = row.until.isoformat() if row.until else ""
    answers = (_WORDS[row.answers[platform].gives] for platform in platforms)
    return (row.name, until, _size(row.size), *answers)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size else ""


def bases_text(rows: Sequence[Row]) -> str:
    """The table, and under it why a base does not give all."""
    if not rows:
        return "no base is known to give all on every platform\n"
    told = bases_table(rows)
    lines = [plain(told)]
    reasons = [line for row in rows for line in _reasons(row)]
    if reasons:
        lines += ["", *reasons]
    lines.append("")
    return "\n".join(lines)


def _reasons(row: Row) -> list[str]:
    """Each reason once, with the platforms that it is for."""
    found: dict[str, list[str]] = {}
    for platform, each in row.answers.items():
        if each.because:
            found.setdefault(each.because, []).append(str(platform))
    return [
        f"{row.name} ({', '.join(platforms)}): {printable(because)}"
        for because, platforms in found.items()
    ]
