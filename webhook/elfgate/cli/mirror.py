"""``elfgate mirror``: copy images into a registry of one's own."""

import argparse
import sys
from typing import TYPE_CHECKING

from elfgate.cli.forms import add_outputs, tell_plainly
from elfgate.cli.options import add_insecure

if TYPE_CHECKING:
    from elfgate.wiring.mirror import Mirror, Mirrored

USAGE = (
    """elfgate mirror [IMAGE... | -] [--chart CHART]... --to REGISTRY[/PATH] [--list] [-o FORMAT]"""
)
DESCRIPTION = """Copy images and charts into your own registry, byte for byte, for clusters
without another network. Every platform is copied, and cosign's signatures and statements with
it, so that digests stay what they are. What the registry has already is not sent again."""
EPILOG = """images:
  REGISTRY/NAME:TAG[@DIGEST]       in a registry
  -                                a list of these on standard input, one a line

NAME:TAG becomes REGISTRY/PATH/NAME:TAG. With --chart, the chart is copied, and the images that \
its values name.

exit codes: 0 all were copied; 2 bad usage, or a registry that takes or gives none

examples:
  elfgate mirror --chart registry.example/team/charts/elfgate:0.1.0 --to mirror.example/elfgate
  elfgate mirror - --to mirror.example/apps --list < images.txt
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("image", nargs="*", metavar="IMAGE", help="what to copy (see below)")
    parser.add_argument(
        "--chart",
        action="append",
        default=[],
        dest="charts",
        metavar="CHART",
        help="copy a chart of a registry, and the images that its values name",
    )
    parser.add_argument(
        "--to", required=True, metavar="REGISTRY[/PATH]", help="copy to this registry"
    )
    parser.add_argument(
        "--list", action="store_true", help="list what would be copied, by digest, and copy nothing"
    )
    add_insecure(parser)
    add_outputs(parser)


def run(options: argparse.Namespace) -> int:
    """Copy, and tell each artefact's new place."""
    import asyncio

    from elfgate.cli.mirror_output import MirrorOutput

    mirrored = asyncio.run(_mirrored(options))
    lines = [_line(each, listed=options.list) for each in mirrored]
    tell_plainly(options, lambda: "".join(lines), MirrorOutput.of(mirrored))
    return 0


async def _mirrored(options: argparse.Namespace) -> "list[Mirrored]":
    import asyncio

    from elfgate.wiring.mirror import mirror

    async with mirror(options.to, insecure=options.insecure_registry) as mirroring:
        done = []
        for image in _images(options, mirroring):
            planned = await asyncio.to_thread(mirroring.plan, image)
            if not options.list:
                await mirroring.copy(planned)
            done.append(planned)
        return done


def _images(options: argparse.Namespace, mirroring: "Mirror") -> list[str]:
    from elfgate.errors import InputError

    images: list[str] = []
    for image in options.image:
        images += sys.stdin.read().split() if image == "-" else [image]
    for chart in options.charts:
        images += [chart, *mirroring.of_chart(chart)]
    if not images:
        raise InputError("nothing to copy", hint="name images, or a chart (--chart)")
    return list(dict.fromkeys(images))


def _line(planned: "Mirrored", *, listed: bool) -> str:
    where = f"{planned.image} {planned.digest} -> {planned.target}"
    if listed:
        return f"{where}\n"
    copied = planned.copied
    signed = f", {len(planned.signatures)} signatures" if planned.signatures else ""
    return f"{where}: {copied.blobs} sent, {copied.there} there, {copied.bytes} bytes{signed}\n"
