"""``elfgate bases``: which bases give a program what it needs."""

import argparse
from typing import TYPE_CHECKING

from elfgate.cli.forms import TABLED, add_outputs, tell_table
from elfgate.cli.needs import add_program, located, needed
from elfgate.cli.options import EPILOG_IMAGES, add_reading, reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elfgate.cli.bases_output import Row
    from elfgate.cli.needs_output import Found
    from elfgate.rebase import Rebased
    from elfgate.scan.scanner import Scanner

USAGE = """elfgate bases IMAGE|FILE [--platform OS/ARCH[/VARIANT]]... [--among IMAGE]...
                     [--oldest|--smallest] [--ended] [-o FORMAT]"""
DESCRIPTION = """Tell which bases give a program what it needs, on each platform: releases by the
table that elfgate has of them, and the images of --among by a prediction of the program put upon
them."""
EPILOG = f"""FILE is a path with a slash: one program, as an image that has nothing else.
{EPILOG_IMAGES}
The table tells of the C library and the compiler's libraries; what a program needs beyond those \
is unknown there.
Images of --among come first, the smallest first; then the table's releases, the oldest first. \
With --among, what is
put upon the image are the program's own files, as `elfgate needs` tells them.

exit codes: 0 a base gives all on every platform; 1 none does; 2 bad usage, or an image cannot be \
read; 3 none
certainly does, and one may

examples:
  elfgate bases ./build/app --oldest                    # the oldest release that runs this
  elfgate bases registry.example/team/app:1.2 --smallest --among debian:12-slim --among \
debian:13-slim
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_program(parser)
    parser.add_argument(
        "--among",
        action="append",
        default=[],
        metavar="IMAGE",
        help="put the program upon this image, too; may be repeated",
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--oldest",
        action="store_true",
        help="only the oldest release that gives all on every platform",
    )
    one.add_argument(
        "--smallest",
        action="store_true",
        help="only the smallest image of --among that gives all on every platform",
    )
    parser.add_argument(
        "--ended", action="store_true", help="releases whose support has ended, too"
    )
    add_outputs(parser, TABLED)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Tell, and return the exit code."""
    import asyncio

    from elfgate.cli.bases_output import BasesOutput, bases_table, bases_text
    from elfgate.errors import InputError

    if options.smallest and not options.among:
        raise InputError("--smallest chooses among images", hint="name some with --among")
    rows = asyncio.run(_rows(options))
    chooses = options.oldest or options.smallest
    if chooses:
        rows = [row for row in rows if row.predicted is options.smallest]
    shown = _first(rows) if chooses else rows
    document = BasesOutput.of(options.image, shown)
    tell_table(options, lambda: bases_text(shown), document, bases_table(shown))
    return exit_code(shown or rows)


def exit_code(rows: "Sequence[Row]") -> int:
    """0 if one gives all on every platform; 3 if none certainly does; else 1."""
    from elfgate.needs.answer import Gives

    found = {row.gives for row in rows}
    if Gives.ALL in found:
        return 0
    return 3 if Gives.UNKNOWN in found else 1


def _first(rows: "Sequence[Row]") -> "Sequence[Row]":
    """The first row that gives all; none if none does."""
    from elfgate.needs.answer import Gives

    return [row for row in rows if row.gives is Gives.ALL][:1]


async def _rows(options: argparse.Namespace) -> "list[Row]":
    from elfgate.cli.bases_output import of_image
    from elfgate.wiring.images import scanner as scanner_of

    async with scanner_of(reading(options)) as scanner:
        image = located(options.image)
        found = await needed(scanner, image, options.platforms)
        tried = [
            of_image(base, await _tried(scanner, image, found, base)) for base in options.among
        ]
    tried.sort(key=lambda row: row.size)
    return [*tried, *_by_table(found, ended=options.ended)]


async def _tried(
    scanner: "Scanner", image: str, found: "Sequence[Found]", base: str
) -> "list[Rebased]":
    """The program put upon one base, platform by platform."""
    from elfgate.errors import InputError
    from elfgate.rebase import Program, rebased

    tried = []
    for platform, needs in found:
        contents = await scanner.images.contents(image, platform)
        if contents is None or not needs.own:
            raise InputError(f"{image} has no program for {platform}", hint="name its --platform")
        tried.append(await rebased(scanner, Program(contents, needs), base, platform))
    return tried


def _by_table(found: "Sequence[Found]", *, ended: bool) -> "list[Row]":
    from datetime import UTC, date, datetime

    from elfgate.bases.table import bases
    from elfgate.cli.bases_output import of_table
    from elfgate.needs.answer import answer

    today = datetime.now(UTC).date()
    rows = [
        of_table(base, {platform: answer(base, needs, platform) for platform, needs in found})
        for base in bases()
        if ended or base.until is None or base.is_supported(today)
    ]
    rows.sort(key=lambda row: row.released or date.max)
    return rows
