"""``elfgate compare``: what an update of an image loses or gains."""

import argparse
from typing import TYPE_CHECKING

from elfgate.cli.forms import FORMS, add_outputs, tell
from elfgate.cli.options import EPILOG_IMAGES, add_platforms, add_reading, reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elfgate.compare import Row
    from elfgate.reports.forms import Told

USAGE = "elfgate compare OLD NEW [--platform OS/ARCH[/VARIANT]]... [--fail-on WHAT] [-o FORMAT]"
DESCRIPTION = """Tell what an update of an image loses or gains, platform by platform: a
platform, a start, and what it needs to start (a newer glibc, another loader, another
distribution)."""
EPILOG = f"""OLD and NEW are images; {EPILOG_IMAGES}
exit codes: 0 nothing is lost; 1 something is lost, or changes (see --fail-on); 2 bad usage, or an \
image cannot be
read; 3 it started, and whether it still does is not known, with --fail-on unknown or changed

example:
  elfgate compare example/app:2.3 example/app:2.4 --platform linux/amd64 --platform linux/ppc64le
"""
FAIL_ON = ("lost", "unknown", "changed")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("old", metavar="OLD", help="the image before (see below)")
    parser.add_argument("new", metavar="NEW", help="the image after")
    add_platforms(
        parser,
        "look at this platform; may be repeated (default: every platform that one of the "
        "two offers)",
    )
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="lost",
        metavar="WHAT",
        help="exit with 1 if a start is lost (lost, the default); unknown: also exit with 3 if a "
        "start becomes unknown; changed: also exit with 1 if a start needs something else",
    )
    add_outputs(parser, FORMS)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Compare, print, and return the exit code."""
    import asyncio

    rows = asyncio.run(_compared(options))
    tell(options, _told(options, rows))
    return exit_code(rows, options.fail_on)


async def _compared(options: argparse.Namespace) -> "Sequence[Row]":
    from elfgate.compare import compare
    from elfgate.platforms import Platform
    from elfgate.wiring.images import scanner as scanner_of

    platforms = [Platform.parse(text) for text in options.platforms]
    async with scanner_of(reading(options)) as scanner:
        return await compare(scanner, options.old, options.new, platforms)


def _told(options: argparse.Namespace, rows: "Sequence[Row]") -> "Told":
    from elfgate.cli import cases, grids
    from elfgate.cli.compare_text import compare_markdown, compare_text, reasons_table
    from elfgate.policy.rulebook import shipped
    from elfgate.reports.forms import Told
    from elfgate.results.compare import CompareOutput

    return Told(
        verb="compare",
        text=lambda: compare_text(rows),
        document=lambda: CompareOutput.of(options.old, options.new, rows, shipped()),
        cases=lambda: cases.compare_cases(rows),
        table=lambda: reasons_table(rows),
        grid=lambda: grids.compare_grid(rows, shipped()),
        rules=lambda: cases.sarif_rules(shipped()),
        markdown=lambda: compare_markdown(rows),
    )


def exit_code(rows: "Sequence[Row]", fail_on: str) -> int:
    """The exit code of the changes."""
    from elfgate.compare import Change

    changes = {row.change for row in rows}
    if Change.LOST in changes:
        return 1
    if fail_on != "lost" and Change.DOUBTED in changes:
        return 3
    return 1 if fail_on == "changed" and Change.CHANGED in changes else 0
