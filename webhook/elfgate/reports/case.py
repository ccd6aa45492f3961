"""A thing that was judged, and the findings on it.

The forms of CI systems are written from it.
"""

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from elfgate.printable import printable

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
        line: The line that it is about, from 1; 0 for the case's own.
        column: The column in it, from 1; 0 if that is not known.
    """

    level: Level
    code: str
    title: str
    details: tuple[str, ...] = ()
    line: int = 0
    column: int = 0

    @property
    def text(self) -> str:
        """All of it, in lines that can be printed."""
        lines = "\n".join((self.title, *self.details)).split("\n")
        return "\n".join(map(printable, lines))


class Place(NamedTuple):
    """A place in a file.

    Attributes:
        file: Empty for what is in none, such as an image of a registry.
        line: From 1.
        column: From 1; 0 if it is not known.
    """

    file: str
    line: int = 1
    column: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was judged.

    Attributes:
        name: Such as ``shop/Deployment/web``.
        source: Where it was read: ``deploy.yaml:12`` or ``objects.json: items[3]``; empty for what
            is in no file.
        issues: What was found; none if all is well.
    """

    name: str
    source: str = ""
    issues: tuple[Issue, ...] = ()

    @property
    def place(self) -> Place:
        """The file, and the line in it; 1 where that is not known."""
        match = _LINE.match(self.source)
        if match:
            return Place(_relative(match["file"]), max(1, int(match["line"])))
        return Place(_relative(self.source.partition(": ")[0]))

    def place_of(self, issue: Issue) -> Place:
        """The place of one issue, which may be within the case's."""
        place = self.place
        return Place(place.file, issue.line or place.line, issue.column)

    def fingerprint(self, issue: Issue) -> str:
        """A hash that is the same for a finding wherever it stands in the file."""
        # A list.
        told = "\0".join((self.place.file, self.name, issue.code, issue.title))  # noqa: FLY002
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _relative(file: str) -> str:
    """A file as CI systems find it: from the working directory on, without ``./`` (GitLab Docs)."""
    if not file:
        return ""
    path = Path(os.path.normpath(file))
    if path.is_absolute():
        with contextlib.suppress(FileNotFoundError, ValueError):  # it is elsewhere
            return str(path.relative_to(Path.cwd()))
    return str(path)
