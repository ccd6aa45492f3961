"""``elfgate try``: really start an image, platform by platform, beside what is predicted."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.container import add_container, overrides
from elfgate.cli.forms import TABLED, add_outputs, tell_table
from elfgate.cli.options import EPILOG_IMAGES, add_platforms, add_reading, reading
from elfgate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from elfgate.platforms import Platform
    from elfgate.trial.expected import Expected
    from elfgate.trial.report import Report
    from elfgate.trial.tried import Asked, Tried
    from elfgate.trial.trying import Bench

USAGE = """elfgate try (IMAGE... | -f FILE) [--platform OS/ARCH[/VARIANT]]... [OPTION]... [-o \
FORMAT]
                   [-- COMMAND [ARG]...]"""
DESCRIPTION = """Really start an image's program on each platform, and show what happened beside
what was predicted. It runs in the image's own root file system and in namespaces: without root,
engine or network, and nothing is written but to a scratch folder. Another architecture's program
is run by an installed qemu."""
EPILOG = f"""{EPILOG_IMAGES}
COMMAND stands for a pod's command and args, and replaces the image's Entrypoint and Cmd.
A start counts if the program stays up, or exits with 0; --expect and --ready ask for something \
else.
Programs of images are started for real: try those that you would run.

exit codes: 0 all started as expected; 1 one did not; 2 bad usage, an image cannot be read, or \
nothing can be
started on this machine; 3 no failures, but some could not be tried

examples:
  elfgate try registry.example/team/app:1.2
  elfgate try oci:build/app --platform linux/ppc64le --expect 0 -- /usr/bin/app --version
  elfgate try oci:build/app --ready http:8080/healthz --for 30
  elfgate try -f deploy.yaml --image registry.example/app:2=oci:build/app
"""
_LONGEST = 3600


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("image", nargs="*", metavar="IMAGE", help="what to start (see below)")
    parser.add_argument(
        "-f",
        "--file",
        action="append",
        default=[],
        metavar="FILE",
        dest="files",
        help="start each container of the manifests in FILE, as its pod says; - for standard input",
    )
    add_platforms(
        parser,
        "start it on this platform; may be repeated (default: every platform that the image "
        "offers)",
    )
    _add_expected(parser.add_argument_group("what is expected"))
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write what was predicted and what happened, with the facts that a prediction needs "
        "and without the image (see `elfgate verify`)",
    )
    add_outputs(parser, (*TABLED, "junit"))
    add_container(parser)
    add_reading(parser)


def _add_expected(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--for",
        type=float,
        default=3.0,
        metavar="SECONDS",
        dest="seconds",
        help="the program stays up for SECONDS, or becomes ready within them (default: 3)",
    )
    group.add_argument(
        "--expect", type=int, metavar="STATUS", help="the program exits with this status"
    )
    group.add_argument(
        "--ready",
        default="",
        metavar="SIGN",
        help="the program shows that it is ready: tcp:PORT, http:PORT/PATH or log:TEXT",
    )


def run(options: argparse.Namespace) -> int:
    """Try, print, and return the exit code."""
    import asyncio

    from elfgate.cli.try_output import TryOutput, try_cases, try_table, try_text
    from elfgate.policy.rulebook import shipped
    from elfgate.reports.junit import junit

    expected = _expected(options)
    asked = list(_asked(options))
    tried, reports = asyncio.run(_tried(options, asked, expected))
    code = exit_code(tried)
    if options.report:
        from elfgate.trial.report import write_reports

        write_reports(options.report, reports)
    tell_table(
        options,
        lambda: try_text(tried, options.report),
        TryOutput.of(tried, shipped()),
        try_table(tried),
        junit=lambda: junit(try_cases(tried), suite="elfgate try"),
    )
    return code


def exit_code(tried: "Sequence[Tried]") -> int:
    """0 all started; 1 one did not; 2 none could be tried; 3 some could not.

    Raises:
        InputError: if none could be tried: why.
    """
    from elfgate.trial.expected import State

    states = {each.state for each in tried}
    if states & {State.FAILED, State.ENDED}:
        return 1
    if states == {State.UNTRIED}:
        raise InputError(tried[0].words)
    return 3 if State.UNTRIED in states else 0


def _expected(options: argparse.Namespace) -> "Expected":
    from elfgate.trial.expected import Expected
    from elfgate.trial.ready import Probe

    if not 0 < options.seconds <= _LONGEST:
        raise InputError(f"--for {options.seconds:g} is not between 0 and {_LONGEST} seconds")
    if options.ready and options.expect is not None:
        raise InputError("--ready and --expect ask for two ends", hint="give one of them")
    try:
        if options.ready:
            Probe.parse(options.ready)
    except ValueError as error:
        raise InputError(f"--ready: {error}") from error
    return Expected(options.seconds, options.expect, options.ready)


def _asked(options: argparse.Namespace) -> "Iterator[Asked]":
    """The starts that are asked for.

    Raises:
        InputError: if there are none, or both images and files.
    """
    from elfgate.trial.tried import Asked

    if bool(options.image) == bool(options.files):
        named = "both images and manifests are" if options.image else "no image and no manifest is"
        raise InputError(f"{named} named", hint="name images, or manifests with -f")
    for image in options.image:
        yield Asked(image, overrides(options))
    if options.files:
        yield from _of_manifests(options)


def _of_manifests(options: argparse.Namespace) -> "Iterator[Asked]":
    from elfgate.cli.manifests import manifests
    from elfgate.cli.options import check_named
    from elfgate.cluster.workload import parts_of
    from elfgate.cluster.workloads import workloads
    from elfgate.trial.tried import Asked

    found = [workload for _, workload in workloads(manifests(options.files)) if workload]
    check_named(options.images, found)
    parts = [part for workload in found for part in parts_of(workload)]
    containers = [(part, each) for part in parts for each in part.containers if each.image]
    if not containers:
        raise InputError(f"{', '.join(options.files)} has no container to start")
    for part, container in containers:
        name = "/".join(filter(None, (part.name, container.name)))
        yield Asked(container.image, container.overrides, name)


async def _tried(
    options: argparse.Namespace, asked: "Sequence[Asked]", expected: "Expected"
) -> "tuple[list[Tried], list[Report]]":
    """Try each start on each platform; and reports, if they are wanted."""
    from elfgate.trial.container import Bounds
    from elfgate.trial.reporting import report_of
    from elfgate.trial.trying import attempt
    from elfgate.wiring.trial import opened

    tried, reports = [], []
    async with opened(reading(options)) as (bench, predictor):
        for each in asked:
            for platform in await _platforms(options, bench, each.image):
                tried.append(await attempt(bench, each, platform, expected, Bounds()))
                if options.report and tried[-1].observed:
                    reports.append(await report_of(tried[-1], predictor))
    return tried, reports


async def _platforms(
    options: argparse.Namespace, bench: "Bench", image: str
) -> "Sequence[Platform]":
    from elfgate.platforms import Platform

    if options.platforms:
        return [Platform.parse(text) for text in options.platforms]
    offered = await bench.scanner.images.platforms(image)
    if not offered:
        raise InputError(f"{image} names no Linux platform", hint="add --platform")
    return offered
