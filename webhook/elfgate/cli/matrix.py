"""``elfgate matrix``: images down, platforms across."""

import argparse
import asyncio
import sys

from elfgate.cli.options import EPILOG_IMAGES, add_output, add_reading, reading

USAGE = "elfgate matrix IMAGE... [--platform OS/ARCH[/VARIANT]]... [-o FORMAT]"
DESCRIPTION = (
    "Show which of the images start on which platforms, with the reason for each that cannot."
)
EPILOG = f"""{EPILOG_IMAGES}
exit codes: 0 all start; 1 one cannot; 2 bad usage, or no image can be read; 3 none cannot, but some are unknown

example:
  elfgate matrix example/app:2 example/app:2-alpine example/app:2-debian -o markdown
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("image", nargs="+", metavar="IMAGE", help="what to show (see below)")
    parser.add_argument(
        "--platform",
        action="append",
        default=[],
        metavar="OS/ARCH[/VARIANT]",
        dest="platforms",
        help="show this column; may be repeated (default: every platform that one of the images "
        "offers)",
    )
    add_output(parser, "table", "markdown", "json")
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Judge, print, and return the exit code."""
    from elfgate.cli.output import MatrixOutput, print_model
    from elfgate.cli.scan import exit_code
    from elfgate.cli.text import matrix_table
    from elfgate.matrix import Matrix, matrix
    from elfgate.platforms import Platform
    from elfgate.wiring import images

    async def judged() -> Matrix:
        async with images.scanner(reading(options)) as scanner:
            return await matrix(
                scanner, options.image, [Platform.parse(text) for text in options.platforms]
            )

    result = asyncio.run(judged())
    if options.output == "json":
        print_model(MatrixOutput.of(result), "json")
    else:
        sys.stdout.write(matrix_table(result, markdown=options.output == "markdown"))
    return exit_code([linkage for row in result.rows for linkage in row])
