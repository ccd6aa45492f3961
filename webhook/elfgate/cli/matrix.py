"""``elfgate matrix``: images down, platforms across."""

import argparse
from typing import TYPE_CHECKING

from elfgate.cli.forms import FORMS, add_outputs, tell
from elfgate.cli.options import EPILOG_IMAGES, add_platforms, add_reading, reading

if TYPE_CHECKING:
    from elfgate.matrix import Matrix
    from elfgate.reports.forms import Told

USAGE = "elfgate matrix IMAGE... [--platform OS/ARCH[/VARIANT]]... [-o FORMAT]"
DESCRIPTION = """Show which of the images start on which platforms, with the reason for each that
cannot."""
EPILOG = f"""{EPILOG_IMAGES}
exit codes: 0 all start; 1 one cannot; 2 bad usage, or no image can be read; 3 none cannot, but \
some are unknown

example:
  elfgate matrix example/app:2 example/app:2-alpine example/app:2-debian -o markdown
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("image", nargs="+", metavar="IMAGE", help="what to show (see below)")
    add_platforms(
        parser,
        "show this column; may be repeated (default: every platform that one of the images offers)",
    )
    add_outputs(parser, FORMS)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Judge, print, and return the exit code."""
    import asyncio

    from elfgate.cli.scan import exit_code

    found = asyncio.run(_judged(options))
    tell(options, _told(found))
    return exit_code([linkage for row in found.rows for linkage in row])


async def _judged(options: argparse.Namespace) -> "Matrix":
    from elfgate.matrix import matrix
    from elfgate.platforms import Platform
    from elfgate.wiring import images

    platforms = [Platform.parse(text) for text in options.platforms]
    async with images.scanner(reading(options)) as scanner:
        return await matrix(scanner, options.image, platforms)


def _told(found: "Matrix") -> "Told":
    from elfgate.cli import cases, grids
    from elfgate.cli.image_table import image_table
    from elfgate.cli.text import matrix_table
    from elfgate.policy.rulebook import shipped
    from elfgate.reports.forms import Told
    from elfgate.results.image import MatrixOutput

    linkages = [linkage for row in found.rows for linkage in row]
    return Told(
        verb="matrix",
        text=lambda: matrix_table(found),
        document=lambda: MatrixOutput.of(found, shipped()),
        cases=lambda: cases.image_cases(linkages),
        table=lambda: image_table(linkages),
        grid=lambda: grids.image_grid(found.rows, shipped()),
        rules=lambda: cases.sarif_rules(shipped()),
        markdown=lambda: matrix_table(found, markdown=True),
    )
