"""Every form of a report, made of what a verb tells: a document, a text, a table, a grid and cases.

All verbs that judge have the same forms, so that a pipeline that reads one reads them all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from elfgate import __version__

if TYPE_CHECKING:
    from elfgate.reports.case import Case
    from elfgate.reports.grid import Grid
    from elfgate.reports.sarif import SarifRule
    from elfgate.reports.table import Table


class Document(Protocol):
    """A document of ``-o json``; its schema is published."""

    def json_text(self) -> str:
        """The document as JSON."""

    def yaml_text(self) -> str:
        """The document as YAML."""


@dataclass(frozen=True, slots=True)
class Told:
    """The report of a verb. Each part is made when a format asks for it.

    Attributes:
        verb: Its name.
        text: For people, on a terminal.
        document: For programs.
        cases: What was judged, one by one, for CI systems.
        table: The same in rows.
        grid: The same down and across, for the page.
        rules: What is known of the rules.
        markdown: The same in Markdown; None for the table.
    """

    verb: str
    text: Callable[[], str]
    document: Callable[[], Document]
    cases: "Callable[[], Sequence[Case]]"
    table: "Callable[[], Table]"
    grid: "Callable[[], Grid]"
    rules: "Callable[[], Sequence[SarifRule]]"
    markdown: Callable[[], str] | None = None

    def writers(self) -> Mapping[str, Callable[[], str]]:
        """The writer of each form."""
        return {
            "text": self.text,
            "json": lambda: self.document().json_text(),
            "yaml": lambda: self.document().yaml_text(),
            "markdown": self.markdown or (lambda: self.table().markdown()),
            "html": self._html,
            "sarif": self._sarif,
            "junit": self._junit,
            "github": self._github,
            "gitlab": self._gitlab,
            "csv": lambda: self.table().csv(),
        }

    # Each form loads its own code: a text for people, the most common one, waits for no other.

    def _html(self) -> str:
        from elfgate.reports.html import html

        return html(self.grid())

    def _sarif(self) -> str:
        from elfgate.reports.sarif import sarif

        return sarif(self.cases(), self.rules(), version=__version__)

    def _junit(self) -> str:
        from elfgate.reports.junit import junit

        return junit(self.cases(), suite=f"elfgate {self.verb}")

    def _github(self) -> str:
        from elfgate.reports.github import github

        return github(self.cases())

    def _gitlab(self) -> str:
        from elfgate.reports.gitlab import gitlab

        return gitlab(self.cases())
