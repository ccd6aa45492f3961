"""``elfgate needs``: what a program needs from the system that it is started on."""

import argparse
from typing import TYPE_CHECKING

from elfgate.cli.forms import TABLED, add_outputs, tell_table
from elfgate.cli.options import EPILOG_IMAGES, add_platforms, add_reading, reading

if TYPE_CHECKING:
    from elfgate.cli.needs_output import Found
    from elfgate.scan.scanner import Scanner

USAGE = "elfgate needs IMAGE|FILE [--platform OS/ARCH[/VARIANT]]... [-o FORMAT]"
DESCRIPTION = """Tell what a program needs from its surroundings, platform by platform: its
loader, libraries and their symbol versions, the lowest glibc, CPU, kernel and page size, and the
files that a script starts."""
EPILOG = f"""FILE is a path with a slash: one program, as an image that has nothing else.
{EPILOG_IMAGES}
The program's own files are its command and what it takes outside the system's directories (/bin, \
/usr/lib, ...):
what those ask for is told. What cannot be told is said with its reason.

exit codes: 0 all is told; 2 bad usage, or the image cannot be read; 3 something is not known

examples:
  elfgate needs registry.example/team/app:1.2
  elfgate needs ./build/app -o json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_program(parser)
    add_outputs(parser, TABLED)
    add_reading(parser)


def add_program(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which program, and for which platforms."""
    parser.add_argument("image", metavar="IMAGE|FILE", help="the program (see below)")
    add_platforms(
        parser,
        "for this platform; may be repeated (default: every platform that the image offers)",
    )


def run(options: argparse.Namespace) -> int:
    """Tell, and return the exit code."""
    import asyncio

    from elfgate.cli.needs_output import NeedsOutput, needs_table, needs_text
    from elfgate.wiring.images import scanner as scanner_of

    async def gathered() -> "list[Found]":
        async with scanner_of(reading(options)) as scanner:
            return await needed(scanner, located(options.image), options.platforms)

    found = asyncio.run(gathered())
    document = NeedsOutput.of(options.image, found)
    tell_table(options, lambda: needs_text(found), document, needs_table(found))
    return 3 if any(needs.unknown or not needs.own for _, needs in found) else 0


def located(text: str) -> str:
    """An image as it is written, or a program's file as one.

    Raises:
        InputError: if it is the path of something else.
    """
    from pathlib import Path

    from elfgate.errors import InputError
    from elfgate.images.reference import is_path

    path = Path(text)
    if "/" in text and path.is_file():
        return f"file:{text}"
    if is_path(text) and not path.is_dir():
        problem = "is not a regular file" if path.exists() else "does not exist"
        raise InputError(f"{text} {problem}")
    return text


async def needed(scanner: "Scanner", image: str, platforms: list[str]) -> "list[Found]":
    """The needs of an image's program on each platform that has one.

    Raises:
        InputError: if it has nothing for any of them.
        UnreadableError: if it cannot be read.
    """
    from elfgate.errors import InputError
    from elfgate.platforms import Platform

    asked = [Platform.parse(text) for text in platforms] or await scanner.images.platforms(image)
    found = [(platform, await scanner.images.needs(image, platform)) for platform in asked]
    told = [(platform, needs) for platform, needs in found if needs is not None]
    if not told:
        where = ", ".join(map(str, asked)) or "any platform that is known"
        hint = "name an ELF program, or a --platform"
        raise InputError(f"{image} has nothing to start for {where}", hint=hint)
    return told
