"""A trial from end to end: predict, unpack, start, and hold both together."""

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path

from elfgate.errors import ElfgateError, UnknownReason, UnreadableError
from elfgate.images.directory import Directory
from elfgate.images.program import Program
from elfgate.images.pull import pull
from elfgate.images.source import Limits, Source
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.scan.located import Contents, Locate, Located
from elfgate.scan.reader import Reader
from elfgate.scan.scanner import Linkage, Scanner
from elfgate.trial import plain, users
from elfgate.trial.agreement import code_of
from elfgate.trial.container import Bounds, start_of
from elfgate.trial.expected import Expected, State
from elfgate.trial.kept import Kept
from elfgate.trial.observed import Observed, observe
from elfgate.trial.sandbox import Sandbox
from elfgate.trial.start import Outcome
from elfgate.trial.tried import Asked, Tried

# What is decided before a process is there: by the registry, or by the kubelet.
_BEFORE = {Code.PLATFORM_MISSING, Code.RUN_AS_ROOT, Code.IMAGE_VOLUME}
_ALONE = (
    "one user alone is mapped here, so that the owners of files are not told apart: "
    "run it as root to have them"
)
_CRASHED = "it crashed without a word: by its own fault, or by its libraries'"
_ELSEWHERE = "values that come from elsewhere are not set here"


@dataclass(frozen=True, slots=True)
class Bench:
    """The tools of a trial.

    Attributes:
        scanner: Predicts.
        reader: Reads the facts that a report has.
        locate: Finds an image's source.
        kept: Keeps layers as they are stored.
        folder: Where they are kept.
        limits: What counts as hostile.
    """

    scanner: Scanner
    reader: Reader
    locate: Locate
    kept: Kept
    folder: Path
    limits: Limits


async def attempt(
    bench: Bench, asked: Asked, platform: Platform, expected: Expected, bounds: Bounds
) -> Tried:
    """Predict a start, really start it, and hold both together.

    Raises:
        UnreadableError: if the image cannot be read.
        InputError: if ``asked.image`` is no image.
    """
    node = NodeFacts(page_size=os.sysconf("SC_PAGE_SIZE"), snapshotter="native")
    linkage = await bench.scanner.linkage(asked.image, platform, asked.overrides, node)
    before = _refused_before(linkage)
    if before:
        return Tried(asked, node, linkage, State.FAILED, before)
    located = bench.locate(asked.image)
    _, contents = await bench.reader.read(located, platform)
    if contents is not None and contents.partial:
        _, contents = await bench.reader.read_whole(located, platform, None, contents)
    if contents is None or not contents.startable:
        words = f"there is nothing to start for {platform}"
        return Tried(asked, node, linkage, State.UNTRIED, words)
    try:
        outcome = await asyncio.to_thread(
            _start, bench, located, contents, (asked, platform, expected, bounds)
        )
    except UnreadableError:
        raise
    except ElfgateError as error:  # this machine cannot, or the image cannot be unpacked
        return Tried(asked, node, linkage, State.UNTRIED, str(error), contents=contents)
    return _told(
        Tried(asked, node, linkage, State.UNTRIED, "", outcome, contents=contents), expected
    )


def _told(tried: Tried, expected: Expected) -> Tried:
    """The trial, with what its outcome means."""
    outcome = tried.outcome
    if outcome.failed:
        return replace(tried, words=outcome.failed)
    argv = tried.linkage.prediction.argv
    observed = meant(outcome, observe(outcome, argv[0] if argv else ""))
    return replace(
        tried,
        state=expected.state(outcome, observed),
        words=expected.words(outcome, observed),
        observed=observed,
        caveats=_caveats(tried),
    )


def meant(outcome: Outcome, observed: Observed) -> Observed:
    """An outcome's meaning, as far as it is told.

    A shell's "not found" may be about a loader or an interpreter of the file that it names.
    """
    if outcome.errno or observed.code is not Code.COMMAND_MISSING:
        return observed
    return replace(observed, code=None)


def _refused_before(linkage: Linkage) -> str:
    """Why there is no process to be started; empty if there is one."""
    if code_of(linkage.prediction) not in _BEFORE:
        return ""
    return linkage.prediction.findings[0].message


def _caveats(tried: Tried) -> tuple[str, ...]:
    overrides, contents = tried.asked.overrides, tried.contents
    user = str(overrides.user or "") or (contents.defaults.user if contents else "")
    is_root = user.partition(":")[0] in {"", "0", "root"}
    told = []
    if not users.are_many() and not is_root:
        told.append(_ALONE)
    if overrides.unknown_env or overrides.unknown_command or overrides.unknown_args:
        told.append(_ELSEWHERE)
    if tried.outcome.signal and not tried.outcome.stderr:
        told.append(_CRASHED)
    return tuple(told)


def _start(
    bench: Bench,
    located: Located,
    contents: Contents,
    how: tuple[Asked, Platform, Expected, Bounds],
) -> Outcome:
    """Unpack and start. Blocks.

    Raises:
        ElfgateError: if this machine cannot, or the image cannot be had or unpacked.
    """
    asked, platform, expected, bounds = how
    if platform.os != "linux" or platform.architecture not in ARCHITECTURES:
        raise UnreadableError(
            f"{platform} is no platform of Linux", reason=UnknownReason.IMAGE_UNSUPPORTED
        )
    with Sandbox(platform.architecture) as sandbox:
        layers = _layers(bench, located, platform)
        root = sandbox.scratch / "image"
        root.mkdir()
        sandbox.unpack(layers, root, most=bounds.unpacked, entries=bounds.entries)
        start = start_of(
            str(root), contents.defaults, asked.overrides, bounds, native=sandbox.native
        )
        return sandbox.start(expected.of(start))


def _layers(bench: Bench, located: Located, platform: Platform) -> list[Path]:
    """The files of the image's layers, bottom first."""
    source: Source = located.source
    if isinstance(source, Directory):
        file = bench.folder / "folder.tar"
        plain.packed(source.path, file, most=bench.limits.layer_bytes)
        return [file]
    if isinstance(source, Program):
        file = bench.folder / "program.tar"
        plain.packed_program(source.path, source.name, file, most=bench.limits.layer_bytes)
        return [file]
    descriptor = source.resolve(located.name)
    pulled = pull(descriptor, platform, source.document, bench.limits)
    if pulled is None:
        raise UnreadableError(
            f"{located.image} has nothing for {platform}", reason=UnknownReason.IMAGE_NOT_FOUND
        )
    return bench.kept.files(source, pulled.manifest.layers)
