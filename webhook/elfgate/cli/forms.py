"""The option ``-o``: in which forms a verb tells, and where to."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from elfgate.cli.color import WHEN, painter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elfgate.reports.forms import Document, Told
    from elfgate.reports.outlets import Outlet
    from elfgate.reports.table import Table

PLAIN = ("text", "json", "yaml")
TABLED = (*PLAIN, "markdown", "csv")
FORMS = (*PLAIN, "markdown", "html", "sarif", "junit", "github", "gitlab", "csv")
"""The forms of every verb that judges; others have the plain ones, or those with a table."""


def add_outputs(parser: argparse.ArgumentParser, forms: tuple[str, ...] = PLAIN) -> None:
    """Add ``-o`` for several forms at once; the first of them is the default."""
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        dest="outputs",
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(forms[:-1])} or {forms[-1]} (default: {forms[0]}); may be repeated: "
        "one format on standard output, the others in files; json has a published schema",
    )
    parser.add_argument(
        "--color",
        choices=WHEN,
        default="auto",
        metavar="WHEN",
        help="color text: auto (default: on a terminal, unless NO_COLOR is set), always or never",
    )
    parser.set_defaults(forms=forms)


def outputs(options: argparse.Namespace) -> "tuple[Outlet, ...]":
    """The places of the forms that ``-o`` names.

    Raises:
        InputError: if one is unknown, or two would be on standard output.
    """
    from elfgate.reports.outlets import outlets

    return outlets(options.outputs, options.forms)


def tell(options: argparse.Namespace, told: "Told") -> None:
    """Write what a verb that judges tells.

    Raises:
        InputError: if a file cannot be written.
    """
    _write(options, told.writers())


def tell_plainly(
    options: argparse.Namespace, text: Callable[[], str], document: "Document"
) -> None:
    """Write what a verb without a table tells.

    Raises:
        InputError: if a file cannot be written.
    """
    _write(options, _plain(text, document))


def tell_table(
    options: argparse.Namespace,
    text: Callable[[], str],
    document: "Document",
    table: "Table",
    **more: Callable[[], str],
) -> None:
    """Write what a verb with a table tells.

    Raises:
        InputError: if a file cannot be written.
    """
    tabled = {"markdown": table.markdown, "csv": table.csv}
    _write(options, _plain(text, document) | tabled | more)


def _plain(text: Callable[[], str], document: "Document") -> dict[str, Callable[[], str]]:
    return {"text": text, "json": document.json_text, "yaml": document.yaml_text}


def _write(options: argparse.Namespace, writers: "Mapping[str, Callable[[], str]]") -> None:
    from elfgate.reports.outlets import write

    options.progress.clear()
    write(outputs(options), writers, painter(options.color))
