"""The store of 100,000 layers.

How long a look-up takes, how long a whole image's tree, and whether memory grows.

    python benchmarks/store.py [LAYERS]

Layers' indexes are of 10 to 400 files; an image has ten of them. Each row is measured in a process
of its own, which opens a store that another has filled: look-ups of random layers, then trees of
random images (index, manifest, config and layers out of the store, laid over one another, and
looked into for the image's nature). Memory is what the process has resident after all that: it
remembers some 64 MB of layers, so that it grows until those are all different, and no further. With
a server on PATH, a row of the shared store.
"""

import hashlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from _pytest.outcomes import Skipped

from elfgate.images.layout import Folder, Layout
from elfgate.images.source import Limits
from elfgate.platforms import Platform
from elfgate.rootfs import tar
from elfgate.rootfs.tree import Tree
from elfgate.scan.reader import Located, Reader
from elfgate.store.address import parse
from elfgate.store.protocol import Kind, Store
from elfgate.store.shared import ValkeyStore
from elfgate.store.sqlite import SqliteStore
from support import valkey
from support.elf_file import elf_file
from support.oci import Blob, image
from support.tarball import Item, program, tarball

PLATFORM = Platform("linux", "amd64")
FILES = (
    10,
    20,
    20,
    50,
    50,
    100,
    100,
    200,
    400,
    100,
)  # of the layers that are repeated under digests of their own
LAYERS_OF_ONE = 10
IMAGES = 500
LOOK_UPS = 5_000
SHARED_LAYERS = 10_000


def layer_index(files: int) -> bytes:
    """With names and programs that do not compress much better than real ones."""
    names = [hashlib.sha256(b"%d %d" % (files, number)).hexdigest() for number in range(files)]
    content: dict[str, Item | bytes] = {
        f"usr/share/{name[:2]}/{name[2:20]}": b"#!/bin/sh\n" for name in names
    }
    content["etc/os-release"] = b"ID=debian\n"
    for name in names[: files // 5]:
        needed = [f"lib{name[at : at + 8]}.so.{at}" for at in range(0, 48, 8)]
        content[f"usr/bin/{name[:12]}"] = program(elf_file("amd64", needed=[*needed, "libc.so.6"]))
    limits = Limits()
    blob = tarball(content)
    return tar.index(
        BytesIO(blob), max_bytes=limits.layer_bytes, max_entries=limits.layer_entries
    ).encode()


def digest(number: int) -> str:
    return f"sha256:{hashlib.sha256(b'%d' % number).hexdigest()}"


def fill(store: Store, layers: int) -> list[str]:
    """Put as many layers, and images of them; the images' digests."""
    indexes = [layer_index(files) for files in FILES]
    for number in range(layers):
        store.put(Kind.LAYER, digest(number), indexes[number % len(indexes)])
    chance = random.Random(0)  # noqa: S311 - the same images in every run
    made = []
    for _ in range(IMAGES):
        chosen = [
            Blob(
                "application/vnd.oci.image.layer.v1.tar",
                b"",
                claims=digest(chance.randrange(layers)),
            )
            for _ in range(LAYERS_OF_ONE)
        ]
        one = image(chosen, platform=str(PLATFORM), entrypoint=["/usr/bin/0"])
        for blob in one.everything().values():
            if blob not in chosen:
                store.put(Kind.DOCUMENT, blob.digest, blob.data)
        made.append(one.digest)
    return made


def measure(store: Store, layers: int, images: list[str]) -> dict[str, float]:
    chance = random.Random(1)  # noqa: S311
    look_ups, trees = [], []
    for _ in range(LOOK_UPS):
        wanted = digest(chance.randrange(layers))
        started = time.perf_counter()
        assert store.get(Kind.LAYER, wanted) is not None
        look_ups.append(time.perf_counter() - started)
    reader = Reader(store=store)
    nowhere = Layout(Folder(""), Limits())
    for name in chance.sample(images, len(images)):
        started = time.perf_counter()
        contents = reader.stored.contents(Located(name, nowhere, name), name, PLATFORM)
        assert contents is not None
        release = Tree([layer for _, layer in contents.layers]).os_release()
        trees.append(time.perf_counter() - started)
        assert release["ID"] == "debian"
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    return {
        "us": statistics.median(look_ups) * 1e6,
        "ms": statistics.median(trees) * 1e3,
        "mb": resident / 1e6,
    }


def opened(place: str) -> Store:
    return (
        ValkeyStore(parse(place))
        if "://" in place
        else SqliteStore(Path(place), max_bytes=16 << 30)
    )


def row(name: str, place: str, layers: int) -> None:
    with closing(opened(place)) as store:
        started = time.perf_counter()
        images = fill(store, layers)
        filled = time.perf_counter() - started
        size = store.statistics()["bytes"] / 1e6
    command = [sys.executable, __file__, "--measure", place, str(layers)]
    ran = subprocess.run(
        command, input=json.dumps(images), capture_output=True, text=True, check=True
    )
    found = json.loads(ran.stdout)
    figures = f"{found['us']:11.0f}  {found['ms']:8.2f}  {found['mb']:13.0f}  {filled:8.1f}"
    print(f"{name:8} {layers:8}  {size:8.0f}  {figures}", flush=True)


def main(layers: int) -> None:
    print(
        "store      layers   size MB   look-up us   tree ms   resident MB    fill s   (medians; "
        "limits 100 us, 5 ms)"
    )
    with tempfile.TemporaryDirectory() as folder:
        for size in (layers // 100, layers // 10, layers):
            row("sqlite", f"{folder}/{size}.db", size)
        with suppress(Skipped), valkey.server(Path(folder)) as server:
            row("shared", server.url, min(SHARED_LAYERS, layers))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        with closing(opened(sys.argv[2])) as ready:
            print(json.dumps(measure(ready, int(sys.argv[3]), json.load(sys.stdin))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
