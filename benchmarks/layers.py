"""The cost of reading a cold image: against decompression alone, and against syft and crane.

    python benchmarks/layers.py [ROUNDS] [--peers DIRECTORY]

The image has five layers, about 320 MB packed, of this machine's own files (big_image.py makes it
once, in the user's cache). All are read in turn, round by round, and the medians of the rounds'
ratios are printed. isal alone does nothing but decompress; elfgate verifies digests and keeps the
facts of every ELF file as well. The peers are those on PATH or in DIRECTORY (peers.sh builds them
and prints it). CPU seconds are the process's own and its children's.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import igzip

import big_image
from elfgate.images.indexer import Indexer
from elfgate.images.layout import Folder, Layout
from elfgate.images.pull import pull
from elfgate.images.source import Descriptor, Limits
from elfgate.isolation.children import Zygote
from elfgate.isolation.indexing import Indexing
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.scan.reader import Located, Reader
from elfgate.store.sqlite import SqliteStore

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elfgate/bench"
PLATFORM = Platform("linux", "amd64")


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float


class Cold(Layout):
    """The layout without some of its layers' blobs: asking for one of those is an error."""

    def __init__(
        self, folder: Path, forbidden: frozenset[str], indexer: Indexer | None = None
    ) -> None:
        super().__init__(Folder(str(folder)), Limits(), indexer)
        self._forbidden = forbidden

    def layer(self, descriptor: Descriptor) -> Layer:
        assert descriptor.digest not in self._forbidden, "a layer of the base was read again"
        return super().layer(descriptor)


def blobs(folder: Path) -> list[Path]:
    layout = Layout(Folder(str(folder)), Limits())
    pulled = pull(layout.resolve(big_image.TAG), PLATFORM, layout.document, Limits())
    assert pulled is not None
    return [folder / "blobs" / layer.digest.replace(":", "/") for layer in pulled.manifest.layers]


def decompress(paths: list[Path]) -> None:
    opened: Callable[[Path], BinaryIO] = igzip.open  # which has no types of its own
    for path in paths:
        with opened(path) as stream:
            while stream.read(1 << 18):
                pass


def read(
    folder: Path,
    store: Path,
    threads: int,
    forbidden: frozenset[str] = frozenset(),
    indexer: Indexer | None = None,
) -> None:
    """Read the whole image as a scan does."""

    async def main() -> None:
        facts = SqliteStore(store)
        reader = Reader(store=facts, concurrency=threads)
        source = Cold(folder, forbidden, indexer)
        _, contents = await reader.read(Located("bench", source, big_image.TAG), PLATFORM)
        await reader.close()
        assert contents is not None
        facts.close()

    asyncio.run(main())


def cost(work: Callable[[], object]) -> Cost:
    def cpu() -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system

    wall, spent = time.perf_counter(), cpu()
    work()
    return Cost(time.perf_counter() - wall, cpu() - spent)


def cold(folder: Path, threads: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        read(folder, Path(scratch) / "facts.db", threads)


def apart(folder: Path, threads: int) -> None:
    """Read it with a process for each layer; their zygote's start is a part of it."""
    zygote = Zygote()
    with tempfile.TemporaryDirectory() as scratch:
        read(folder, Path(scratch) / "facts.db", threads, indexer=Indexing(zygote))
    zygote.close()


def second(folder: Path) -> float:
    """The share of the first image's time that a second one on the same base takes.

    All layers but a new small one are shared.
    """
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "facts.db"
        first = cost(lambda: read(folder, store, 2))
        again = big_image.derived(folder, CACHE / "derived")
        shared = frozenset(f"sha256:{path.name}" for path in blobs(folder))
        return cost(lambda: read(again, store, 2, shared)).wall / first.wall


def peers(directory: str, folder: Path) -> dict[str, Callable[[], object]]:
    """The peers that can be had, each reading the image and writing nowhere."""
    path = f"{directory}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SYFT_CHECK_FOR_APP_UPDATE": "false"}

    def run(command: str) -> Callable[[], object]:
        return lambda: subprocess.run(
            ["sh", "-c", command], check=True, env=environment, stderr=subprocess.DEVNULL
        )

    archive = big_image.docker_archive(folder, CACHE / "image.tar")
    commands = {
        "syft": f"syft scan --quiet --output json oci-dir:{folder} > /dev/null",
        "crane export": f"crane export - - < {archive} > /dev/null",
    }
    return {
        name: run(command)
        for name, command in commands.items()
        if shutil.which(name.split()[0], path=path)
    }


def peak_memory(folder: Path) -> int:
    """MiB that a process of its own took at most for the whole image with two threads."""
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]; import layers, resource; from pathlib import "
        "Path;layers.cold(Path(sys.argv[2]), 2); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(folder)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(rounds: int, directory: str) -> None:
    folder = big_image.ensure(CACHE / "image")
    packed = blobs(folder)
    work: dict[str, Callable[[], object]] = {
        "isal alone": lambda: decompress(packed),
        "elfgate, 1 thread": lambda: cold(folder, 1),
        "elfgate, 2 threads": lambda: cold(folder, 2),
        "1 process": lambda: apart(folder, 1),
        "2 processes": lambda: apart(folder, 2),
        **peers(directory, folder),
    }
    rows: dict[str, list[Cost]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            rows[name].append(cost(run))
    megabytes = sum(path.stat().st_size for path in packed) / 1e6
    print(f"{len(packed)} layers, {megabytes:.0f} MB packed; load {os.getloadavg()[0]:.1f}")
    print(
        f"{'':20} {'wall s':>7} {'CPU s':>7} {'CPU / isal':>11} {'wall / elfgate, 2 threads':>26}"
    )
    for name, costs in rows.items():
        wall, cpu = (
            statistics.median(row.wall for row in costs),
            statistics.median(row.cpu for row in costs),
        )
        to_isal = statistics.median(
            row.cpu / isal.cpu for row, isal in zip(costs, rows["isal alone"], strict=True)
        )
        to_ours = statistics.median(
            row.wall / ours.wall
            for row, ours in zip(costs, rows["elfgate, 2 threads"], strict=True)
        )
        print(f"{name:20} {wall:7.2f} {cpu:7.2f} {to_isal:11.2f} {to_ours:26.2f}")
    print(
        "limits: elfgate's CPU / isal 1.7; syft's and crane's wall / elfgate's with two threads "
        "at least 4"
    )
    largest = big_image.LARGEST >> 20
    print(
        f"peak memory {peak_memory(folder)} MiB (limit 150 and the largest ELF file, {largest} at "
        "most)"
    )
    print(
        f"a second image on the same base: {second(folder):.1%} of the first's time (limit 5 %), "
        "its layers not read"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--peers", default="")
    options = parser.parse_args()
    main(options.rounds, options.peers)
