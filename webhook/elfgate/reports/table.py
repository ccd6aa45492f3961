"""A table, as CSV or as Markdown.

Sources: RFC 4180 (CSV); OWASP, "CSV Injection" (the signs that spreadsheets take for a formula);
the GitHub Flavored Markdown spec (tables). Cells may hold what strangers' images say.
"""

import csv
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from elfgate.printable import printable

_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns.

    Attributes:
        columns: Their names.
        rows: Cells in the columns' order; None is an empty one.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def csv(self) -> str:
        """The table as CSV, with a line of names first; no cell is taken for a formula."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_harmless(cell) for cell in row] for row in self.rows)
        return text.getvalue()

    def markdown(self) -> str:
        """The table in Markdown, in which no cell is markup."""
        lines = [_line(self.columns), _line("---" for _ in self.columns)]
        lines += [_line(escaped(cell) for cell in row) for row in self.rows]
        return "\n".join((*lines, ""))


def _text(cell: object) -> str:
    return "" if cell is None else printable(str(cell))


def _harmless(cell: object) -> str:
    text = _text(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def escaped(cell: object) -> str:
    """A text that Markdown takes for no markup."""
    text = html.escape(_text(cell), quote=False)
    return "".join(f"\\{sign}" if sign in r"\|`*_[]~" else sign for sign in text)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
