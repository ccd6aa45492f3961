"""``elfgate scan``: does this image start, platform by platform, and why not."""

import argparse
import sys
from typing import TYPE_CHECKING

from elfgate.cli.container import add_container, overrides
from elfgate.cli.forms import FORMS, add_outputs, outputs, tell
from elfgate.cli.options import EPILOG_IMAGES, add_platforms, add_reading, reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elfgate.linkage.inputs import NodeFacts
    from elfgate.reports.forms import Told
    from elfgate.scan.scanner import Linkage
    from elfgate.wiring.reading import Reading

USAGE = """elfgate scan IMAGE [--platform OS/ARCH[/VARIANT]]... [--env NAME=VALUE]... [OPTION]...
                    [-o FORMAT] [-- COMMAND [ARG]...]"""
DESCRIPTION = """Tell whether an image starts on each platform that it offers, or on those asked
for, and why not: what the kernel and the loader would do with its program, worked out from the
image alone."""
EPILOG = f"""{EPILOG_IMAGES}
COMMAND stands for a pod's command and args, and replaces the image's Entrypoint and Cmd.

exit codes: 0 all start; 1 one cannot; 2 bad usage, or the image cannot be read; 3 no failures, \
but some are unknown

examples:
  elfgate scan registry.example/team/app:1.2
  elfgate scan oci:build/app --platform linux/ppc64le -- /usr/bin/app --help
  elfgate scan dir:/mnt/root --platform linux/arm64 --page-size 65536 --explain -- /usr/bin/app
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("image", metavar="IMAGE", help="what to scan (see below)")
    add_platforms(
        parser,
        "judge for this platform; may be repeated (default: every platform that the image offers)",
    )
    add_outputs(parser, FORMS)
    parser.add_argument(
        "--all",
        action="store_true",
        dest="everything",
        help="list what else of the image would fail (programs, plug-ins); it changes no "
        "verdict and no exit code",
    )
    parser.add_argument(
        "--explain", action="store_true", help="print each look-up of the kernel and the loader"
    )
    parser.add_argument(
        "--traces",
        metavar="URL",
        help="send OpenTelemetry traces to the collector at URL, such as http://collector:4318 "
        "(needs the extra elfgate[otel])",
    )
    add_container(parser)
    _add_node(parser.add_argument_group("what is known of the node (default: nothing)"))
    add_reading(parser)


def _add_node(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--page-size", type=int, metavar="BYTES", help="such as 4096 or 65536")
    group.add_argument("--cpu-level", metavar="LEVEL", help="such as x86-64-v3, power9 or z14")
    group.add_argument("--kernel", metavar="VERSION", help="such as 5.14")
    group.add_argument(
        "--emulates",
        action="append",
        default=[],
        metavar="ARCH",
        help="the node also runs programs of this architecture, by an emulator; may be repeated",
    )


def run(options: argparse.Namespace) -> int:
    """Scan, print, and return the exit code."""
    import asyncio

    from elfgate.traces import tracing

    with tracing(options.traces or "", at_end=True):
        linkages = asyncio.run(_linkages(options))
    tell(options, _told(options, linkages))
    return exit_code(linkages)


def _told(options: argparse.Namespace, linkages: "Sequence[Linkage]") -> "Told":
    from elfgate.cli import cases, grids
    from elfgate.cli.image_table import image_table
    from elfgate.cli.text import scan_table, walk
    from elfgate.policy.rulebook import shipped
    from elfgate.reports.forms import Told
    from elfgate.results.image import ScanOutput

    walked = walk(linkages) if options.explain else ""
    is_text = any(outlet.form == "text" for outlet in outputs(options))
    if not is_text:  # it has no place in another form
        sys.stderr.write(walked)
    return Told(
        verb="scan",
        text=lambda: scan_table(linkages) + walked,
        document=lambda: ScanOutput.of(options.image, linkages, shipped()),
        cases=lambda: cases.image_cases(linkages),
        table=lambda: image_table(linkages),
        grid=lambda: grids.image_grid([linkages], shipped()),
        rules=lambda: cases.sarif_rules(shipped()),
    )


def exit_code(linkages: "Sequence[Linkage]") -> int:
    """0 all start; 1 one cannot; 3 no failures, but some are unknown."""
    from elfgate.linkage.report import Outcome

    outcomes = {linkage.outcome for linkage in linkages}
    if Outcome.CANNOT_START in outcomes:
        return 1
    return 3 if Outcome.UNKNOWN in outcomes else 0


async def _linkages(options: argparse.Namespace) -> "list[Linkage]":
    from elfgate.errors import InputError

    if options.image.startswith("dir:") and not options.platforms:
        raise InputError(
            f"{options.image} does not say for which platform it is", hint="add --platform"
        )
    return await _read(options, reading(options))


async def _read(options: argparse.Namespace, images: "Reading") -> "list[Linkage]":
    from dataclasses import replace

    from elfgate.errors import InputError
    from elfgate.platforms import Platform
    from elfgate.wiring.images import scanner as scanner_of

    asked = [Platform.parse(text) for text in options.platforms]
    pod, node = overrides(options), _node_facts(options)
    async with scanner_of(images) as scanner:
        platforms = asked or await scanner.images.platforms(options.image)
        if not platforms:
            raise InputError(f"{options.image} names no Linux platform", hint="add --platform")
        linkages = [
            await scanner.linkage(options.image, platform, pod, node, explain=options.explain)
            for platform in platforms
        ]
        if options.everything:
            linkages = [
                replace(
                    linkage,
                    others=await scanner.images.others(options.image, linkage.platform, node),
                )
                for linkage in linkages
                if linkage.digest
            ] or linkages
    if not any(linkage.digest for linkage in linkages):
        raise _unreadable(options.image, linkages[0])
    return linkages


def _unreadable(image: str, linkage: "Linkage") -> Exception:
    """An image of which nothing could be read.

    For a person at a command line, that is bad input.
    """
    from elfgate.errors import UnknownReason, UnreadableError

    finding = linkage.prediction.findings[0]
    message = finding.message if image in finding.message else f"{image}: {finding.message}"
    return UnreadableError(
        message, reason=finding.reason or UnknownReason.IMAGE_INVALID, hint=finding.remedy
    )


def _node_facts(options: argparse.Namespace) -> "NodeFacts":
    from elfgate.cluster.nodes import kernel_version
    from elfgate.errors import InputError
    from elfgate.linkage.inputs import NodeFacts
    from elfgate.linkage.loaders.cpu import LADDERS
    from elfgate.platforms import ARCHITECTURES

    kernel = None
    if options.kernel is not None and (kernel := kernel_version(options.kernel)) is None:
        raise InputError(f"--kernel {options.kernel!r} is not a version", hint="write it like 5.14")
    size = options.page_size
    if size is not None and (size < 4096 or size & (size - 1)):
        raise InputError(
            f"--page-size {size} is not a page size", hint="write it in bytes, like 65536"
        )
    levels = [level for ladder in LADDERS for level in ladder]
    if (level := options.cpu_level) is not None and level not in levels:
        raise InputError(
            f"--cpu-level {level!r} is not a known level", hint=f"known are {', '.join(levels)}"
        )
    if unknown := set(options.emulates) - set(ARCHITECTURES):
        known = ", ".join(sorted(ARCHITECTURES))
        raise InputError(
            f"--emulates {min(unknown)!r} is not a known architecture", hint=f"known are {known}"
        )
    return NodeFacts(
        page_size=size, cpu_level=level, kernel=kernel, emulates=frozenset(options.emulates)
    )
