"""How long predictions of real programs and walks through real scripts take.

    python benchmarks/starts.py ROOT [SCRIPTS]

ROOT is a folder with a root file system for amd64, SCRIPTS one with scripts of others. Each program
is predicted in a process of its own, forked from one that knows nothing but the code: its *first*
prediction there, and the same *again*. A script is walked as the root's entrypoint with arguments,
the shell known, its text not: the faster of two. All times are of the processor.
"""

import gc
import os
import statistics
import sys
import time
from pathlib import Path

from elfgate.images.directory import Directory
from elfgate.images.source import Descriptor, Limits
from elfgate.isolation.zygote import COLLECT
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.shell.syntax import parser
from elfgate.linkage.shell.syntax.script import Scripts
from elfgate.platforms import Platform
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Found, Tree

DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
PLATFORM = Platform("linux", "amd64")
NODE = NodeFacts(4096, "x86-64-v3", (6, 1, 0))


def milliseconds(layers: list[Layer], *command: str) -> float:
    """Predict the start of a command in an image of these layers."""
    env = {"PATH": ":".join(DIRECTORIES)}
    tree, defaults = Tree(layers), ImageDefaults(entrypoint=command, env=env)
    started = time.process_time()
    predict(tree, defaults, Overrides(), PLATFORM, NODE)
    return (time.process_time() - started) * 1e3


def programs(base: Layer) -> list[str]:
    """The ELF files that PATH leads to, by their real paths."""
    tree = Tree([base])
    paths = [f"{folder}/{name}" for folder in DIRECTORIES for name in tree.listdir(folder)]
    found = [tree.lookup(path) for path in paths]
    return sorted({place.path for place in found if isinstance(place, Found) and place.entry.elf})


def cold(blob: bytes, program: str) -> tuple[float, float]:
    """Predict a program twice in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        layers = [Layer.decode(blob)]
        times = (milliseconds(layers, program) for _ in range(2))
        os.write(writing, " ".join(map(str, times)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    first, again = os.read(reading, 99).split()
    os.close(reading)
    os.close(writing)
    return float(first), float(again)


def walked(base: Layer, script: bytes) -> float:
    """Walk a script."""
    builder = LayerBuilder()
    builder.add("/entry.sh", Entry(Kind.FILE, 0o755, 0, 0, len(script)), script)
    layers = [base, Layer.decode(builder.build().encode())]
    times = []
    for _ in range(2):
        parser._scripts = Scripts()  # noqa: SLF001 - what was parsed is forgotten
        times.append(milliseconds(layers, "/entry.sh", "serve", "--port=80"))
    return min(times)


def show(name: str, times: dict[str, float]) -> None:
    """Print the spread of times, and what took longest."""
    ordered = sorted(times.values())
    slowest = max(times, key=lambda one: times[one])
    print(
        f"{name}: {len(ordered)}, median {statistics.median(ordered):.2f} ms, "
        f"p99 {ordered[len(ordered) * 99 // 100]:.1f}, most {ordered[-1]:.1f} ({slowest})"
    )


def main(root: str, scripts: str = "") -> None:
    blob = Directory(root, Limits()).layer(Descriptor("", "")).encode()
    base = Layer.decode(blob)
    found = programs(base)
    gc.freeze()
    gc.set_threshold(*COLLECT)
    times = {program: cold(blob, program) for program in found}
    show("first", {program: first for program, (first, _) in times.items()})
    show("again", {program: again for program, (_, again) in times.items()})
    one_by_one = {program: milliseconds([base], program) for program in found}
    show("one by one, in one process", one_by_one)
    if scripts:
        texts = sorted(path for path in Path(scripts).iterdir() if path.is_file())
        show("scripts", {path.name: walked(base, path.read_bytes()) for path in texts})


if __name__ == "__main__":
    main(*sys.argv[1:])
