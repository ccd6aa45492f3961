"""Every form of a report, made of what a verb tells: a document, a text, a table, a grid and cases.

All verbs that judge have the same forms, so that a pipeline that reads one reads them all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from elfgate import __version__
from elfgate.reports.case import Case
from elfgate.reports.github import github
from elfgate.reports.gitlab import gitlab
from elfgate.reports.grid import Grid
from elfgate.reports.html import html
from elfgate.reports.junit import junit
from elfgate.reports.sarif import SarifRule, sarif
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
    cases: Callable[[], Sequence[Case]]
    table: Callable[[], Table]
    grid: Callable[[], Grid]
    rules: Callable[[], Sequence[SarifRule]]
    markdown: Callable[[], str] | None = None

    def writers(self) -> Mapping[str, Callable[[], str]]:
        """The writer of each form."""
        return {
            "text": self.text,
            "json": lambda: self.document().json_text(),
            "yaml": lambda: self.document().yaml_text(),
            "markdown": self.markdown or (lambda: self.table().markdown()),
            "html": lambda: html(self.grid()),
            "sarif": lambda: sarif(self.cases(), self.rules(), version=__version__),
            "junit": lambda: junit(self.cases(), suite=f"elfgate {self.verb}"),
            "github": lambda: github(self.cases()),
            "gitlab": lambda: gitlab(self.cases()),
            "csv": lambda: self.table().csv(),
        }
