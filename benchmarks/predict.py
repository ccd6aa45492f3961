"""How long a prediction takes for an image whose layers are in the store, as the store grows.

    python benchmarks/predict.py [PREDICTIONS]

Each image is a dynamically linked program of its own on one of five bases (a loader, a libc and
five libraries). Every prediction is for an image drawn at random from all that are stored: *new to
the process* means that only the store knows the image (its base may have been met under another
image, as in a cluster), *met before* that the process does.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from elfgate.images.source import Descriptor, Limits
from elfgate.images.unpack import index_layer
from elfgate.isolation.children import Zygote
from elfgate.isolation.pool import Pool
from elfgate.linkage.report import Outcome
from elfgate.platforms import ARCHITECTURES, Platform
from elfgate.rootfs.layer import Layer
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.inquiry import Predictor
from elfgate.scan.local import LocalPredictor
from elfgate.scan.located import Locate, Located
from elfgate.scan.reader import Reader
from elfgate.scan.scanner import Scanner
from elfgate.store.sqlite import SqliteStore
from support.elf_file import elf_file, glibc_libc, glibc_loader, multiarch_directories
from support.oci import Blob, image
from support.tarball import program, tarball

ARCHITECTURE = "ppc64le"
PLATFORM = Platform("linux", ARCHITECTURE)
LIBRARIES = [f"lib{name}.so.1" for name in ("alpha", "beta", "gamma", "delta", "epsilon")]
BASES = 5
SIZES = (10, 100, 1_000, 10_000)


class Memory:
    """Images in memory (a ``Source``), named by their digests."""

    def __init__(self) -> None:
        self.blobs: dict[str, Blob] = {}

    def resolve(self, name: str) -> Descriptor:
        return Descriptor(self.blobs[name].media_type, name, len(self.blobs[name].data))

    def document(self, descriptor: Descriptor) -> bytes:
        return self.blobs[descriptor.digest].data

    def layer(self, descriptor: Descriptor) -> Layer:
        return index_layer(BytesIO(self.document(descriptor)), descriptor, Limits())


def base(number: int) -> bytes:
    folder = multiarch_directories(ARCHITECTURE)[1].lstrip("/")
    loader = ARCHITECTURES[ARCHITECTURE].glibc_loaders[0].lstrip("/")
    files = {loader: glibc_loader(ARCHITECTURE), f"{folder}/libc.so.6": glibc_libc(ARCHITECTURE)}
    files |= {
        f"{folder}/{name}": elf_file(ARCHITECTURE, soname=name, needed=["libc.so.6"])
        for name in LIBRARIES
    }
    files |= {f"usr/share/{number}/{file}": b"#!/bin/sh\n" for file in range(2_000)}
    return tarball({path: program(data) for path, data in files.items()})


def application(number: int) -> bytes:
    needed = [*LIBRARIES, "libc.so.6"]
    interp = ARCHITECTURES[ARCHITECTURE].glibc_loaders[0]
    return elf_file(ARCHITECTURE, interp=interp, needed=needed, strings=[b"%d" % number])


def located_in(memory: Memory) -> Locate:
    # All may have what is in memory.
    def locate(image: str, asker: Asker = ANYBODY) -> Located:  # noqa: ARG001
        return Located(image, memory, image)

    return locate


async def grow(
    source: Memory, names: list[str], size: int, bases: list[bytes], store: SqliteStore
) -> None:
    """Have as many images in the store: read each as a scan would."""
    reader = Reader(store=store)
    scanner = Scanner(locate=located_in(source), reader=reader, predictor=LocalPredictor())
    for number in range(len(names), size):
        own = tarball({"app": program(application(number))})
        made = image([bases[number % BASES], own], platform=str(PLATFORM), entrypoint=["/app"])
        source.blobs = made.everything()
        names.append(made.digest)
        assert (await scanner.linkage(made.digest, PLATFORM)).outcome is Outcome.STARTS
    await scanner.close()


async def measure(
    names: list[str], predictions: int, store: SqliteStore, predictor: Predictor
) -> tuple[float, float, float]:
    """Median milliseconds for an image that is new to the process, and for one met before.

    The third number is the milliseconds of processor time that this process spends on a new one.
    """
    nothing = Memory()
    scanner = Scanner(locate=located_in(nothing), reader=Reader(store=store), predictor=predictor)
    first: list[float] = []
    again: list[float] = []
    here: list[float] = []
    # The same images in every run.
    chosen = random.Random(0).sample(names, min(predictions, len(names)))  # noqa: S311
    for name in chosen:
        nothing.blobs = {name: Blob("", b"")}
        for times in (first, again):
            started, spent = time.perf_counter(), time.process_time()
            linkage = await scanner.linkage(name, PLATFORM)
            times.append(time.perf_counter() - started)
            if times is first:
                here.append(time.process_time() - spent)
            assert linkage.outcome is Outcome.STARTS
    await scanner.close()
    new, met, own = (statistics.median(times) * 1e3 for times in (first, again, here))
    return new, met, own


async def apart(
    names: list[str], predictions: int, store: SqliteStore
) -> tuple[float, float, float]:
    """Predictions in processes of their own."""
    zygote = Zygote()
    pool = Pool(zygote)
    await pool.start()
    try:
        return await measure(names, predictions, store, pool)
    finally:
        zygote.close()


async def main(predictions: int) -> None:
    bases = [base(number) for number in range(BASES)]
    names: list[str] = []
    source = Memory()
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "facts.db", max_bytes=8 << 30)
        print("median ms of a prediction (limit 1), and of processor time that it takes here")
        print("images  new  met before  here | in processes of their own  met before  here")
        for size in SIZES:
            await grow(source, names, size, bases, store)
            local = await measure(names, predictions, store, LocalPredictor())
            pool = await apart(names, predictions, store)
            print(f"{size:6}", *(f"{each:10.3f}" for each in (*local, *pool)))
        store.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
