"""Whole predictions: an image's files, a command and an environment of any bytes, within a budget of work.

The budget is the oracle. What a prediction costs is what it counts, so that time follows the units that were spent; it
costs the same whatever was predicted before; and more work than it needed changes nothing.
"""

import time

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Outcome, Prediction
from elfgate.linkage.work import Work
from elfgate.platforms import Platform
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Tree
from support import tarball
from support.elf_file import elf_file
from support.image import alpine, debian

UNITS = 4_000
SECONDS_A_UNIT, SECONDS_AT_LEAST = (
    10e-6,
    0.02,
)  # ten times what a unit stands for, and what any start takes
PART = b"\n\xfe\n"  # between the settings and each of the files
PLACES = (
    "bin/fuzzed",
    "bin/sh",
    "lib64/ld-linux-x86-64.so.2",
    "lib/ld-musl-x86_64.so.1",
    "usr/lib/libfuzzed.so",
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/ld.so.preload",
    "etc/ld-musl-x86_64.path",
    "etc/passwd",
    "etc/os-release",
    "opt/more.sh",
)

_AMD64 = Platform("linux", "amd64")
_PROGRAM = elf_file(
    "amd64", interp="/lib64/ld-linux-x86-64.so.2", needed=["libfuzzed.so", "libc.so.6"]
)
_BASE = tarball.layer(
    {**alpine("amd64"), **debian("amd64"), "bin/fuzzed": tarball.program(_PROGRAM)}
)


def prediction(data: bytes) -> None:
    """A prediction, twice, and once more with twice the work."""
    settings, *files = data.split(PART)
    layer, overrides = _layer(files), _overrides(settings.decode("latin-1"))
    first, left, seconds = _predicted(layer, overrides, UNITS)
    again, left_again, seconds_again = _predicted(layer, overrides, UNITS)
    assert (again, left_again) == (first, left)
    spent = UNITS - left
    allowed = SECONDS_AT_LEAST + SECONDS_A_UNIT * spent
    assert min(seconds, seconds_again) <= allowed, (
        f"{spent} units took {seconds_again * 1e3:.0f} ms"
    )
    if left < 0:
        assert _is_over_budget(first)
    else:
        assert _predicted(layer, overrides, 2 * UNITS)[0] == first


def seeds() -> list[bytes]:
    """Starts of each kind."""
    script = b'#!/bin/sh -e\nfor x in a b; do PATH=/opt:$PATH; done\n. /opt/more.sh\nexec /bin/fuzzed "$@"\n'
    settings = b"/bin/fuzzed x\nPATH=/bin:/usr/bin\nLD_LIBRARY_PATH=/usr/lib:$ORIGIN"
    library = elf_file(
        "amd64", type=3, soname="libfuzzed.so", needed=["libc.so.6"], runpath="$ORIGIN/.."
    )
    more = b"\x0bexport LD_PRELOAD=/usr/lib/libfuzzed.so\n"
    users, folders = b"\x09root:x:0:0::/:/bin/sh\n", b"\x06/usr/lib\ninclude /etc/*.conf\n"
    starts = [
        [settings, b"\x04" + library],
        [settings, b"\x00" + script, more, b"\x04" + library],
        [b"sh -c cd${IFS}/bin;./fuzzed", folders, users],
        [b"env -i fuzzed", b"\x00#!/usr/bin/env sh\nfuzzed\n", b"\x08/usr/lib:/opt\n"],
    ]
    return [PART.join(start) for start in starts]


def _predicted(layer: Layer, overrides: Overrides, units: int) -> tuple[Prediction, int, float]:
    """A prediction, the units that are left, and the seconds of processor time that it took."""
    work, tree = Work(units), Tree([_BASE, layer])
    began = time.thread_time()
    told = predict(tree, ImageDefaults(), overrides, _AMD64, explain=True, work=work)
    return told, work.left, time.thread_time() - began


def _is_over_budget(told: Prediction) -> bool:
    reasons = {finding.reason for finding in told.findings}
    return told.outcome is Outcome.UNKNOWN and UnknownReason.LIMIT_EXCEEDED in reasons


def _layer(files: list[bytes]) -> Layer:
    """A layer of files, each at the place that its first byte names."""
    builder = LayerBuilder()
    placed = {PLACES[data[0] % len(PLACES)]: data[1:] for data in files if data}
    for place, data in placed.items():
        builder.add(f"/{place}", Entry(Kind.FILE, mode=0o755, size=len(data)), data)
    return builder.build()


def _overrides(settings: str) -> Overrides:
    """A command on the first line, and a variable on each that follows."""
    words, *lines = settings.split("\n")
    env = dict(line.partition("=")[::2] for line in lines if "=" in line)
    return Overrides(command=tuple(words.split(" ")), env=env)
