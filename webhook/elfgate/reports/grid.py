"""A grid of states, from which the page is made: what was judged down, platforms across.

Each reason is told once, and cells point at it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Tone = Literal["good", "off", "doubt", "bad"]


class Sort(NamedTuple):
    """A state that cells may have: its word, and how it looks."""

    word: str
    tone: Tone


class Reason(NamedTuple):
    """Why a cell is as it is.

    Attributes:
        code: The rule's.
        title: What the rule finds.
        message: One line, or several.
        remedy: What to do; empty if nothing is known to help.
        link: The page that explains the rule.
    """

    code: str
    title: str
    message: str
    remedy: str = ""
    link: str = ""


class Cell(NamedTuple):
    """A state, and the places of its reasons among the grid's."""

    sort: Sort
    reasons: tuple[int, ...] = ()


class Line(NamedTuple):
    """One thing that was judged.

    Attributes:
        name: Its name.
        facets: What it may be filtered by, in the order of the grid's.
        cells: A cell a column; None for a column that it has nothing to do with.
        more: A second line, such as its images.
    """

    name: str
    facets: tuple[str, ...]
    cells: tuple[Cell | None, ...]
    more: str = ""


@dataclass(slots=True)
class Grid:
    """The grid.

    Attributes:
        title: Of the page.
        things: What the lines are: ``workloads``.
        columns: Their names.
        facets: The names of what lines may be filtered by.
        sorts: The states that cells may have, the best first.
        lines: What was judged.
        reasons: Each once.
    """

    title: str
    things: str
    columns: Sequence[str]
    facets: Sequence[str]
    sorts: Sequence[Sort]
    lines: list[Line] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    _places: dict[Reason, int] = field(default_factory=dict)

    def place(self, reason: Reason) -> int:
        """The place of a reason among the grid's, which is new if it was not told yet."""
        if reason not in self._places:
            self._places[reason] = len(self.reasons)
            self.reasons.append(reason)
        return self._places[reason]
