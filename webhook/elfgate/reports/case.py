"""A thing that was judged, and the findings on it, from which JUnit and SARIF are written."""

import re
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]

_LINE = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+)$")


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that was found.

    Attributes:
        level: An error is denied or fails, a warning is told, a note is not known.
        code: The rule's.
        title: One line.
        details: Further lines.
    """

    level: Level
    code: str
    title: str
    details: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((self.title, *self.details))


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was judged.

    Attributes:
        name: Such as ``shop/Deployment/web``.
        source: Where it was read: ``deploy.yaml:12`` or ``objects.json: items[3]``.
        issues: What was found; none if all is well.
    """

    name: str
    source: str
    issues: tuple[Issue, ...] = ()

    @property
    def place(self) -> tuple[str, int]:
        """The file, and the line in it; 1 where that is not known."""
        match = _LINE.match(self.source)
        if match:
            return match["file"], max(1, int(match["line"]))
        return self.source.partition(": ")[0], 1
