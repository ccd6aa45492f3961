"""``elfgate warm``: read images ahead of time, into the store."""

import argparse
import sys
from typing import TYPE_CHECKING

from elfgate.cli.forms import add_outputs, outputs, tell_plainly
from elfgate.cli.options import EPILOG_IMAGES, add_platforms, add_reading, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from elfgate.results.store import WarmOutput
    from elfgate.warm import Warmed

USAGE = """elfgate warm [IMAGE... | -] [-f MANIFESTS]... [--cluster | --context NAME] [--shard I/N]
                    [--platform OS/ARCH[/VARIANT]]... [-o FORMAT]"""
DESCRIPTION = """Read images into the store, so that the webhook knows them before it is asked:
those named, those that manifests name, and those of a cluster's workloads. What the store has is
not read again, so that a run that was stopped goes on where it was."""
EPILOG = f"""{EPILOG_IMAGES}  -                                a list of these on standard input, \
one a line

With --shard, each of N machines reads its part of the same list into a shared store; I counts \
from 0, as
JOB_COMPLETION_INDEX does in a Kubernetes Indexed Job.

exit codes: 0 all are in the store; 2 bad usage or input; 3 some could not be read

examples:
  elfgate warm --context production --platform linux/ppc64le
  elfgate warm - --shard "$JOB_COMPLETION_INDEX/16" --store valkey://facts.elfgate.svc < images.txt
  helm template charts/app | elfgate warm -f -
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("image", nargs="*", metavar="IMAGE", help="what to read (see below)")
    parser.add_argument(
        "-f",
        "--file",
        action="append",
        default=[],
        dest="files",
        metavar="MANIFESTS",
        help="- for standard input",
    )
    parser.add_argument(
        "--context", metavar="NAME", help="read the images of this kubeconfig context's cluster"
    )
    parser.add_argument(
        "--cluster",
        action="store_true",
        help="read the images of the current context's cluster; in a pod, of the pod's own cluster",
    )
    parser.add_argument(
        "--shard", default="0/1", metavar="I/N", help="read only part I of N (default: all)"
    )
    add_platforms(
        parser,
        "for this platform; may be repeated (default: every platform that an image offers)",
    )
    parser.add_argument(
        "--parallel",
        type=int,
        default=4,
        metavar="N",
        help="read N images at the same time (default: 4)",
    )
    add_outputs(parser)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Read, print what came of each image, and return the exit code."""
    import asyncio

    from elfgate.errors import InputError
    from elfgate.results.store import WarmOutput
    from elfgate.warm import State

    if options.parallel < 1:
        raise InputError(f"--parallel {options.parallel} is not a number of images")
    warmed = asyncio.run(_warm(options))
    output = WarmOutput.of(warmed, options.shard)
    tell_plainly(options, lambda: _text(warmed, output, options), output)
    return 3 if any(each.state is State.FAILED for each in warmed) else 0


def _text(warmed: "Sequence[Warmed]", output: "WarmOutput", options: argparse.Namespace) -> str:
    """The outcome of each image, unless it is shown already, and the figures."""
    lines = "" if _is_shown(options) else "".join(map(_line, warmed))
    counts = f"{output.read} read, {output.known} known, {output.failed} failed"
    return f"{lines}{len(warmed)} images: {counts}\n"


def _is_shown(options: argparse.Namespace) -> bool:
    """Tell whether each image's outcome is printed as soon as it is known."""
    return any(outlet.form == "text" and not outlet.path for outlet in outputs(options))


async def _warm(options: argparse.Namespace) -> "list[Warmed]":
    from elfgate.platforms import Platform
    from elfgate.warm import Shard, distinct, warm
    from elfgate.wiring.images import reader as reader_of
    from elfgate.wiring.stores import store

    images = list(distinct(_images(options), Shard.parse(options.shard)))
    platforms = [Platform.parse(text) for text in options.platforms]
    warmed = []
    store(options.store).close()  # of what use would it be to read into a store that is not there?
    async with reader_of(reading(options), at_once=options.parallel) as (read, locate):
        async for each in warm(
            images, reader=read, locate=locate, platforms=platforms, at_once=options.parallel
        ):
            warmed.append(each)
            if _is_shown(options):
                options.progress.clear()
                sys.stdout.write(_line(each))
                sys.stdout.flush()
    return warmed


def _images(options: argparse.Namespace) -> "Iterator[str]":
    from elfgate.cli.manifests import manifests, read_file
    from elfgate.cluster.workloads import workloads
    from elfgate.errors import InputError

    if not (options.image or options.files or options.context or options.cluster):
        raise InputError(
            "nothing to read",
            hint="name images, manifests (-f) or a cluster (--context, --cluster)",
        )
    if [*options.image, *options.files].count("-") > 1:
        raise InputError("standard input can be read only once")
    for image in options.image:
        if image == "-":
            lines = read_file("-").decode("utf-8", "replace").splitlines()
            yield from filter(None, (line.partition("#")[0].strip() for line in lines))
        else:
            yield image
    for _, workload in workloads(manifests(options.files)):
        if workload is not None:
            yield from _references(container.image for container in workload.containers)
    if options.context or options.cluster:
        from elfgate.cluster.running import images

        yield from _references(images(options.context or ""))


def _references(images: "Iterable[str]") -> "Iterator[str]":
    """The reference that a node would pull.

    In a pod, ``oci:app`` is a repository of Docker Hub, never a folder of this machine.
    """
    from elfgate.errors import InputError
    from elfgate.images.reference import pulled_name

    for image in images:
        try:
            yield pulled_name(image)
        except InputError as error:
            sys.stderr.write(f"elfgate warm: skipped: {error}\n")


def _line(warmed: "Warmed") -> str:
    platforms = ", ".join(platform.architecture for platform in warmed.platforms)
    read = f" ({warmed.layers} layers)" if warmed.layers else ""
    end = f": {warmed.message}" if warmed.message else f": {platforms or 'nothing to start'}{read}"
    return f"{warmed.state:6}  {warmed.image}{end}\n"
